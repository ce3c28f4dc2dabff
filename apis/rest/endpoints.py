"""/apis/{id}/endpoints/{key_type}: where connections go, how patiently, and as whom."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import shapes
from apis.differences import Path
from apis.errors import Missing
from apis.models import Api, Endpoint
from apis.rest.designs import ApiResource
from apis.rest.schema import operation
from apis.services import configuring
from apis.shapes_endpoint import STRATEGIES, SUSPENSION_ERRORS, TIMEOUT_ACTIONS, shown
from apis.shapes_upstream import CHOSEN_BY
from apis.shapes_upstream_security import GRANTS, PLACES, SECURITY_TYPES

KEY_TYPE: Final = OpenApiParameter("key_type", str, OpenApiParameter.PATH, enum=list(shapes.KEY_TYPES))
_SECRET: Final = 'A secret: an answer shows null. Left out or null it stays what it is, "" clears it.'


def _secret(of: str) -> serializers.CharField:
    return serializers.CharField(required=False, allow_null=True, help_text=f"For {of}. {_SECRET}")


def _text(of: str) -> serializers.CharField:
    return serializers.CharField(required=False, help_text=f"For {of}.")


class EndpointUrl(serializers.Serializer):
    """One upstream."""

    url = serializers.CharField(help_text="ws:// or wss://")
    weight = serializers.IntegerField(required=False, help_text="1 to 1000, for the strategy `weighted`.")


class EndpointTimeouts(serializers.Serializer):
    """How long to wait; `idle_s` 0 means for ever."""

    connect_ms = serializers.IntegerField(required=False)
    handshake_ms = serializers.IntegerField(required=False)
    idle_s = serializers.IntegerField(required=False)
    action = serializers.ChoiceField(
        list(TIMEOUT_ACTIONS), required=False, help_text="On a timeout: the next URL, or refuse the client."
    )


class EndpointSuspension(serializers.Serializer):
    """When an upstream that fails is left alone, and for how long."""

    errors = serializers.ListField(  # type: ignore[assignment]  # declared fields leave the class
        child=serializers.ChoiceField(list(SUSPENSION_ERRORS)), required=False
    )
    initial_ms = serializers.IntegerField(required=False)
    max_ms = serializers.IntegerField(required=False)
    factor = serializers.FloatField(required=False)
    retries = serializers.IntegerField(required=False)
    retry_delay_ms = serializers.IntegerField(required=False)


class EndpointSecurity(serializers.Serializer):
    """How the gateway shows itself to the upstream. Each type has its own members; others are refused."""

    type = serializers.ChoiceField(list(SECURITY_TYPES))
    username = _text("basic, digest, and oauth2 with the grant `password`")
    password = _secret("basic, digest, and oauth2 with the grant `password`")
    token = _secret("bearer")
    grant = serializers.ChoiceField(list(GRANTS), required=False, help_text="For oauth2.")
    token_url = serializers.CharField(required=False, help_text="For oauth2: https:// or http://.")
    client_id = _text("oauth2")
    client_secret = _secret("oauth2")
    scopes = serializers.ListField(child=serializers.CharField(), required=False, help_text="For oauth2.")
    name = _text("api_key: the name of the header or parameter")
    value = _secret("api_key")
    certificate = serializers.CharField(
        required=False, help_text="For mtls: PEM, the client's certificate first, then those that it was issued by."
    )
    key = _secret("mtls: PEM without a passphrase")

    def get_fields(self) -> dict[str, serializers.Field]:
        place = serializers.ChoiceField(list(PLACES), required=False, help_text="For api_key.")
        return {**super().get_fields(), "in": place}


class EndpointTls(serializers.Serializer):
    """How an upstream at wss:// is trusted."""

    verify = serializers.BooleanField(required=False)
    ca = serializers.CharField(required=False, help_text='PEM trusted instead of the system\'s authorities, or "".')
    server_name = serializers.CharField(required=False, help_text='Asked for and checked instead of the URL\'s, or "".')


