"""/apis/{id}/topics, /apis/{id}/scopes and /scopes: where clients connect, and what their tokens need for it."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import scoping, selectors
from apis.models import Api, Scope
from apis.permissions import can_see_api
from apis.rest.answers import TopicAnswer
from apis.rest.base import Resource
from apis.rest.designs import ApiResource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Raw, Text
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import scopes, topics

ROOMS = {
    "name": "/rooms/{roomID}",
    "url_mapping": "/rooms?room={uri.var.roomID}",
    "scopes": ["rooms:read"],
    "publish_scopes": ["rooms:write"],
}


@extend_schema_field(TopicAnswer(many=True))
class TopicsField(Raw):
    """Checked by apis.shapes_topics."""


@extend_schema_field(serializers.ListField(child=serializers.CharField(), help_text="Names of roles."))
class RolesField(Raw):
    """Checked by apis.services.scopes."""


class TopicsBody(Body):
    """All topics of an API."""

    topics = TopicsField()


class ScopeChangeBody(Body):
    """What may be changed of a scope."""

    display_name = Text(required=False, help_text="What people read in the place of the name; may be empty.")
    description = Text(required=False)
    roles = RolesField(required=False, help_text="Only people with one of them get it; empty: everybody.")


class ScopeBody(ScopeChangeBody):
    """A new scope."""

    name = Text(help_text="A scope-token of RFC 6749 section 3.3, once on this gateway.")


class ScopeAnswer(serializers.Serializer):
    """A scope. `shared` ones may be named by the topics of every API."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    display_name = serializers.CharField()
    description = serializers.CharField()
    roles = serializers.ListField(child=serializers.CharField())
    shared = serializers.SerializerMethodField()

    def get_shared(self, scope: Scope) -> bool:
        return scope.version_set_id is None


