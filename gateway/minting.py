"""Minting a ticket: the checks of a handshake, made beforehand by whoever holds the credential (CONTRACT section 4)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.utils import timezone

from apis import selectors
from apis.errors import TooOften
from apis.models import Deployment
from apis.services.attempts import Attempts
from gateway import bearers, carrying, conf, entitling, reports, snapshots, tickets
from gateway.authenticators import AUTHENTICATORS
from gateway.core.admission import Admission, MayUse, Question, WhoIs
from gateway.core.credentials import Headers
from gateway.core.matching import Route, RoutingTable
from gateway.core.permits import ANY_TOPIC
from gateway.core.rejections import Rejection

MINTED: Final = Attempts("ticket", limit=6_000)  # a minute, with one credential: each is a row for half a minute


@dataclass(frozen=True, slots=True)
class Wish:
    """What a ticket is for.

    Attributes:
        api: the API's id, or None where `context` and `version` say it.
        topic: what follows the API's path, such as "/rooms/7"; None for anything.
        origin: the only page that may use it; None for any that the API allows.
        environment: where the API is deployed; None for the gateway environment of this process.
    """

    api: UUID | None = None
    context: str = ""
    version: str = ""
    topic: str | None = None
    origin: str | None = None
    environment: str | None = None


@dataclass(frozen=True, slots=True)
class Minted:
    """A ticket in clear, shown once, and what goes with it.

    Attributes:
        url: where to connect with it; `fields`: RateLimit fields of the plans it will be counted by.
    """

    ticket: str
    connection_id: str
    url: str
    fields: tuple[tuple[str, str], ...]


def ticket_mint(*, headers: Headers, client: str, secure: bool, wish: Wish) -> Minted:
    """Give a ticket to who shows a credential that would be let in.

    Args:
        headers: of the request, lower-case; the credential is found as in a handshake.
        client: IP address of whoever asks.
        secure: whether they asked by TLS, and so shall connect.

    Raises:
        Rejection: whatever a handshake would be refused with, short of plans and the upstream.
        TooOften: more than MINTED with one credential.
    """
    deployment = _deployment(wish)
    api = snapshots.api(deployment)
    route = Route(api, ANY_TOPIC, "", {}) if wish.topic is None else RoutingTable([api]).find(api.path + wish.topic)
    if route is None:
        raise Rejection("not_found")
    shown = [header for header in headers if header[0] in {b"authorization", b"apikey", b"referer"}]
    if wish.origin is not None:
        shown.append((b"origin", wish.origin.encode("latin-1", "replace")))
    now = timezone.now()
    admission = Admission(shown)
    admission.client, admission.denials = client, snapshots.load_denials()
    steps = admission.enter(route, shown, now.timestamp(), open_topics=False)
    answer: Any = None
    token = ""
    while True:
        try:
            question = steps.send(answer)
            if isinstance(question, WhoIs):
                token = question.credential.token
            answer = _answer(question)
        except StopIteration as done:
            principal = done.value
            break
    assert admission.entitlement is not None  # noqa: S101  (entered)
    if wait_s := MINTED.begin(f"{principal.kind}:{principal.token_key}"):
        raise TooOften(wait_s, "Tickets are asked for too often with this credential")
    ticket, connection_id = tickets.issue(
        carrying.packed(principal, token), api.api_id, topic=wish.topic, origin=wish.origin
    )
    url = f"{_gateway(deployment, secure)}{api.path}{wish.topic or ''}?ticket={ticket}"
    return Minted(ticket, connection_id, url, reports.standing(admission.entitlement, principal, now))


def _deployment(wish: Wish) -> Deployment:
    rows = Deployment.objects.select_related("api__version_set", "revision", "environment").filter(
        environment__name=wish.environment or conf.get("ENVIRONMENT")
    )
    if wish.api is not None:
        found = rows.filter(api__pk=wish.api).first()
    else:
        context = "/" + wish.context.strip("/")
        found = rows.filter(api__version_set__context=context, api__version=wish.version).first()
    if found is None:
        raise Rejection("not_found")
    return found


def _answer(question: Question) -> Any:
    """What a handshake would know, looked up."""
    if isinstance(question, WhoIs):
        credential = question.credential
        if credential.kind == "oauth":
            return bearers.principal_of(credential.token, question.key_managers)
        return AUTHENTICATORS[credential.kind].find(credential.key)
    if isinstance(question, MayUse):
        return entitling.load_entitlement(question.application_id, question.api_id)
    return None  # a ticket buys no ticket


def _gateway(deployment: Deployment, secure: bool) -> str:
    """The address of the deployment's environment that fits how the caller asked."""
    urls: Sequence[str] = selectors.environment_urls(deployment.environment, deployment.vhost)
    wanted = "wss://" if secure else "ws://"
    return next((url for url in urls if url.startswith(wanted)), urls[-1])
