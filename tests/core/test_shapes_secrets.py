"""Which parts of an endpoint are secret, how an old one is completed, and what its headers may not be."""

from __future__ import annotations

from apis.shapes_endpoint import (
    DEFAULT_SUSPENSION,
    DEFAULTS,
    complete,
    endpoint_config,
    secrets_in,
    shown,
    with_secrets,
)
from apis.shapes_upstream_security import RESERVED_HEADERS, SECRETS, SECURITY_CHECKS, SECURITY_TYPES
from gateway.core.forwarding import NEVER_OWN
from tests.core.test_shapes_endpoint import OAUTH2, URL, allow


def test_a_config_from_before_there_was_security_is_completed_when_it_is_read() -> None:
    old = {
        "urls": [{"url": "ws://a", "weight": 1}],
        "strategy": "failover",
        "timeouts": {"connect_ms": 1, "handshake_ms": 2, "idle_s": 3},
        "suspension": DEFAULT_SUSPENSION,
    }
    full = complete(old)
    assert full["timeouts"] == {"connect_ms": 1, "handshake_ms": 2, "idle_s": 3, "action": "next"}
    assert (full["security"], full["headers"], full["strategy"]) == ({"type": "none"}, {}, "failover")
    assert endpoint_config(full, allow) == (full, {})
    full["proxy"]["except"].append("x")
    assert DEFAULTS["proxy"]["except"] == []


def test_whoever_looks_at_a_config_sees_which_secrets_are_set_and_none_of_them() -> None:
    config, problems = endpoint_config(
        {"urls": [URL], "security": OAUTH2, "proxy": {"url": "http://p:1", "username": "u", "password": "p"}}, allow
    )
    assert problems == {}
    seen = shown(config)
    assert seen["secrets_set"] == ["security/client_secret", "proxy/password"]
    assert (seen["security"]["client_secret"], seen["security"]["password"], seen["proxy"]["password"]) == (None,) * 3
    assert seen["security"]["client_id"] == "us"
    assert "s3" not in str(seen)
    assert with_secrets(config, str.upper)["security"]["client_secret"] == "S3"
    assert config["security"]["client_secret"] == "s3"


def test_each_type_says_what_of_it_is_secret() -> None:
    assert set(SECRETS) == set(SECURITY_CHECKS) == set(SECURITY_TYPES)
    for kind, members in SECRETS.items():
        assert set(members) <= set(SECURITY_CHECKS[kind])
        assert [*secrets_in({"security": {"type": kind}})] == [
            *(("security", one) for one in members),
            ("proxy", "password"),
        ]


def test_the_headers_that_may_not_be_set_are_those_that_the_gateway_writes_or_keeps() -> None:
    known = {name.decode() for name in NEVER_OWN}
    assert {name for name in known if not name.startswith("sec-websocket-")} == RESERVED_HEADERS