class Topics(ApiResource):
    fields = ("topics",)

    def whole(self, api: Api, **kwargs: Any) -> Any:
        return [topic.design for topic in api.topics.all()]

    @operation(
        "apis_topics",
        "List the topics of an API",
        rows=TopicAnswer,
        errors=(404,),
        detail="Those of the design. People who may not see designs get those that clients meet now, without mappings.",
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        api = self.api(api_id)
        if can_see_api(self.actor, api):
            return self.page([topic.design for topic in api.topics.all()], TopicAnswer)
        served = [
            {key: value for key, value in topic.items() if key != "url_mapping"}
            for topic in selectors.topics_served(api)
        ]
        return self.page(served, TopicAnswer)

    @operation(
        "apis_topics_replace",
        "Set all topics of an API",
        body=TopicsBody,
        rows=TopicAnswer,
        errors=(403, 404),
        detail="Topics are design: clients meet them once a revision that has them is deployed. Two names that take "
        "the same paths (`/a/{x}` and `/a/{y}`) are refused; of those that fit, the most specific one wins.",
        example={"topics": [ROOMS, {"name": "/news", "publish": False}]},
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        rows = topics.topics_replace(actor=self.actor, api=self.design(api_id), **self.body(TopicsBody))
        return self.page(rows, TopicAnswer)


class ScopeResource(Resource):
    """What local and shared scopes have in common."""

    def shown(self, scope: Scope, status: int = 200, where: str = "") -> Response:
        headers = {"Location": f"/api/v1/{where}/{scope.pk}"} if where else None
        return Response(ScopeAnswer(scope).data, status=status, headers=headers)


class SharedScopes(ScopeResource):
    @operation("scopes_list", "List the shared scopes", rows=ScopeAnswer)
    def get(self, request: Request) -> Response:
        return self.page(scoping.scopes_shared(), ScopeAnswer)

    @operation(
        "scopes_create",
        "Name a shared scope (creators and administrators)",
        body=ScopeBody,
        answer=ScopeAnswer,
        status=201,
        errors=(403, 409),
        example={"name": "rooms:write", "description": "Write into rooms", "roles": ["subscriber"]},
    )
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.DESIGN_APIS)
        return self.shown(scopes.scope_create(actor=self.actor, **self.body(ScopeBody)), 201, "scopes")


class OneSharedScope(ScopeResource, RowEditions):
    model, key = Scope, "scope_id"

    def may_be_told(self, row: Scope) -> bool:
        return self.actor.can(Capability.DESIGN_APIS)

    def scope(self, scope_id: UUID) -> Scope:
        """Raises: Missing, also for a local one."""
        return scoping.scope_get(scoping.scopes_shared(), scope_id)

    @operation("scopes_read", "Show a shared scope", answer=ScopeAnswer, errors=(404,))
    def get(self, request: Request, scope_id: UUID) -> Response:
        return self.shown(self.scope(scope_id))

    @operation(
        "scopes_update",
        "Change a shared scope; the next token goes by it",
        body=ScopeChangeBody,
        answer=ScopeAnswer,
        errors=(403, 404),
        example={"roles": []},
    )
    def patch(self, request: Request, scope_id: UUID) -> Response:
        scope = self.scope(scope_id)
        self.actor.require(Capability.DESIGN_APIS)
        values = self.body(ScopeChangeBody, partial=True)
        return self.shown(scopes.scope_update(actor=self.actor, scope=scope, **values))

    @operation("scopes_delete", "Delete a shared scope that is not in use", status=204, errors=(403, 404, 409))
    def delete(self, request: Request, scope_id: UUID) -> Response:
        scopes.scope_delete(actor=self.actor, scope=self.scope(scope_id))
        return Response(status=204)


class LocalScopes(ApiResource, ScopeResource):
    fields = ("scopes",)

    @operation(
        "apis_scopes",
        "List the scopes of an API, which all of its versions share",
        rows=ScopeAnswer,
        errors=(404,),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        return self.page(scoping.scopes_local(self.api(api_id)), ScopeAnswer)

    @operation(
        "apis_scopes_create",
        "Name a scope of this API",
        body=ScopeBody,
        answer=ScopeAnswer,
        status=201,
        errors=(403, 404, 409),
        example={"name": "chat:moderate", "description": "Moderate rooms"},
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        scope = scopes.scope_create(actor=self.actor, api=api, **self.body(ScopeBody))
        return self.shown(scope, 201, f"apis/{api.pk}/scopes")


class OneLocalScope(ApiResource, ScopeResource):
    fields = ("scopes",)

    def found(self, api_id: UUID, scope_id: UUID) -> tuple[Api, Scope]:
        """Raises: Missing, also for a shared one or another API's."""
        api = self.design(api_id)
        return api, scoping.scope_get(scoping.scopes_local(api), scope_id)

    @operation("apis_scopes_read", "Show a scope of this API", answer=ScopeAnswer, errors=(403, 404))
    def get(self, request: Request, api_id: UUID, scope_id: UUID) -> Response:
        return self.shown(self.found(api_id, scope_id)[1])

    @operation(
        "apis_scopes_update",
        "Change a scope of this API; the next token goes by it",
        body=ScopeChangeBody,
        answer=ScopeAnswer,
        errors=(403, 404),
        example={"roles": ["subscriber"]},
    )
    def patch(self, request: Request, api_id: UUID, scope_id: UUID) -> Response:
        api, scope = self.found(api_id, scope_id)
        values = self.body(ScopeChangeBody, partial=True)
        return self.shown(scopes.scope_update(actor=self.actor, scope=scope, api=api, **values))

    @operation(
        "apis_scopes_delete", "Delete a scope of this API that is not in use", status=204, errors=(403, 404, 409)
    )
    def delete(self, request: Request, api_id: UUID, scope_id: UUID) -> Response:
        api, scope = self.found(api_id, scope_id)
        scopes.scope_delete(actor=self.actor, scope=scope, api=api)
        return Response(status=204)
