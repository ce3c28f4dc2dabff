"""/roles and /api-categories: administrators keep them, everybody who signs in may read them."""

from __future__ import annotations

from uuid import UUID

from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors_portal
from apis.models import ApiCategory, Role
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Text
from apis.rest.schema import operation
from apis.roles import BUILT_IN_ROLES, Capability
from apis.services import categories, custom_roles

_ALIAS = f"Empty, or a built-in role that it also counts as: {', '.join(BUILT_IN_ROLES)}."


class RoleChangeBody(Body):
    """What may be changed of a role."""

    description = Text(required=False)
    alias_of = Text(required=False, help_text=_ALIAS)


class RoleBody(RoleChangeBody):
    """A new role."""

    name = Text(help_text="At most 60 letters, digits and _ . / : @ -, once here; it stays.")


class RoleAnswer(serializers.Serializer):
    """A role beside the built-in ones."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    alias_of = serializers.CharField(help_text=_ALIAS)
    created_at = serializers.DateTimeField()


class Roles(Resource):
    @operation(
        "roles_list", "List the roles beside the built-in ones", rows=RoleAnswer,
        detail=f"Built in are {', '.join(BUILT_IN_ROLES)}; they are not listed.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        return self.page(selectors_portal.custom_roles(), RoleAnswer)

    @operation(
        "roles_create", "Keep a further role (administrators)",
        body=RoleBody, answer=RoleAnswer, status=201, errors=(403, 409),
        example={"name": "partners", "description": "People of our partners", "alias_of": "subscriber"},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        role = custom_roles.role_create(actor=self.actor, **self.body(RoleBody))
        return Response(RoleAnswer(role).data, status=201, headers={"Location": f"/api/v1/roles/{role.pk}"})


class OneRole(RowEditions):
    model, key = Role, "role_id"

    @operation("roles_read", "Show a role", answer=RoleAnswer, errors=(404,))
    def get(self, request: Request, role_id: UUID) -> Response:
        return Response(RoleAnswer(selectors_portal.role_get(role_id)).data)

    @operation(
        "roles_update", "Change what a role means (administrators)",
        body=RoleChangeBody, answer=RoleAnswer, errors=(403, 404, 409),
        detail="Who holds it may more or less at once, live sessions included.",
        example={"alias_of": "creator"},
    )  # fmt: skip
    def patch(self, request: Request, role_id: UUID) -> Response:
        role = selectors_portal.role_get(role_id)
        self.actor.require(Capability.ADMINISTER)
        values = self.body(RoleChangeBody, partial=True)
        return Response(RoleAnswer(custom_roles.role_update(actor=self.actor, role=role, **values)).data)

    @operation(
        "roles_delete", "Delete a role (administrators)", status=204, errors=(403, 404, 409),
        detail="Not while a person holds it, or an API, a scope or a business plan names it.",
    )  # fmt: skip
    def delete(self, request: Request, role_id: UUID) -> Response:
        custom_roles.role_delete(actor=self.actor, role=selectors_portal.role_get(role_id))
        return Response(status=204)


class CategoryChangeBody(Body):
    """What may be changed of a category."""

    name = Text(required=False)
    description = Text(required=False)


class CategoryBody(Body):
    """A new category."""

    name = Text(help_text="At most 50 characters, once here.")
    description = Text(required=False)


class CategoryAnswer(serializers.Serializer):
    """A heading under which the developer portal shows APIs."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    created_at = serializers.DateTimeField()


class Categories(Resource):
    @operation("api-categories_list", "List the API categories", rows=CategoryAnswer)
    def get(self, request: Request) -> Response:
        return self.page(ApiCategory.objects.order_by("name"), CategoryAnswer)

    @operation(
        "api-categories_create", "Keep a further API category (administrators)",
        body=CategoryBody, answer=CategoryAnswer, status=201, errors=(403, 409),
        example={"name": "Real time", "description": "Prices, positions and chats as they happen"},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        row = categories.category_create(actor=self.actor, **self.body(CategoryBody))
        return Response(CategoryAnswer(row).data, status=201, headers={"Location": f"/api/v1/api-categories/{row.pk}"})


class OneCategory(RowEditions):
    model, key = ApiCategory, "category_id"

    @operation("api-categories_read", "Show an API category", answer=CategoryAnswer, errors=(404,))
    def get(self, request: Request, category_id: UUID) -> Response:
        return Response(CategoryAnswer(selectors_portal.category_get(category_id)).data)

    @operation(
        "api-categories_update", "Rename or describe an API category (administrators)",
        body=CategoryChangeBody, answer=CategoryAnswer, errors=(403, 404, 409),
        detail="APIs under it stay under it.", example={"name": "Live"},
    )  # fmt: skip
    def patch(self, request: Request, category_id: UUID) -> Response:
        row = selectors_portal.category_get(category_id)
        self.actor.require(Capability.ADMINISTER)
        values = self.body(CategoryChangeBody, partial=True)
        return Response(CategoryAnswer(categories.category_update(actor=self.actor, category=row, **values)).data)

    @operation(
        "api-categories_delete", "Delete an API category (administrators)", status=204, errors=(403, 404, 409),
        detail="Not while an API is under it.",
    )  # fmt: skip
    def delete(self, request: Request, category_id: UUID) -> Response:
        categories.category_delete(actor=self.actor, category=selectors_portal.category_get(category_id))
        return Response(status=204)
