"""/people for administrators, and /me for everybody."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import searching, selectors
from apis.models import Person
from apis.rest.authentication import credential_of
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Flag, Text, Texts
from apis.rest.schema import operation
from apis.roles import Role, scopes_of
from apis.services import people

_ROLES = f"Out of: {', '.join(Role)}, and the custom ones (/roles)."
SEARCH = OpenApiParameter("search", str, description="Part of the user name or email address.")


class PersonBody(Body):
    """Somebody new. Without a password they cannot sign in until one is set."""

    username = Text()
    password = Text(required=False, write_only=True)
    email = Text(required=False)
    roles = Texts(required=False, help_text=_ROLES)


class PersonChangeBody(Body):
    """What may be changed of a person."""

    roles = Texts(required=False, help_text=_ROLES)
    email = Text(required=False)
    disabled = Flag(required=False, help_text="true: sessions and tokens stop working at once.")


class PasswordBody(Body):
    """The new password."""

    password = Text(write_only=True)


class PersonAnswer(serializers.Serializer):
    """A person."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    email = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    disabled = serializers.SerializerMethodField()
    created_at = serializers.DateTimeField(source="date_joined")
    last_login = serializers.DateTimeField(allow_null=True)

    def get_disabled(self, person: Person) -> bool:
        return not person.is_active


class MeAnswer(serializers.Serializer):
    """Who you are, and what this credential lets you do."""

    id = serializers.UUIDField()
    username = serializers.CharField()
    email = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    scopes = serializers.ListField(child=serializers.CharField())


class Me(Resource):
    @operation("me_read", "See who you are and what this credential allows", answer=MeAnswer)
    def get(self, request: Request) -> Response:
        person = self.actor.person
        allowed = [scope.value for scope in scopes_of(person.held_roles)]
        carried = credential_of(request).scopes
        return Response(
            {
                "id": person.pk,
                "username": person.username,
                "email": person.email,
                "roles": person.roles,
                "scopes": allowed if carried is None else [scope for scope in allowed if scope in carried],
            }
        )


class PeopleResource(Resource):
    """Base of everything below /people."""

    def person(self, person_id: UUID) -> Person:
        """Raises: Forbidden for anybody but administrators, Missing."""
        return selectors.person_get(self.actor, person_id)


class People(PeopleResource):
    @operation("people_list", "List people (administrators)", rows=PersonAnswer, errors=(403,), query=(SEARCH,))
    def get(self, request: Request) -> Response:
        return self.page(searching.people_matching(selectors.people(self.actor), self.query("search")), PersonAnswer)

    @operation(
        "people_create", "Create a person (administrators)",
        body=PersonBody, answer=PersonAnswer, status=201, errors=(403, 409),
        example={"username": "carol", "password": "walks the dog", "roles": ["creator"]},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        selectors.people(self.actor)  # who may not, is told so before anything about the body
        person = people.person_create(actor=self.actor, **self.body(PersonBody))
        return Response(PersonAnswer(person).data, status=201, headers={"Location": f"/api/v1/people/{person.pk}"})


class OnePerson(PeopleResource, RowEditions):
    model, key = Person, "person_id"

    @operation("people_read", "Show a person (administrators)", answer=PersonAnswer, errors=(403, 404))
    def get(self, request: Request, person_id: UUID) -> Response:
        return Response(PersonAnswer(self.person(person_id)).data)

    @operation(
        "people_update", "Change roles or email address of a person, disable or enable them (administrators)",
        body=PersonChangeBody, answer=PersonAnswer, errors=(403, 404, 409),
        example={"roles": ["creator", "publisher"], "disabled": False},
    )  # fmt: skip
    def patch(self, request: Request, person_id: UUID) -> Response:
        person = self.person(person_id)
        values = self.body(PersonChangeBody, partial=True)
        return Response(PersonAnswer(people.person_update(actor=self.actor, person=person, **values)).data)


class SetPassword(PeopleResource):
    @operation(
        "people_set_password", "Set somebody's password (administrators)",
        body=PasswordBody, status=204, errors=(403, 404), detail="Their browser sessions end.",
        example={"password": "walks the dog"},
    )  # fmt: skip
    def post(self, request: Request, person_id: UUID) -> Response:
        person = self.person(person_id)
        people.person_set_password(actor=self.actor, person=person, **self.body(PasswordBody))
        return Response(status=204)
