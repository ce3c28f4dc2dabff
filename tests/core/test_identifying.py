"""Where credentials are looked for and in what order, what never travels on, what tickets, keys and tokens are for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis import shapes_keys
from gateway.core import credentials, principals
from gateway.core.admission import Admission, MayUse, Room, Standing
from gateway.core.credentials import Credential, Query, Shown, find_credential, sort_query, sort_subprotocols
from gateway.core.identifying import Redeem, Ticket, WhoIs, for_address, still_welcome
from gateway.core.matching import RoutingTable
from gateway.core.rejections import Rejection
from gateway.core.restrictions import Restrictions, page_pattern
from gateway.core.snapshot import (
    ApiSnapshot,
    EndpointSnapshot,
    Entitlement,
    Principal,
    Security,
    TopicSnapshot,
)
from tests.core.test_credentials import bearer_protocol

NOW = 1_800_000_000.0
ENDPOINTS = {"production": EndpointSnapshot((("ws://up:1", 1),))}
SAM = Principal("oauth", "digest", "7", "app", end_user="sam", expires_at=NOW + 60)
KEYED = replace(SAM, kind="api_key")
TESTER = Principal("test_key", "digest", "9", end_user="carol", expires_at=NOW + 60, api_id="api")
BOTH = Security(schemes=frozenset({"oauth", "api_key"}))

# Every way, in the order of CONTRACT section 5: the kind that is found, a header, a query.
WAYS: list[tuple[str, str, tuple[bytes, bytes] | None, bytes]] = [
    ("oauth", "one", (b"authorization", b"Bearer one"), b""),
    ("oauth", "two", (b"sec-websocket-protocol", bearer_protocol("two")), b""),
    ("ticket", "three", None, b"ticket=three"),
    ("api_key", "four", (b"apikey", b"four"), b""),
    ("oauth", "five", None, b"access_token=five"),
    ("api_key", "six", None, b"apikey=six"),
]


def shown(ways: list[tuple[str, str, tuple[bytes, bytes] | None, bytes]], in_query: bool = True) -> Shown:
    headers = [header for _, _, header, _ in ways if header is not None]
    query = b"&".join(part for _, _, _, part in ways if part)
    return Shown(headers, sort_subprotocols(headers), sort_query(query), in_query)


@pytest.mark.parametrize("first", range(len(WAYS)), ids=[kind for kind, *_ in WAYS])
def test_the_first_credential_found_wins(first: int) -> None:
    kind, token, _, _ = WAYS[first]
    assert find_credential(shown(WAYS[first:])) == Credential(kind, token)


def test_the_query_holds_tickets_only_unless_the_api_says_otherwise() -> None:
    assert find_credential(shown(WAYS[2:], in_query=False)).kind == "ticket"
    with pytest.raises(Rejection) as caught:
        find_credential(shown(WAYS[4:], in_query=False))
    assert caught.value.code == "missing_credentials"


def test_a_test_key_is_known_by_how_it_begins() -> None:
    assert credentials.TEST_KEY_PREFIX == shapes_keys.TEST_KEY_PREFIX
    headers = [(b"apikey", b"wst_1")]
    assert find_credential(Shown(headers, sort_subprotocols(headers))).kind == "test_key"


@pytest.mark.parametrize(
    ("query", "rest"),
    [
        (b"", b""),
        (b"a=1&b=%20+2", b"a=1&b=%20+2"),
        (b"ticket=x", b""),
        (b"a=1&ticket=x&b=2", b"a=1&b=2"),
        (b"a=1&apikey=x&access_token=y&&b", b"a=1&&b"),
        (b"%74icket=x&a%63cess_token=y&api%6Bey", b""),
        (b"tickets=1&my_apikey=2&a=ticket=3", b"tickets=1&my_apikey=2&a=ticket=3"),
    ],
)
def test_credentials_leave_the_query_and_nothing_else_does(query: bytes, rest: bytes) -> None:
    assert sort_query(query).rest == rest


@given(st.lists(st.tuples(st.binary(max_size=8), st.binary(max_size=8)), max_size=6))
def test_whatever_a_query_holds_no_credential_is_left_in_it(pairs: list[tuple[bytes, bytes]]) -> None:
    query = b"&".join(name + b"=" + value for name, value in [*pairs, (b"ticket", b"x")])
    found = sort_query(query)
    assert (b"ticket", b"x") in found.secrets
    assert sort_query(found.rest) == Query(found.rest)


@pytest.mark.parametrize("query", [b"ticket=", b"ticket", b"ticket=a&ticket=b", b"ticket=a%20b", b"ticket=%ff"])
def test_a_malformed_ticket_is_no_credential(query: bytes) -> None:
    with pytest.raises(Rejection) as caught:
        find_credential(Shown([], sort_subprotocols([]), sort_query(query)))
    assert caught.value.code == "missing_credentials"


# What is accepted ---------------------------------------------------------------------------------------------------


def api_of(security: Security, urls: Iterable[str] = ()) -> ApiSnapshot:
    return ApiSnapshot(
        "api", "Chat", "/chat", "1", "/chat/1", "", (), ENDPOINTS, security=security, urls=frozenset(urls)
    )


def admit(
    principal: Principal | Ticket | None,
    *,
    security: Security = BOTH,
    topic: TopicSnapshot | None = None,
    state: str = "published",
    offer: Entitlement | None = None,
    path: str = "/chat/1/rooms/7",
    headers: tuple[tuple[bytes, bytes], ...] = ((b"authorization", b"Bearer token"),),
    query: bytes = b"",
    client: str = "192.0.2.7",
    urls: Iterable[str] = (),
) -> Admission:
    """A handshake at an API of this security, answered with these."""
    topics = (topic or TopicSnapshot("/*"),)
    api = ApiSnapshot(
        "api", "Chat", "/chat", "1", "/chat/1", state, topics, ENDPOINTS, security=security, urls=frozenset(urls)
    )
    admission = Admission(headers, query)
    admission.client = client
    answers: dict[type, Any] = {
        WhoIs: principal,
        Redeem: principal,
        MayUse: offer or Entitlement("sub", "api", "app", "App", "sam"),
        Room: Standing(),
    }
    steps = admission.steps(path, headers, RoutingTable([api]), NOW)
    answer = None
    while True:
        try:
            answer = answers[type(steps.send(answer))]
        except StopIteration:
            return admission


def refused(principal: Principal | Ticket | None, **facts: Any) -> str:
    with pytest.raises(Rejection) as caught:
        admit(principal, **facts)
    return caught.value.code


@pytest.mark.parametrize(
    ("principal", "scheme", "code"),
    [(SAM, "oauth", None), (SAM, "api_key", "missing_credentials"), (KEYED, "api_key", None),
     (KEYED, "oauth", "missing_credentials"), (TESTER, "oauth", None), (TESTER, "api_key", None)],
)  # fmt: skip
@pytest.mark.parametrize("by_ticket", [False, True])
def test_an_api_accepts_what_it_says_also_by_ticket(
    principal: Principal, scheme: str, code: str | None, by_ticket: bool
) -> None:
    facts: dict[str, Any] = {"security": Security(schemes=frozenset({scheme}))}
    names = {"oauth": b"token", "api_key": b"wsk_1", "test_key": b"wst_1"}
    header = (b"authorization", b"Bearer token") if principal is SAM else (b"apikey", names[principal.kind])
    facts["headers"] = () if by_ticket else (header,)
    facts["query"] = b"ticket=t" if by_ticket else b""
    shown_as = Ticket("c", principal, "api") if by_ticket else principal
    if code is None:
        assert admit(shown_as, **facts).principal is not None
    else:
        assert refused(shown_as, **facts) == code


def test_a_ticket_is_for_one_api_topic_and_page() -> None:
    by_ticket: dict[str, Any] = {"headers": ((b"origin", b"https://a.example"),), "query": b"ticket=t"}
    ticket = Ticket("c", SAM, "api", "/rooms/7", "https://a.example")
    assert admit(ticket, **by_ticket).ticket is ticket
    assert refused(replace(ticket, api_id="other"), **by_ticket) == "invalid_token"
    assert refused(replace(ticket, topic="/rooms/8"), **by_ticket) == "invalid_token"
    assert refused(replace(ticket, topic=""), **by_ticket) == "invalid_token"
    assert refused(replace(ticket, origin="https://b.example"), **by_ticket) == "origin_not_allowed"
    assert refused(ticket, query=b"ticket=t", headers=()) == "origin_not_allowed"
    assert refused(None, **by_ticket) == "invalid_token"
    assert refused(replace(ticket, principal=replace(SAM, expires_at=NOW)), **by_ticket) == "invalid_token"


@pytest.mark.parametrize("state", ["created", "published"])
def test_a_test_key_opens_its_own_api_in_every_state_with_every_scope(state: str) -> None:
    facts: dict[str, Any] = {"headers": ((b"apikey", b"wst_1"),), "state": state}
    admission = admit(TESTER, topic=TopicSnapshot("/*", scopes=frozenset({"a"})), **facts)
    assert admission.entitlement is not None
    assert (admission.entitlement.kind, admission.entitlement.billed_to) == ("test_key", "")
    assert refused(replace(TESTER, api_id="other"), **facts) == "invalid_token"
    assert refused(TESTER, **{**facts, "state": "blocked"}) == "api_blocked"
    assert refused(TESTER, **{**facts, "state": "retired"}) == "not_found"


def test_a_topic_without_security_asks_nobody_and_counts_by_address() -> None:
    topic = TopicSnapshot("/*", security="none", scopes=frozenset({"a"}))
    offer = Entitlement("anonymous:api:", "api", "", "Anybody", "", kind="anonymous")
    there = [admit(None, topic=topic, offer=offer, headers=(), client=client) for client in ("192.0.2.7", "192.0.2.8")]
    names = [admission.entitlement.subscription_id for admission in there if admission.entitlement is not None]
    assert names == ["anonymous:api:192.0.2.7", "anonymous:api:192.0.2.8"]
    assert refused(None, topic=topic, offer=offer, headers=(), state="created") == "subscription_required"


def test_a_ticket_names_its_connection_at_an_open_topic_too() -> None:
    ticket = Ticket("c", SAM, "api")
    topic = TopicSnapshot("/*", security="none")
    admission = admit(ticket, topic=topic, headers=(), query=b"ticket=t")
    assert (admission.ticket, admission.principal) == (ticket, SAM)
    assert refused(None, topic=topic, headers=(), query=b"ticket=t") == "invalid_token"


def test_ipv6_addresses_of_one_customer_share_a_counter() -> None:
    offer = Entitlement("anonymous:api:", "api", "", "Anybody", "", kind="anonymous")
    one, same, other = (
        for_address(offer, client).subscription_id for client in ("2001:db8::1", "2001:db8::ffff:1", "2001:db8:0:1::1")
    )
    assert one == same != other


@pytest.mark.parametrize(
    ("origins", "origin", "welcome"),
    [
        ((), b"https://anywhere.example", True),
        (("https://a.example",), b"https://a.example", True),
        (("https://a.example",), None, True),
        (("https://a.example",), b"https://a.example.evil.example", False),
        (("https://a.example",), b"https://A.example", False),
        (("https://a.example",), b"null", False),
        (("null",), b"null", True),
    ],
)
def test_pages_are_compared_exactly(origins: tuple[str, ...], origin: bytes | None, welcome: bool) -> None:
    headers = ((b"authorization", b"Bearer token"), *([(b"origin", origin)] if origin is not None else []))
    facts: dict[str, Any] = {"security": Security(origins=frozenset(origins)), "headers": headers}
    if welcome:
        admit(SAM, **facts)
    else:
        assert refused(SAM, **facts) == "origin_not_allowed"
    topic = TopicSnapshot("/*")
    assert still_welcome(api_of(facts["security"]), topic, SAM, (origin or b"").decode()) is welcome


def test_who_was_let_in_without_a_credential_stays_only_while_the_topic_is_open() -> None:
    anybody = Principal("anonymous", "")
    assert still_welcome(api_of(Security()), TopicSnapshot("/*", security="none"), anybody, "")
    assert not still_welcome(api_of(Security()), TopicSnapshot("/*"), anybody, "")


URL = "wss://gateway.example/echo/1.0.0"
LOGIN = replace(SAM, kind="jwt", key_manager="Login")


@pytest.mark.parametrize(
    ("named", "principal", "welcome"),
    [
        (set(), SAM, True),
        (set(), LOGIN, True),
        ({"Login"}, LOGIN, True),
        ({"Login"}, SAM, False),
        ({"Resident"}, LOGIN, False),
        ({"Resident", "Login"}, SAM, True),
        (set(), replace(LOGIN, only_named=True), False),
        ({"Login"}, replace(LOGIN, only_named=True), True),
        (set(), replace(SAM, resources=frozenset({URL})), True),
        (set(), replace(LOGIN, resources=frozenset({URL, "https://other.example"})), True),
        (set(), replace(SAM, resources=frozenset({"wss://gateway.example/echo/2.0.0"})), False),
        ({"Login"}, KEYED, True),  # an API key is of no key manager
    ],
)
def test_an_api_takes_tokens_of_its_key_managers_that_are_for_it(
    named: set[str], principal: Principal, welcome: bool
) -> None:
    security = replace(BOTH, key_managers=frozenset(named))
    if welcome:
        admit(principal, security=security, urls={URL})
    else:
        assert refused(principal, security=security, urls={URL}) == "invalid_token"
    assert still_welcome(api_of(security, {URL}), TopicSnapshot("/*"), principal, "") is welcome


def test_a_principal_survives_the_way_through_a_ticket() -> None:
    whole = replace(LOGIN, scopes=frozenset({"a"}), resources=frozenset({URL}), only_named=True)
    assert principals.from_json(principals.as_json(whole)) == whole


# API keys ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("networks", "client", "allowed"),
    [
        (["192.0.2.0/24"], "192.0.2.7", True),
        (["192.0.2.0/24"], "198.51.100.1", False),
        (["198.51.100.1", "2001:db8::/32"], "2001:db8::7", True),
        (["192.0.2.7/24"], "192.0.2.200", True),
        (["192.0.2.0/24"], "::ffff:192.0.2.7", True),
        (["::ffff:192.0.2.0/120"], "192.0.2.7", True),
        (["192.0.2.0/24"], "", False),
    ],
)
def test_permitted_addresses(networks: list[str], client: str, allowed: bool) -> None:
    keyed = replace(KEYED, restrictions=Restrictions.of(networks, []))
    if allowed:
        admit(keyed, client=client, headers=((b"apikey", b"wsk_1"),))
    else:
        assert refused(keyed, client=client, headers=((b"apikey", b"wsk_1"),)) == "denied"


@pytest.mark.parametrize(
    ("pattern", "page", "allowed"),
    [
        ("https://app.example.com", "https://app.example.com", True),
        ("https://app.example.com", "https://app.example.com/any/page?x", True),
        ("https://app.example.com", "https://APP.example.com/", True),
        ("https://app.example.com", "http://app.example.com", False),
        ("https://app.example.com", "https://app.example.com.evil.example", False),
        ("https://app.example.com", "https://app.example.com:8443", False),
        ("app.example.com/*", "http://app.example.com", True),
        ("app.example.com/shop/*", "https://app.example.com/shop/1", True),
        ("app.example.com/shop/*", "https://app.example.com/other", False),
        ("*.example.com", "https://a.b.example.com", True),
        ("*.example.com", "https://example.com", False),
        ("*.example.com", "https://evil.example/.example.com", False),
        ("*.example.com", "https://evil.example?.example.com", False),
        ("*.example.com", "https://user@evil.example#x.example.com", False),
        ("https://app.example.com", "x https://app.example.com", False),
    ],
)
def test_permitted_pages_are_whole_and_a_star_stays_in_its_host(pattern: str, page: str, allowed: bool) -> None:
    assert not shapes_keys.referer_problem(pattern)
    assert (page_pattern(pattern).fullmatch(page) is not None) is allowed


def test_a_principal_survives_being_kept_with_a_ticket() -> None:
    whole = replace(SAM, scopes=frozenset({"a", "b"}), api_id="api", claims={"sub": "7", "roles": ["x"]})
    assert principals.from_json(principals.as_json(whole)) == whole
    keyed = replace(KEYED, restrictions=Restrictions.of(["192.0.2.1"], []))
    assert principals.from_json({**principals.as_json(keyed), "of_another_version": 1}) == KEYED
