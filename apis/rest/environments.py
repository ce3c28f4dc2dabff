"""/environments: everybody reads them, administrators keep them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors
from apis.models import Environment
from apis.rest.base import Resource
from apis.rest.editing import RowEditions
from apis.rest.fields import Body, Raw, Text, Texts, Whole
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import environments
from apis.shapes_vhosts import VHOSTS_LIMIT

_PORT = "Without the port offset of this start; null where it is not offered."


class Vhost(serializers.Serializer):
    """A further host of an environment."""

    host = serializers.CharField()
    ws_port = serializers.IntegerField(required=False, allow_null=True)
    wss_port = serializers.IntegerField(required=False, allow_null=True)
    description = serializers.CharField(required=False, allow_blank=True)


@extend_schema_field(Vhost(many=True))
class VhostsField(Raw):
    """Checked by apis.shapes_vhosts.vhosts."""


class EnvironmentChangeBody(Body):
    """What may be changed of an environment."""

    name = Text(required=False)
    description = Text(required=False)
    host = Text(required=False, help_text="A host name or an address that clients connect to.")
    ws_port = Whole(required=False, allow_null=True, help_text=_PORT)
    wss_port = Whole(required=False, allow_null=True, help_text=_PORT)
    vhosts = VhostsField(required=False, help_text=f"At most {VHOSTS_LIMIT - 1} further hosts; all of them.")
    deploy_roles = Texts(required=False, help_text="Roles that may deploy here; empty for whoever may deploy.")


class EnvironmentBody(EnvironmentChangeBody):
    """A new environment."""

    name = Text()


class VhostAnswer(serializers.Serializer):
    """A host of an environment; the first one is its own."""

    host = serializers.CharField()
    ws_port = serializers.IntegerField(allow_null=True)
    wss_port = serializers.IntegerField(allow_null=True)
    description = serializers.CharField()
    urls = serializers.ListField(child=serializers.CharField(), help_text="Where it listens.")


class EnvironmentAnswer(serializers.Serializer):
    """A gateway environment."""

    id = serializers.UUIDField()
    name = serializers.CharField()
    description = serializers.CharField()
    urls = serializers.SerializerMethodField(help_text="Where it listens on its own host.")
    vhosts = serializers.SerializerMethodField(help_text="All of its hosts, its own first.")
    deploy_roles = serializers.ListField(child=serializers.CharField())

    def get_urls(self, row: Environment) -> list[str]:
        return selectors.environment_urls(row)

    @extend_schema_field(VhostAnswer(many=True))
    def get_vhosts(self, row: Environment) -> list[dict[str, Any]]:
        own = {"host": row.host, "ws_port": row.ws_port, "wss_port": row.wss_port, "description": ""}
        further = [{**one, "urls": selectors.environment_urls(row, one["host"])} for one in row.vhosts]
        return [{**own, "urls": selectors.environment_urls(row)}, *further]


class Environments(Resource):
    @operation("environments_list", "List the gateway environments", rows=EnvironmentAnswer)
    def get(self, request: Request) -> Response:
        return self.page(selectors.environments(), EnvironmentAnswer)

    @operation(
        "environments_create", "Name a gateway environment (administrators)",
        body=EnvironmentBody, answer=EnvironmentAnswer, status=201, errors=(403, 409),
        example={
            "name": "Europe", "host": "eu.example.com", "wss_port": 8099,
            "vhosts": [{"host": "partners.example.com", "wss_port": 8099}],
        },
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        self.actor.require(Capability.ADMINISTER)
        row = environments.environment_create(actor=self.actor, **self.body(EnvironmentBody))
        return Response(EnvironmentAnswer(row).data, status=201, headers={"Location": f"/api/v1/environments/{row.pk}"})


class OneEnvironment(RowEditions):
    model, key = Environment, "environment_id"

    @operation("environments_read", "Show a gateway environment", answer=EnvironmentAnswer, errors=(404,))
    def get(self, request: Request, environment_id: UUID) -> Response:
        return Response(EnvironmentAnswer(selectors.environment_get(environment_id)).data)

    @operation(
        "environments_update", "Change a gateway environment (administrators)",
        body=EnvironmentChangeBody, answer=EnvironmentAnswer, errors=(403, 404, 409),
        detail="`vhosts` takes the place of all there are; one that an API is deployed on has to stay.",
        example={"vhosts": [{"host": "partners.example.com", "wss_port": 8099}]},
    )  # fmt: skip
    def patch(self, request: Request, environment_id: UUID) -> Response:
        row = selectors.environment_get(environment_id)
        self.actor.require(Capability.ADMINISTER)
        values = self.body(EnvironmentChangeBody, partial=True)
        return Response(
            EnvironmentAnswer(environments.environment_update(actor=self.actor, environment=row, **values)).data
        )

    @operation(
        "environments_delete", "Delete a gateway environment on which nothing is deployed (administrators)",
        status=204, errors=(403, 404, 409),
    )  # fmt: skip
    def delete(self, request: Request, environment_id: UUID) -> Response:
        row = selectors.environment_get(environment_id)
        environments.environment_delete(actor=self.actor, environment=row)
        return Response(status=204)
