"""The portals behind a proxy: limits go by the client's own address, which eve cannot choose; cookies by its scheme."""

from __future__ import annotations

from ipaddress import ip_network
from typing import Any

import pytest
from django.http import HttpRequest, HttpResponse
from django.test import Client, RequestFactory

from apis.models import Person
from gateway.core.proxies import FORWARDED, Trust
from wsportal.proxies import TrustedProxiesMiddleware

PROXY = "10.0.0.1"
TRUST = Trust((ip_network("10.0.0.0/8"),))


def seen(settings: Any, trust: Trust, **meta: str) -> tuple[str, bool]:
    """Address and scheme as a view sees them."""
    settings.TRUSTED_PROXIES = trust
    found: list[HttpRequest] = []
    middleware = TrustedProxiesMiddleware(lambda request: found.append(request) or HttpResponse())
    middleware(RequestFactory().get("/", **meta))
    return found[0].META["REMOTE_ADDR"], found[0].is_secure()


@pytest.mark.parametrize(
    ("trust", "meta", "address", "secure"),
    [
        (TRUST, {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "1.1.1.1, 198.51.100.1"}, "198.51.100.1", False),
        (TRUST, {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_PROTO": "https"}, PROXY, True),
        (TRUST, {"REMOTE_ADDR": "203.0.113.5", "HTTP_X_FORWARDED_FOR": "1.1.1.1"}, "203.0.113.5", False),
        (TRUST, {"REMOTE_ADDR": "203.0.113.5", "HTTP_X_FORWARDED_PROTO": "https"}, "203.0.113.5", False),
        (TRUST, {"REMOTE_ADDR": PROXY, "HTTP_FORWARDED": "for=1.1.1.1;proto=https"}, PROXY, False),
        (
            Trust(TRUST.networks, FORWARDED),
            {"REMOTE_ADDR": PROXY, "HTTP_FORWARDED": "for=198.51.100.1;proto=https"},
            "198.51.100.1",
            True,
        ),
        (Trust(), {"REMOTE_ADDR": PROXY, "HTTP_X_FORWARDED_FOR": "1.1.1.1"}, PROXY, False),
    ],
)
def test_a_view_sees_the_client_that_trusted_proxies_name(
    settings: Any, trust: Trust, meta: dict[str, str], address: str, secure: bool
) -> None:
    assert seen(settings, trust, **meta) == (address, secure)


def knock(client: Client, forwarded_for: str, password: str, peer: str = PROXY) -> int:
    """Try to sign in as sam."""
    facts = {"REMOTE_ADDR": peer, "HTTP_X_FORWARDED_FOR": forwarded_for}
    return client.post("/login", {"username": "sam", "password": password}, **facts).status_code


def test_eve_who_guesses_behind_the_proxy_locks_out_only_herself(settings: Any, sam: Person) -> None:
    settings.TRUSTED_PROXIES = TRUST
    client = Client()
    answers = [knock(client, f"198.51.100.{number}, 203.0.113.66", "wrong") for number in range(12)]
    assert answers[-1] == 429, "another invented address each time"
    assert knock(client, "203.0.113.7", "walks-the-dog-7") == 302


def test_eve_who_comes_directly_gains_nothing_by_a_header(settings: Any, sam: Person) -> None:
    settings.TRUSTED_PROXIES = TRUST
    client = Client()
    answers = [knock(client, f"198.51.100.{number}", "wrong", "203.0.113.66") for number in range(12)]
    assert answers[-1] == 429
