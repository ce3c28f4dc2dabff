"""/apis/{id}/endpoints/{key_type}/health: how every gateway process finds the URLs of an endpoint."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis.rest.designs import ApiResource
from apis.rest.schema import operation
from apis.roles import Capability
from apis.shapes import KEY_TYPES
from gateway.core.suspension import ACTIVE, DIAL_ERRORS, PROBING, SUSPENDED
from gateway.health_report import IDLE, health_of

STATES = (ACTIVE, SUSPENDED, PROBING)
KEY_TYPE = OpenApiParameter("key_type", str, OpenApiParameter.PATH, enum=[*KEY_TYPES])


class ProcessHealth(serializers.Serializer):
    """How one gateway process finds a URL."""

    process = serializers.CharField(help_text="host:pid of the gateway process.")
    state = serializers.ChoiceField(STATES, help_text="probing: the next handshake tries it.")
    failures = serializers.IntegerField(help_text="Counted ones in a row.")
    since = serializers.DateTimeField(help_text="Since when it has been in this state.")
    until = serializers.DateTimeField(allow_null=True, help_text="End of the suspension.")
    last_error = serializers.CharField(
        help_text=f"One of {', '.join(sorted(DIAL_ERRORS))}, forbidden_address, no_credentials, or empty."
    )


class UrlHealthAnswer(serializers.Serializer):
    """One URL; the state is the worst of its processes', or unknown where none has served the endpoint."""

    url = serializers.CharField()
    state = serializers.ChoiceField((*STATES, IDLE))
    sessions = serializers.IntegerField(help_text="Live sessions of all processes that last longer than a moment.")
    processes = ProcessHealth(many=True)


class EndpointHealthAnswer(serializers.Serializer):
    """Every URL of an endpoint, dynamic targets included, in their order."""

    urls = UrlHealthAnswer(many=True)


class EndpointHealth(ApiResource):
    capabilities = (Capability.SEE_APIS,)

    @operation(
        "apis_endpoints_health",
        "How an endpoint's URLs are, in every gateway process",
        answer=EndpointHealthAnswer,
        errors=(403, 404),
        query=(KEY_TYPE,),
    )
    def get(self, request: Request, api_id: UUID, key_type: str) -> Response:
        return Response(EndpointHealthAnswer({"urls": health_of(self.design(api_id), key_type)}).data)
