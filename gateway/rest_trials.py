"""/apis/{id}/endpoints/{key_type}/test: try an endpoint, saved or not, and say what happened."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import ParseError
from rest_framework.request import Request
from rest_framework.response import Response

from apis.errors import Invalid
from apis.rest.designs import ApiResource
from apis.rest.endpoints import KEY_TYPE, EndpointConfig
from apis.rest.problems import BadQuery
from apis.rest.schema import operation
from apis.services import trying
from gateway import trial_runs

SUBPROTOCOLS = OpenApiParameter("subprotocols", str, description="To offer in the upgrade, with commas between them.")
STEPS = ("token", "proxy", "dns", "tcp", "tls", "upgrade")


class TrialStep(serializers.Serializer):
    """One step on the way to a URL."""

    name = serializers.ChoiceField(STEPS)
    ok = serializers.BooleanField()
    ms = serializers.FloatField(help_text="How long it took.")
    says = serializers.CharField(help_text="What happened, in a sentence.")
    facts = serializers.DictField(
        help_text="dns: addresses; tcp, proxy: address; tls: version, verified, subject, issuer, names, expires; "
        "upgrade: status, subprotocol."
    )


class UrlTrial(serializers.Serializer):
    """What became of one URL: its steps as far as it came."""

    url = serializers.CharField()
    ok = serializers.BooleanField()
    ms = serializers.FloatField(help_text="All of it together.")
    problem = serializers.CharField(help_text="Why it failed; empty where it did not.")
    steps = TrialStep(many=True)


class EndpointTrial(serializers.Serializer):
    """Every URL of an endpoint, dynamic targets included."""

    ok = serializers.BooleanField(help_text="Whether all of them answered as they should.")
    urls = UrlTrial(many=True)


class TryEndpoint(ApiResource):
    """The Test endpoint button."""

    holds = False  # it dials upstreams, and nobody else waits for those

    @operation(
        "apis_endpoint_test",
        "Try an endpoint and say what happened",
        body=EndpointConfig,
        answer=EndpointTrial,
        errors=(403, 404, 429),
        query=(KEY_TYPE, SUBPROTOCOLS),
        detail="Without a body what is stored is tried; with one, the configuration in it as PUT would take it, and "
        "nothing is saved. All URLs are tried at once, each for as long as its timeouts allow and 15 s at most: name, "
        "TCP, TLS, proxy, token, upgrade. A secret that is left out is taken from what is stored, unless an address is "
        "new. At most 12 tests a minute for each person.",
        example={"urls": [{"url": "wss://chat.example.com/socket"}], "tls": {"server_name": "chat.internal"}},
    )
    def post(self, request: Request, api_id: UUID, key_type: str) -> Response:
        api = self.design(api_id)
        given: Any = self.whole_body() if self._has_body else None
        if self._has_body and given is None:
            raise ParseError("The body should be a JSON object.")
        try:
            offer = trying.subprotocols(self.query("subprotocols"))
        except Invalid as refusal:
            raise BadQuery({name: texts[0] for name, texts in refusal.fields.items()}) from None
        config = trying.endpoint_to_try(actor=self.actor, api=api, key_type=key_type, config=given)
        found = trial_runs.run(config, offer)
        return Response(EndpointTrial({"ok": all(one.ok for one in found), "urls": found}).data)
