"""How carol configures an endpoint: what is completed, what is refused and where, and which parts are secret."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.shapes_endpoint import (
    DEFAULT_SUSPENSION,
    DEFAULT_TIMEOUTS,
    DEFAULTS,
    endpoint_config,
)
from apis.shapes_upstream_security import SECURITY_CHECKS, SECURITY_TYPES
from gateway.core.extras import extras_of
from tests.core.certificates import CA, CERTIFICATE, KEY, OTHER_KEY, SEALED_KEY

URL = {"url": "ws://backend:9998"}
OAUTH2 = {"type": "oauth2", "token_url": "https://idp.example.com/token", "client_id": "us", "client_secret": "s3"}


def allow(url: str) -> str:
    return ""


def test_one_url_is_enough_and_everything_else_gets_its_default() -> None:
    config, problems = endpoint_config({"urls": [URL]}, allow)
    assert problems == {}
    assert config == {
        "urls": [{"url": "ws://backend:9998", "weight": 1}],
        "strategy": "round_robin",
        "timeouts": DEFAULT_TIMEOUTS,
        "suspension": DEFAULT_SUSPENSION,
        "security": {"type": "none"},
        "headers": {},
        "tls": {"verify": True, "ca": "", "server_name": ""},
        "proxy": {"url": "", "username": "", "password": "", "except": []},
        "dynamic": {"by": "none", "name": "", "targets": {}},
    }


def test_a_complete_config_comes_back_as_it_is_and_stays_valid() -> None:
    given_config = {
        "urls": [{"url": "ws://a", "weight": 3}, {"url": "wss://b/x?y=1", "weight": 1}],
        "strategy": "weighted",
        "timeouts": {"connect_ms": 1, "handshake_ms": 120_000, "idle_s": 86_400, "action": "refuse"},
        "suspension": {
            "errors": ["connect_failed"], "initial_ms": 1000, "max_ms": 1000,
            "factor": 1.5, "retries": 100, "retry_delay_ms": 60_000,
        },
        "security": {"type": "basic", "username": "us", "password": "p:w"},
        "headers": {"X-Tenant": "blue", "Origin": "https://us.example"},
        "tls": {"verify": False, "ca": CA, "server_name": "backend.internal"},
        "proxy": {"url": "http://proxy.example:3128", "username": "u", "password": "p", "except": ["*.x", ".y"]},
        "dynamic": {"by": "header", "name": "X-Region", "targets": {"eu": "ws://eu.example", "us/1": "wss://us.x"}},
    }  # fmt: skip
    config, problems = endpoint_config(copy.deepcopy(given_config), allow)
    assert (config, problems) == (given_config, {})
    assert endpoint_config(config, allow) == (config, {})


def test_completing_a_config_does_not_touch_what_was_given_nor_the_defaults() -> None:
    value = {"urls": [URL], "timeouts": {"idle_s": 5}}
    config, _ = endpoint_config(value, allow)
    config["suspension"]["errors"].append("x")
    config["timeouts"]["connect_ms"] = 7
    assert value == {"urls": [URL], "timeouts": {"idle_s": 5}}
    assert "x" not in endpoint_config({"urls": [URL]}, allow)[0]["suspension"]["errors"]


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"urls": []}, "urls"),
        ({"urls": "ws://a"}, "urls"),
        ({"urls": [URL] * 2}, "urls"),
        ({"urls": [{"url": f"ws://{n}.example"} for n in range(11)]}, "urls"),
        ({"urls": ["ws://a"]}, "urls/0"),
        ({"urls": [{"weight": 1}]}, "urls/0"),
        ({"urls": [{"url": 5}]}, "urls/0"),
        ({"urls": [{"url": "http://a"}]}, "urls/0/url"),
        ({"urls": [URL, {"url": ""}]}, "urls/1/url"),
        ({"urls": [{"url": "ws://a", "weight": 0}]}, "urls/0/weight"),
        ({"urls": [{"url": "ws://a", "weight": True}]}, "urls/0/weight"),
        ({"urls": [{"url": "ws://a", "weight": "1"}]}, "urls/0/weight"),
        ({"urls": [{"url": "ws://a", "wieght": 1}]}, "urls/0/wieght"),
        ({"strategy": "random"}, "strategy"),
        ({"strategy": None}, "strategy"),
        ({"strategy": ["failover"]}, "strategy"),
        ({"timeouts": None}, "timeouts"),
        ({"timeouts": {"connect_ms": 0}}, "timeouts/connect_ms"),
        ({"timeouts": {"connect_ms": 120_001}}, "timeouts/connect_ms"),
        ({"timeouts": {"connect_ms": 1.5}}, "timeouts/connect_ms"),
        ({"timeouts": {"handshake_ms": -1}}, "timeouts/handshake_ms"),
        ({"timeouts": {"idle_s": 86_401}}, "timeouts/idle_s"),
        ({"timeouts": {"idle_s": 10**400}}, "timeouts/idle_s"),
        ({"timeouts": {"connect": 1}}, "timeouts/connect"),
        ({"suspension": []}, "suspension"),
        ({"suspension": {"errors": "connect_failed"}}, "suspension/errors"),
        ({"suspension": {"errors": ["boredom"]}}, "suspension/errors"),
        ({"suspension": {"errors": [[]]}}, "suspension/errors"),
        ({"suspension": {"errors": ["connect_failed"] * 2}}, "suspension/errors"),
        ({"suspension": {"factor": 0.5}}, "suspension/factor"),
        ({"suspension": {"factor": float("nan")}}, "suspension/factor"),
        ({"suspension": {"factor": float("inf")}}, "suspension/factor"),
        ({"suspension": {"factor": True}}, "suspension/factor"),
        ({"suspension": {"retries": 101}}, "suspension/retries"),
        ({"suspension": {"initial_ms": 2, "max_ms": 1}}, "suspension/max_ms"),
        ({"naps": 1}, "naps"),
        ({"a/b": 1}, "a~1b"),
        ({"timeouts": {"action": "shrug"}}, "timeouts/action"),
        ({"security": None}, "security"),
        ({"security": {}}, "security/type"),
        ({"security": {"type": ["none"]}}, "security/type"),
        ({"security": {"type": "none", "username": "x"}}, "security/username"),
        ({"security": {"type": "basic", "username": ""}}, "security/username"),
        ({"security": {"type": "digest", "username": "a:b"}}, "security/username"),
        ({"security": {"type": "basic", "username": "a", "password": "x\ny"}}, "security/password"),
        ({"security": {"type": "basic", "username": "a", "password": 5}}, "security/password"),
        ({"security": {"type": "bearer"}}, "security/token"),
        ({"security": {"type": "bearer", "token": "two words"}}, "security/token"),
        ({"security": {"type": "bearer", "token": "x\r\nHost: evil"}}, "security/token"),
        ({"security": {**OAUTH2, "token_url": "ftp://idp/token"}}, "security/token_url"),
        ({"security": {**OAUTH2, "token_url": "https://idp/token#a"}}, "security/token_url"),
        ({"security": {**OAUTH2, "token_url": None}}, "security/token_url"),
        ({"security": {**OAUTH2, "grant": "implicit"}}, "security/grant"),
        ({"security": {**OAUTH2, "client_id": ""}}, "security/client_id"),
        ({"security": {**OAUTH2, "client_secret": ""}}, "security/client_secret"),
        ({"security": {**OAUTH2, "scopes": ["a b"]}}, "security/scopes"),
        ({"security": {**OAUTH2, "scopes": "a"}}, "security/scopes"),
        ({"security": {**OAUTH2, "grant": "password", "password": "x"}}, "security/username"),
        ({"security": {**OAUTH2, "grant": "password", "username": "x"}}, "security/password"),
        ({"security": {"type": "api_key", "in": "body", "name": "k", "value": "v"}}, "security/in"),
        ({"security": {"type": "api_key", "name": "", "value": "v"}}, "security/name"),
        ({"security": {"type": "api_key", "name": "Host", "value": "v"}}, "security/name"),
        ({"security": {"type": "api_key", "name": "X-Key", "value": "é"}}, "security/value"),
        ({"security": {"type": "api_key", "in": "query", "name": "k"}}, "security/value"),
        ({"security": {"type": "mtls", "certificate": "no", "key": KEY}}, "security/certificate"),
        ({"security": {"type": "mtls", "certificate": CERTIFICATE}}, "security/key"),
        ({"security": {"type": "mtls", "certificate": CERTIFICATE, "key": "no"}}, "security/key"),
        ({"security": {"type": "mtls", "certificate": CERTIFICATE, "key": OTHER_KEY}}, "security/key"),
        ({"security": {"type": "mtls", "certificate": CERTIFICATE, "key": SEALED_KEY}}, "security/key"),
        ({"security": {"type": "mtls", "certificate": CERTIFICATE + KEY, "key": KEY}}, "security/certificate"),
        ({"headers": []}, "headers"),
        ({"headers": {f"X-{n}": "v" for n in range(33)}}, "headers"),
        ({"headers": {"X Y": "v"}}, "headers/X Y"),
        ({"headers": {"X/Y": "v"}}, "headers/X~1Y"),
        ({"headers": {"Connection": "close"}}, "headers/Connection"),
        ({"headers": {"Sec-WebSocket-Key": "v"}}, "headers/Sec-WebSocket-Key"),
        ({"headers": {"X-Forwarded-For": "1.2.3.4"}}, "headers/X-Forwarded-For"),
        ({"headers": {"Authorization": "Bearer x"}}, "headers/Authorization"),
        ({"headers": {"X-A": "a\r\nX-B: b"}}, "headers/X-A"),
        ({"headers": {"X-A": " a"}}, "headers/X-A"),
        ({"headers": {"X-A": ""}}, "headers/X-A"),
        ({"headers": {"X-A": 1}}, "headers/X-A"),
        ({"headers": {"X-A": "1", "x-a": "2"}}, "headers/X-A"),
        ({"tls": {"verify": "yes"}}, "tls/verify"),
        ({"tls": {"ca": "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"}}, "tls/ca"),
        ({"tls": {"ca": "x" * 70_000}}, "tls/ca"),
        ({"tls": {"ca": None}}, "tls/ca"),
        ({"tls": {"server_name": "a b"}}, "tls/server_name"),
        ({"proxy": {"url": "https://proxy:3128"}}, "proxy/url"),
        ({"proxy": {"url": "http://proxy:3128/path"}}, "proxy/url"),
        ({"proxy": {"url": "http://u:p@proxy:3128"}}, "proxy/url"),
        ({"proxy": {"url": "http://proxy:3128", "password": "p"}}, "proxy/username"),
        ({"proxy": {"url": "http://proxy:3128", "username": "a:b"}}, "proxy/username"),
        ({"proxy": {"except": ["10.0.0.0/99"]}}, "proxy/except"),
        ({"proxy": {"except": ["a b"]}}, "proxy/except"),
        ({"proxy": {"except": ["*internal"]}}, "proxy/except"),
        ({"proxy": {"except": "localhost"}}, "proxy/except"),
        ({"dynamic": {"by": "cookie"}}, "dynamic/by"),
        ({"dynamic": {"by": "header", "name": "X Y", "targets": {"a": "ws://a"}}}, "dynamic/name"),
        ({"dynamic": {"by": "claim", "name": "", "targets": {"a": "ws://a"}}}, "dynamic/name"),
        ({"dynamic": {"by": "claim", "name": "region"}}, "dynamic/targets"),
        ({"dynamic": {"targets": []}}, "dynamic/targets"),
        ({"dynamic": {"targets": {"a": "http://a"}}}, "dynamic/targets/a"),
        ({"dynamic": {"targets": {"a": 5}}}, "dynamic/targets/a"),
        ({"dynamic": {"targets": {" a": "ws://a"}}}, "dynamic/targets/ a"),
        ({"dynamic": {"targets": {"": "ws://a"}}}, "dynamic/targets/"),
    ],
)
def test_what_is_wrong_is_named_by_its_path(change: dict[str, Any], path: str) -> None:
    _, problems = endpoint_config({"urls": [URL], **change}, allow)
    assert list(problems) == [path]
    assert problems[path].endswith(".")


def test_an_address_that_may_not_be_dialled_is_refused_wherever_it_stands() -> None:
    value = {
        "urls": [URL],
        "security": {**OAUTH2, "token_url": "http://idp/token"},
        "proxy": {"url": "http://proxy:3128"},
        "dynamic": {"by": "claim", "name": "region", "targets": {"eu": "ws://eu"}},
    }
    _, problems = endpoint_config(value, lambda url: f"{url} is private.")
    assert problems == {
        "urls/0/url": "ws://backend:9998 is private.",
        "security/token_url": "http://idp/token is private.",
        "proxy/url": "http://proxy:3128 is private.",
        "dynamic/targets/eu": "ws://eu is private.",
    }


def test_two_mistakes_are_both_named() -> None:
    _, problems = endpoint_config({"urls": [], "timeouts": {"idle_s": -1}}, allow)
    assert set(problems) == {"urls", "timeouts/idle_s"}


@pytest.mark.parametrize(
    "security",
    [
        {"type": "none"},
        {"type": "basic", "username": "us", "password": ""},
        {"type": "bearer", "token": "abc.DEF-1=="},
        OAUTH2,
        {**OAUTH2, "grant": "password", "client_secret": "", "username": "u", "password": "p", "scopes": ["a", "b:c"]},
        {"type": "api_key", "in": "header", "name": "X-Key", "value": "a b"},
        {"type": "api_key", "in": "query", "name": "key", "value": "é & more"},
        {"type": "mtls", "certificate": CERTIFICATE, "key": KEY},
        {"type": "mtls", "certificate": CERTIFICATE + CA, "key": KEY},
    ],
)
def test_every_type_of_security_can_be_said_completely(security: dict[str, Any]) -> None:
    config, problems = endpoint_config({"urls": [URL], "security": security}, allow)
    assert problems == {}
    assert config["security"].keys() == {"type", *SECURITY_CHECKS[security["type"]]}
    extras = extras_of(config, str)
    assert (extras.proof if extras else None) is None if security["type"] == "none" else extras and extras.proof
    assert endpoint_config(config, allow) == (config, {})


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
security_like = st.builds(
    lambda kind, rest: {**rest, "type": kind},
    st.sampled_from([*SECURITY_TYPES]),
    st.dictionaries(st.sampled_from(sorted({name for one in SECURITY_CHECKS.values() for name in one})), json_values),
)
dynamic_like = st.dictionaries(st.sampled_from(["by", "name", "targets"]), json_values | st.just("header"))
config_like = st.fixed_dictionaries(
    {"urls": st.just([URL])},
    optional={
        **dict.fromkeys([*(DEFAULTS.keys() - {"urls"}), "x"], json_values),
        "security": security_like,
        "dynamic": dynamic_like,
    },
)


@given(json_values | config_like)
def test_any_json_gets_an_answer_and_never_an_exception(value: Any) -> None:
    full, problems = endpoint_config(value, allow)
    assert all(isinstance(path, str) and text for path, text in problems.items())
    if not problems:
        assert endpoint_config(full, allow) == (full, {})
