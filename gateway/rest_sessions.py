"""/sessions and /connections: who is connected now, closing sessions, and renewing their tokens."""

from __future__ import annotations

from typing import Any, Final

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.exceptions import AuthenticationFailed, NotAuthenticated
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apis.rest.authentication import BEARER_CHALLENGE, INVALID_TOKEN_CHALLENGE, bearer_token
from apis.rest.base import Resource
from apis.rest.fields import Body, Id, Text, Whole
from apis.rest.pagination import Pages
from apis.rest.problems import BadQuery
from apis.rest.schema import operation
from apis.roles import Capability
from apis.shapes import KEY_TYPES
from gateway import inspecting, live, renewal
from gateway.bearers import principal_of
from gateway.models import LiveSession

FILTERS: Final = (
    OpenApiParameter("api", str, description="Id of an API."),
    OpenApiParameter("application", str, description="Id of an application."),
    OpenApiParameter("person", str, description="Id of the person behind the token."),
    OpenApiParameter("client", str, description="IP address."),
    OpenApiParameter("key_type", str, enum=[*KEY_TYPES]),
)


class CreditAnswer(serializers.Serializer):
    """One limit of the plans and what is left of it, for everybody who shares it."""

    limit = serializers.CharField(help_text="As in the RateLimit fields.")
    amount = serializers.IntegerField()
    left = serializers.IntegerField()
    resets_at = serializers.DateTimeField()


class LiveSessionAnswer(serializers.Serializer):
    """A live session. Counters are those of `counted_at`."""

    id = serializers.CharField(help_text="X-Request-ID of its handshake.")
    process = serializers.CharField(help_text="host:pid of the gateway process that carries it.")
    api = serializers.UUIDField(source="api_id")
    api_name = serializers.CharField()
    api_version = serializers.CharField()
    application = serializers.UUIDField(source="application_id", allow_null=True)
    application_name = serializers.CharField()
    subscription = serializers.UUIDField(source="subscription_id", allow_null=True)
    business_plan = serializers.CharField(source="plan")
    person = serializers.CharField(help_text="Id of the person behind the token.")
    person_name = serializers.SerializerMethodField()
    credential = serializers.CharField(source="token_kind")
    key_type = serializers.CharField()
    scopes = serializers.ListField(child=serializers.CharField())
    expires_at = serializers.DateTimeField(allow_null=True, help_text="When its token expires.")
    client = serializers.CharField(help_text="IP address.")
    origin = serializers.CharField()
    topic = serializers.CharField(help_text="Name of the topic it came in at.")
    upstream = serializers.CharField()
    started_at = serializers.DateTimeField()
    events_in = serializers.IntegerField(help_text="Messages from the client.")
    events_out = serializers.IntegerField(help_text="Messages to the client.")
    bytes_in = serializers.IntegerField()
    bytes_out = serializers.IntegerField()
    throttled = serializers.IntegerField(help_text="Messages that a plan refused.")
    credits = CreditAnswer(many=True)
    counted_at = serializers.DateTimeField(allow_null=True)

    def get_person_name(self, row: LiveSession) -> str:
        names: dict[str, str] = self.context.get("names", {})
        return names.get(row.person, "")


class CloseBody(Body):
    """How to close."""

    code = Whole(required=False, help_text="1000, 1008, 1012 or 3000-4999; 1008 unless given.")
    reason = Text(required=False, help_text="At most 123 bytes of UTF-8.")


class CloseManyBody(CloseBody):
    """Which sessions to close, by at least one fact, and how."""

    api = Id(required=False)
    application = Id(required=False)
    person = Text(required=False)
    client = Text(required=False)
    key_type = Text(required=False)


class ClosedAnswer(serializers.Serializer):
    """How many sessions will be closed within a second."""

    sessions = serializers.IntegerField()


class RenewedAnswer(serializers.Serializer):
    """The live session's new token."""

    connection_id = serializers.CharField()
    expires_at = serializers.DateTimeField(allow_null=True)


class SessionResource(Resource):
    """Base of everything below /sessions."""

    capabilities = (Capability.MANAGE_SUBSCRIPTIONS, Capability.USE_APPLICATIONS, Capability.ADMINISTER)

    def shown(self, rows: list[LiveSession]) -> list[Any]:
        """These rows as an answer, with fresh counters."""
        names = live.names_of(rows)
        return list(LiveSessionAnswer(live.fresh(rows), many=True, context={"names": names}).data)


class Sessions(SessionResource):
    @operation(
        "sessions_list", "List live sessions: of your applications, for publishers of the APIs they see",
        rows=LiveSessionAnswer, query=FILTERS,
        detail="Sessions that have lasted for a second, in all gateway processes, newest first. Counters are at most "
        "some 2 seconds behind while somebody looks.",
    )  # fmt: skip
    def get(self, request: Request) -> Response:
        wanted: dict[str, Any] = {name: self.identifier(name) for name in ("api", "application", "person")}
        wanted |= {"client": self.query("client"), "key_type": self.choice("key_type", KEY_TYPES)}
        wanted["person"] = str(wanted["person"] or "")
        rows = live.narrowed(live.sessions_visible(self.actor), wanted).select_related("process")
        pages = Pages()
        found = pages.paginate_queryset(rows, request, view=self) or []
        return pages.get_paginated_response(self.shown(found))


