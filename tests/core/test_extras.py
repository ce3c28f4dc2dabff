"""What an endpoint asks for beyond its URL: from its configuration to what a handshake carries."""

from __future__ import annotations

from typing import Any

import pytest

from gateway.core.assertions import choices, claims_of, facts_of
from gateway.core.extras import (
    ApiKey,
    Basic,
    ClientCertificate,
    Dynamic,
    Extras,
    OAuth2,
    Proxy,
    Tls,
    choose,
    claim_values,
    dynamic_of,
    extras_of,
    with_parameter,
)
from gateway.core.snapshot import ApiSnapshot, Entitlement, PlanSnapshot, Principal

PLAIN: dict[str, Any] = {
    "security": {"type": "none"},
    "headers": {},
    "tls": {"verify": True, "ca": "", "server_name": ""},
    "proxy": {"url": "", "username": "", "password": "", "except": []},
    "dynamic": {"by": "none", "name": "", "targets": {}},
}


def unseal(sealed: str) -> str:
    return sealed.removeprefix("sealed:")


def proof(**security: Any) -> Any:
    extras = extras_of({**PLAIN, "security": security}, unseal)
    assert extras is not None
    return extras.proof


def test_a_plain_endpoint_has_none_of_it_and_an_old_one_neither() -> None:
    assert extras_of(PLAIN, unseal) is None
    assert extras_of({"urls": []}, unseal) is None
    assert dynamic_of(PLAIN) is None
    assert dynamic_of({}) is None


def test_every_kind_of_security_is_read_and_its_secret_unsealed() -> None:
    basic = proof(type="basic", username="sam", password="sealed:pass")
    assert basic == Basic("sam", "pass")
    assert basic.authorization() == b"Basic c2FtOnBhc3M="
    assert proof(type="api_key", **{"in": "query"}, name="k", value="sealed:v") == ApiKey("query", "k", "v")
    assert proof(type="mtls", certificate="C", key="sealed:K") == ClientCertificate("C", "K")
    facts = {"token_url": "https://t", "client_id": "i", "client_secret": "sealed:s", "scopes": ["a"]}
    assert proof(type="oauth2", grant="password", username="u", password="sealed:p", **facts) == OAuth2(
        "password", "https://t", "i", "s", "u", "p", ("a",)
    )


def test_no_secret_is_in_a_repr() -> None:
    config = {
        **PLAIN,
        "security": {"type": "oauth2", "token_url": "https://t", "client_id": "i", "client_secret": "sealed:hush",
                     "password": "sealed:hush"},
        "proxy": {"url": "http://p:8080", "username": "u", "password": "sealed:hush", "except": []},
    }  # fmt: skip
    shown = repr(extras_of(config, unseal))
    assert "hush" not in shown
    assert "dTpodXNo" not in shown  # base64 of u:hush
    others = [proof(type="basic", username="u", password="sealed:hush"), proof(type="bearer", token="sealed:hush"),
              proof(type="digest", username="u", password="sealed:hush"),
              proof(type="api_key", name="n", value="sealed:hush"),
              proof(type="mtls", certificate="c", key="sealed:hush")]  # fmt: skip
    assert "hush" not in repr(others)


def test_own_headers_and_the_key_take_the_place_of_the_clients() -> None:
    config = {**PLAIN, "headers": {"X-Tenant": "blue", "Host": "evil", "X-Forwarded-For": "1.1.1.1", "Upgrade": "h2c"},
              "security": {"type": "api_key", "in": "header", "name": "X-Key", "value": "sealed:v"}}  # fmt: skip
    extras = extras_of(config, unseal)
    assert extras is not None
    sent = [(b"x-tenant", b"red"), (b"cookie", b"a=b"), (b"x-key", b"mine"), (b"x-forwarded-for", b"10.0.0.1")]
    path, headers = extras.dress(b"/chat", sent)
    assert path == b"/chat"
    assert headers == [
        (b"cookie", b"a=b"), (b"x-forwarded-for", b"10.0.0.1"), (b"x-tenant", b"blue"), (b"x-key", b"v")
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "after"),
    [(b"/", b"/?k=s%26%3D"), (b"/a?x=1", b"/a?x=1&k=s%26%3D"), (b"/a?k=mine&x=1&k=2", b"/a?x=1&k=s%26%3D"),
     (b"/a?%6b=mine", b"/a?k=s%26%3D"), (b"/a?k", b"/a?k=s%26%3D"), (b"/a?kk=1", b"/a?kk=1&k=s%26%3D")],
)  # fmt: skip
def test_a_key_in_the_query_is_the_only_one_of_its_name(before: bytes, after: bytes) -> None:
    assert with_parameter(before, "k", "s&=") == after