class EndpointProxy(serializers.Serializer):
    """An HTTP proxy that is asked to CONNECT; `url` "" for none."""

    url = serializers.CharField(required=False, help_text="http://host:port")
    username = serializers.CharField(required=False)
    password = serializers.CharField(required=False, allow_null=True, help_text=_SECRET)

    def get_fields(self) -> dict[str, serializers.Field]:
        hosts = serializers.ListField(
            child=serializers.CharField(),
            required=False,
            help_text="Dialled directly: host, *.domain, address, network.",
        )
        return {**super().get_fields(), "except": hosts}


class EndpointDynamic(serializers.Serializer):
    """A header of the handshake, or a claim of the credential, that chooses the upstream."""

    by = serializers.ChoiceField(list(CHOSEN_BY), required=False)
    name = serializers.CharField(required=False, help_text="Of the header or the claim.")
    targets = serializers.DictField(child=serializers.CharField(), required=False, help_text="Value -> URL.")


class EndpointConfig(serializers.Serializer):
    """Where frames of one key type go, and how. What is left out is filled with defaults."""

    urls = EndpointUrl(many=True)
    strategy = serializers.ChoiceField(list(STRATEGIES), required=False)
    timeouts = EndpointTimeouts(required=False)
    suspension = EndpointSuspension(required=False)
    security = EndpointSecurity(required=False)
    headers = serializers.DictField(
        child=serializers.CharField(), required=False, help_text="Sent with each handshake."
    )
    tls = EndpointTls(required=False)
    proxy = EndpointProxy(required=False)
    dynamic = EndpointDynamic(required=False)
    secrets_set = serializers.ListField(
        child=serializers.CharField(),
        required=False,
        help_text='The secrets that are there, such as "security/password". Ignored in a request.',
    )

    def to_representation(self, instance: Endpoint) -> dict[str, Any]:
        return shown(instance.config)


def key_type_known(key_type: str) -> str:
    """Raises: Missing for an address of no key type."""
    if key_type not in shapes.KEY_TYPES:
        raise Missing(f"There is no key type {key_type}; there are: {', '.join(shapes.KEY_TYPES)}.")
    return key_type


def endpoint_of(api: Api, key_type: str) -> Endpoint:
    """Raises: Missing."""
    found = next((row for row in api.endpoints.all() if row.key_type == key_type), None)
    if found is None:
        raise Missing(f"This API has no {key_type} endpoint.")
    return found


class OneEndpoint(ApiResource):
    """An endpoint with all that belongs to it."""

    def places(self, **kwargs: Any) -> list[Path]:
        return [("endpoints", kwargs["key_type"])]

    @operation("apis_endpoint_read", "Show an endpoint", answer=EndpointConfig, errors=(403, 404), query=(KEY_TYPE,))
    def get(self, request: Request, api_id: UUID, key_type: str) -> Response:
        return Response(EndpointConfig(endpoint_of(self.design(api_id), key_type)).data)

    @operation(
        "apis_endpoint_replace",
        "Configure an endpoint",
        body=EndpointConfig,
        answer=EndpointConfig,
        errors=(403, 404),
        query=(KEY_TYPE,),
        detail="Takes effect at once where the API is deployed. The answer has every field, filled in, and null for "
        "secrets: one that is left out or null here stays what it is while the type of security does.",
        example={
            "urls": [{"url": "wss://chat.example.com/socket"}],
            "timeouts": {"connect_ms": 2000},
            "security": {"type": "basic", "username": "gateway", "password": "..."},
            "headers": {"X-Tenant": "blue"},
        },
    )
    def put(self, request: Request, api_id: UUID, key_type: str) -> Response:
        api = self.design(api_id)
        row = configuring.endpoint_configure(
            actor=self.actor, api=api, key_type=key_type_known(key_type), config=self.whole_body()
        )
        return Response(EndpointConfig(row).data)

    @operation(
        "apis_endpoint_delete",
        "Take an endpoint away",
        status=204,
        errors=(403, 404, 409),
        query=(KEY_TYPE,),
        detail="Connections with keys of its type are refused from then on. Not the production endpoint, nor the only "
        "one, of an API that is deployed: 409 `endpoint_needed`.",
    )
    def delete(self, request: Request, api_id: UUID, key_type: str) -> Response:
        configuring.endpoint_remove(actor=self.actor, api=self.design(api_id), key_type=key_type)
        return Response(status=204)
