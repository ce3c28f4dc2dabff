"""What clients are told before a plan is spent: warnings for who asks, and RateLimit fields for everybody."""

from __future__ import annotations

import re
from typing import Any

import httpx
import pytest
from websockets.typing import Subprotocol

from tests.gateway.backends import Backend, until
from tests.gateway.test_enforcement import NOTICES, every_port, fresh, heard, silent
from tests.gateway.test_plans import events, talk, update
from tests.gateway.world import Deal, World, knock

__all__ = ["fresh"]

# Warnings ---------------------------------------------------------------------------------------------------------


@every_port
def test_a_warning_comes_with_the_message_that_reaches_the_mark_to_who_asked(
    world: World, fresh: Backend, secure: bool
) -> None:
    deal = world.deal(fresh.url, plan={**events(10, direction="in"), "warn_at": 80})
    with deal.connect("?silent&wsportal-notices=1", secure=secure) as asked, deal.connect("?silent") as other:
        for _ in range(7):
            other.send("x")
        assert silent(asked)
        asked.send("x")
        warning = heard(asked, "wsportal.warning")
        assert 0 < warning.pop("reset") <= 86_400
        assert warning == {"type": "wsportal.warning", "limit": "events-per-day-in", "left": 2}
        asked.send("x")
        assert silent(asked), "once in a window"
        assert silent(other), "who did not ask gets nothing"
    assert fresh.requests[0].path.endswith("?silent"), "the flag is the gateway's own"
    with deal.connect("?silent&wsportal-notices=1") as late:
        assert heard(late, "wsportal.warning")["left"] == 1


@pytest.mark.parametrize(
    ("offered", "known", "answered", "upstream"),
    [
        (["wsportal.notices"], None, "wsportal.notices", None),
        (["chat", "wsportal.notices"], ["chat"], "chat", "chat"),
        (["wsportal.notices", "chat"], None, "wsportal.notices", "chat"),
        (["wsportal", "wsportal.notices"], None, "wsportal", None),
    ],
)
def test_the_subprotocol_asks_for_notices_and_never_travels_on(
    world: World, offered: list[str], known: list[str] | None, answered: str, upstream: str | None
) -> None:
    backend = Backend(known)
    try:
        deal = world.deal(backend.url, plan={**events(4, direction="in"), "warn_at": 50})
        with deal.connect("?silent", subprotocols=[Subprotocol(one) for one in offered]) as client:
            assert client.subprotocol == answered
            client.send("x")
            client.send("x")
            assert heard(client, "wsportal.warning")["left"] == 2
        assert backend.requests[0].headers.get("Sec-WebSocket-Protocol") == upstream
    finally:
        backend.stop()


def test_a_mark_that_is_set_now_is_looked_at_now(world: World, fresh: Backend) -> None:
    deal = world.deal(fresh.url, plan=events(10, direction="in"))
    with deal.connect("?silent", subprotocols=NOTICES) as client:
        for _ in range(6):
            client.send("x")
        update(world, deal, warn_at=50)
        assert heard(client, "wsportal.warning")["left"] == 4


# What is announced ------------------------------------------------------------------------------------------------

ITEM = re.compile(r'"([^"]+)";(.*)')


def fields(headers: Any) -> dict[str, dict[str, int]]:
    """Both RateLimit fields as the draft has them: a List of Items with Parameters, one for each limit in each."""
    found: dict[str, dict[str, int]] = {}
    lists = {name: headers[name].split(", ") for name in ("ratelimit", "ratelimit-policy")}
    for items in lists.values():
        for item in items:
            matched = ITEM.fullmatch(item)
            assert matched, item
            pairs = [part.split("=") for part in matched[2].split(";")]
            found.setdefault(matched[1], {}).update({key: int(value) for key, value in pairs if key in "qwrt"})
    assert len(lists["ratelimit"]) == len(lists["ratelimit-policy"]) == len(found)
    for values in found.values():
        assert set(values) == set("qwrt")
        assert 0 <= values["r"] <= values["q"]
        assert 0 <= values["t"] <= values["w"] * 32 // 28, "a month has up to 31 days, its nominal window 30"
    return found


def test_the_handshake_the_ticket_and_usage_announce_the_same(world: World, fresh: Backend) -> None:
    limits = [
        {"kind": "events", "amount": 20, "per": "day", "direction": "in"},
        {"kind": "events", "amount": 1000, "per": "month"},
        {"kind": "handshakes", "amount": 50, "per": "year"},
    ]
    app = [{"kind": "bytes", "amount": 5000, "per": "day"}]
    deal = world.deal(fresh.url, plan={"limits": limits}, application_plan=app)
    with deal.connect(compression=None) as client:
        assert client.response is not None
        first = fields({name.lower(): value for name, value in client.response.headers.raw_items()})
        assert talk(client, 6) == 6
    names = ["events-per-day-in", "events-per-month", "handshakes-per-year", "application-bytes-per-day"]
    assert (list(first), first["events-per-day-in"]["r"]) == (names, 20)

    def of_usage() -> dict[str, dict[str, int]]:
        path = f"/usage?application={deal.application.pk}"
        return fields(world.gateway.rest(world.people["sam"], "GET", path).headers)

    until(lambda: of_usage()["events-per-month"]["r"] == 988, what="usage has been written")
    ticket = httpx.post(
        f"http://127.0.0.1:{deal.gateway.portal}/api/v1/tickets",
        json={"api": str(deal.api.pk)},
        headers={"Authorization": f"Bearer {deal.token}"},
        timeout=30,
    )
    assert ticket.status_code == 201, ticket.text
    answers = [of_usage(), fields(ticket.headers), fields(deal.knock().headers)]
    answers[2]["handshakes-per-year"]["r"] += 1  # that was one
    for answer in answers:
        assert list(answer) == names
        assert [(one["q"], one["w"], one["r"]) for one in answer.values()] == [
            (20, 86_400, 14), (1000, 30 * 86_400, 988), (50, 365 * 86_400, 49), (5000, 86_400, 4988),
        ]  # fmt: skip
    with deal.connect() as client:
        talk(client, 20)
    refused = deal.knock()
    spent = fields(refused.headers)["events-per-day-in"]
    assert (refused.status, spent["r"]) == (429, 0)
    assert abs(int(refused.headers["retry-after"]) - spent["t"]) <= 1


def test_the_flag_is_found_however_it_is_spelled_and_only_1_asks(world: World, fresh: Backend) -> None:
    deal: Deal = world.deal(fresh.url)
    for query in ("?a=1&wsportal%2Dnotices=1", "?wsportal-notices=0&a=1"):
        answer = knock(world.gateway, deal.path + query, Authorization=f"Bearer {deal.token}")
        assert answer.status == 101
    assert [request.path.partition("?")[2] for request in fresh.requests] == ["a=1", "a=1"]