class OneSession(SessionResource):
    @operation("sessions_read", "Show a live session", answer=LiveSessionAnswer, errors=(404,))
    def get(self, request: Request, session_id: str) -> Response:
        return Response(self.shown([live.session_find(self.actor, session_id, patience_s=live.YOUNG_S)])[0])


class CloseSession(SessionResource):
    @operation(
        "sessions_close", "Close a live session within a second, with a code and a reason",
        body=CloseBody, answer=ClosedAnswer, status=202, errors=(403, 404),
        example={"code": 4403, "reason": "please use the new version"},
    )  # fmt: skip
    def post(self, request: Request, session_id: str) -> Response:
        session = live.session_find(self.actor, session_id, patience_s=live.YOUNG_S)
        live.session_close(actor=self.actor, session=session, **self.optional_body(CloseBody))
        return Response({"sessions": 1}, status=202)


class CloseSessions(SessionResource):
    @operation(
        "sessions_close-many", "Close live sessions by what they have in common, within a second",
        body=CloseManyBody, answer=ClosedAnswer, status=202, errors=(403,),
        example={"application": "0c6c6a36-8c53-4f0f-8a5b-9d8f6f0b7c11", "code": 1012, "reason": "moving house"},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        count = live.sessions_close(actor=self.actor, **self.body(CloseManyBody))
        return Response({"sessions": count}, status=202)


class FrameAnswer(serializers.Serializer):
    """One frame of an inspected session."""

    number = serializers.IntegerField()
    at = serializers.DateTimeField()
    direction = serializers.CharField(help_text="in = from the client, out = to it.")
    type = serializers.CharField(source="kind", help_text="text, binary, continuation, close, ping or pong.")
    size = serializers.IntegerField(source="size_bytes", help_text="Payload bytes as they travel.")
    verdict = serializers.CharField(
        help_text="passed, discarded, held (by a plan; it comes again once it passes), answered (a ping of the "
        "gateway's own), illegal, too_big; dropped: so many frames (`size`) were not kept."
    )
    payload = serializers.CharField(allow_null=True, help_text="Masked and cut; null where it may not be seen.")


class FramesAnswer(serializers.Serializer):
    """Frames since the last question."""

    session = serializers.CharField(source="session_id")
    running = serializers.BooleanField(help_text="Whether more will come.")
    payload = serializers.BooleanField(help_text="Whether the API's owner lets payloads be seen.")
    ends_at = serializers.DateTimeField(allow_null=True, help_text="When the inspection ends by itself.")
    frames = FrameAnswer(many=True)
    next = serializers.IntegerField(source="last", help_text="For `since` of the next question.")


class Frames(SessionResource):
    @operation(
        "sessions_frames", "Look at the frames of a live session (publishers, administrators)",
        answer=FramesAnswer, errors=(400, 403, 404),
        query=(OpenApiParameter("since", int, description="`next` of the last answer; begin to look without it."),),
        detail="The first question begins an inspection, which the history records. Ask again every second or two: it "
        "ends 12 seconds after the last question, and after 10 minutes in any case. Payloads are shown where the API's "
        "security says so, masked; of compressed messages those that need none before them.",
    )  # fmt: skip
    def get(self, request: Request, session_id: str) -> Response:
        text = self.query("since")
        if text and not (text.isascii() and text.isdigit() and len(text) < 16):
            raise BadQuery({"since": "This should be a whole number."})
        found = inspecting.glimpse(self.actor, session_id, int(text) if text else None)
        return Response(FramesAnswer(found).data)


class ConnectionToken(Resource):
    """The token of a live session, which its client renews."""

    authentication_classes: Any = ()
    permission_classes = (AllowAny,)

    @operation(
        "connections_renew", "Give a live session a fresh token without reconnecting",
        answer=RenewedAnswer, errors=(403, 404), auth=[{"bearer": []}],
        detail="The Bearer token of the request becomes the session's: same application, key type and person, and no "
        "scope that the session does not have. The connection's id is the X-Request-ID of the handshake's answer.",
    )  # fmt: skip
    def put(self, request: Request, connection_id: str) -> Response:
        token = bearer_token(request)
        if token is None:
            raise NotAuthenticated
        principal = principal_of(token, renewal.key_managers_of(connection_id))
        if principal is None:
            raise AuthenticationFailed("The access token is unknown, expired or revoked.", code="invalid_token")
        session = renewal.connection_renew(principal=principal, token=token, connection_id=connection_id)
        return Response({"connection_id": session.pk, "expires_at": session.expires_at})

    def get_authenticate_header(self, request: Request) -> str:
        """What a 401 asks for: the token of an API's client, not of a person."""
        return INVALID_TOKEN_CHALLENGE if request.META.get("HTTP_AUTHORIZATION") else BEARER_CHALLENGE