@pytest.mark.parametrize(
    ("host", "by_proxy"),
    [("backend.example.com", True), ("intern.example.com", False), ("a.b.corp", False), ("A.CORP.", False),
     ("corp", True), ("notcorp", True), ("10.1.2.3", False), ("11.1.2.3", True), ("fd00::7", False),
     ("x.lan", False), ("lan", True), ("192.0.2.1", False)],
)  # fmt: skip
def test_exceptions_of_a_proxy_are_names_suffixes_addresses_and_networks(host: str, by_proxy: bool) -> None:
    config = {"url": "http://proxy:3128", "except": ["intern.example.com", "*.corp", ".lan", "10.0.0.0/8", "fd00::/8",
                                                     "192.0.2.1"]}  # fmt: skip
    extras = extras_of({**PLAIN, "proxy": config}, unseal)
    assert extras is not None
    assert extras.proxy is not None
    assert (extras.proxy.host, extras.proxy.port) == ("proxy", 3128)
    assert extras.proxy.serves(host) is by_proxy


def test_a_proxys_password_is_basic() -> None:
    proxy = {"url": "http://p:1", "username": "u", "password": "sealed:p", "except": []}
    extras = extras_of({**PLAIN, "proxy": proxy}, unseal)
    assert extras == Extras(proxy=Proxy("p", 1, b"Basic dTpw"))
    assert extras_of({**PLAIN, "tls": {"verify": False}}, unseal) == Extras(tls=Tls(verify=False))


HEADER = Dynamic("header", "X-Tenant", (("blue", "ws://blue"), ("red", "ws://red")))


def test_a_header_leads_to_its_target_and_nothing_else_does() -> None:
    assert choose(HEADER, [(b"x-tenant", b"red")], {}) == "ws://red"
    assert choose(HEADER, [(b"x-tenant", b"green")], {}) is None
    assert choose(HEADER, [(b"x-tenant", b"red"), (b"x-tenant", b"blue")], {}) is None
    assert choose(HEADER, [], {"X-Tenant": "red"}) is None


def test_a_claim_leads_to_its_target() -> None:
    dynamic = Dynamic("claim", "tenant", (("7", "ws://seven"),))
    assert choose(dynamic, [(b"tenant", b"7")], {"tenant": 7}) == "ws://seven"
    assert choose(dynamic, [(b"tenant", b"7")], {}) is None
    assert choose(dynamic, [], {"tenant": ["7", "8"]}) is None
    assert claim_values({"a": True, "b": {"c": 1}, "d": [1, "x", None]}, "a") == []
    assert claim_values({"d": [1, "x", None]}, "d") == ["1", "x"]


API = ApiSnapshot("api-1", "Chat", "/chat", "1.0.0", "/chat/1.0.0", "published", (), {})
SAM = Principal("jwt", "key", application_id="app-1", end_user="sam-1", scopes=frozenset({"b", "a"}),
                claims={"tenant": "blue", "application_id": "forged", "sub": "x"})  # fmt: skip
DEAL = Entitlement("s", "api-1", "app-1", "Desk", "sam-1", business_plan=PlanSnapshot(name="Gold"),
                   application_plan=PlanSnapshot(name="10PerMin"))  # fmt: skip


def test_what_the_gateway_knows_is_not_overridden_by_a_token_of_somebody_else() -> None:
    found = choices(API, SAM, DEAL)
    assert (found["tenant"], found["application_id"], found["sub"]) == ("blue", "app-1", "sam-1")
    assert found["scope"] == ["a", "b"]


def test_an_assertion_says_who_and_under_which_plans_and_for_how_long() -> None:
    claims = claims_of(facts_of(API, SAM, DEAL), "sam", "https://portal", "id-1", 1000)
    assert claims == {
        "iss": "https://portal", "aud": "/chat/1.0.0", "sub": "sam-1", "jti": "id-1", "iat": 1000, "nbf": 1000,
        "exp": 1300, "end_user": "sam", "application_id": "app-1", "application_name": "Desk",
        "application_plan": "10PerMin", "subscription_plan": "Gold", "api_id": "api-1", "api_name": "Chat",
        "api_version": "1.0.0", "api_context": "/chat", "key_type": "production",
    }  # fmt: skip
