"""/tickets: a one-time right to connect, for clients that cannot show a credential themselves."""

from __future__ import annotations

from typing import Any

from rest_framework import serializers
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from apis.errors import Invalid
from apis.rest.base import Resource
from apis.rest.fields import Body, Id, Text
from apis.rest.problems import problem
from apis.rest.schema import operation
from apis.shapes_security import origin_problem
from gateway import tickets
from gateway.core.rejections import Rejection
from gateway.minting import Wish, ticket_mint

TOPIC_LIMIT = 2000  # characters


class TicketBody(Body):
    """What the ticket is for: `api`, or `context` and `version`."""

    api = Id(required=False, help_text="Id of the API.")
    context = Text(required=False)  # type: ignore[assignment]  # declared fields leave the class
    version = Text(required=False)
    topic = Text(required=False, help_text="What follows the version, such as `/rooms/7`; any, unless given.")
    origin = Text(required=False, help_text="The only page that may use it, such as `https://app.example.com`.")


class TicketAnswer(serializers.Serializer):
    """A ticket, shown this once."""

    ticket = serializers.CharField(help_text="For `?ticket=` of one handshake.")
    connection_id = serializers.CharField(help_text="What the session will be called: its X-Request-ID.")
    expires_in = serializers.IntegerField(help_text="Seconds within which the handshake must begin.")
    url = serializers.CharField(help_text="Where to connect, the ticket included.")
    renew_url = serializers.CharField(help_text="PUT a fresh access token here to go on when the old one expires.")


class Tickets(Resource):
    """Minted with the credential of an API's client, not of a person."""

    authentication_classes: Any = ()
    permission_classes = (AllowAny,)

    @operation(
        "tickets_create", "Get a ticket for one handshake",
        body=TicketBody, answer=TicketAnswer, status=201, errors=(403, 404, 429, 503),
        auth=[{"bearer": []}, {"api_key": []}],
        detail="With the API's access token (`Authorization: Bearer`) or API key (header `ApiKey`), checked as "
        "in a handshake. The session stands for that credential: it ends when the credential is revoked or expires.",
        example={"context": "/chat", "version": "1.0.0", "origin": "https://app.example.com"},
    )  # fmt: skip
    def post(self, request: Request) -> Response:
        wish = self._wish()
        try:
            minted = ticket_mint(
                headers=_headers(request),
                client=request.META.get("REMOTE_ADDR", ""),
                secure=request.is_secure(),
                wish=wish,
            )
        except Rejection as rejection:
            return problem(rejection.status, rejection.detail, rejection.code, headers=dict(rejection.headers))
        renew_url = request.build_absolute_uri(f"/api/v1/connections/{minted.connection_id}/token")
        shown = {"ticket": minted.ticket, "connection_id": minted.connection_id, "expires_in": tickets.LIFE_S,
                 "url": minted.url, "renew_url": renew_url}  # fmt: skip
        return Response(shown, status=201, headers=dict(minted.fields))

    def _wish(self) -> Wish:
        """Raises: Invalid, ValidationError."""
        body = self.body(TicketBody)
        problems: dict[str, str] = {}
        if "api" in body and ("context" in body or "version" in body):
            problems["api"] = "Name the API by its id, or by context and version, not by both."
        for name in ("context", "version"):
            if "api" not in body and not body.get(name):
                problems[name] = "Name the API by its id, or by context and version."
        topic, origin = body.get("topic"), body.get("origin")
        if topic is not None and not _is_path(topic):
            problems["topic"] = "This should be a path such as /rooms/7, percent-encoded, without a query."
        if origin is not None and (wrong := origin_problem(origin)):
            problems["origin"] = wrong
        if problems:
            raise Invalid(problems)
        return Wish(**body)


def _is_path(text: str) -> bool:
    plain = text.isascii() and text.isprintable() and not set(text) & set(' ?#"\\<>')
    return text.startswith("/") and len(text) <= TOPIC_LIMIT and plain


def _headers(request: Request) -> list[tuple[bytes, bytes]]:
    """The headers of a request as a handshake has them."""
    return [
        (name.lower().encode("latin-1", "replace"), value.encode("latin-1", "replace"))
        for name, value in request.headers.items()
    ]
