"""The gateway on a real PostgreSQL server (shipped by pip): handshake, plan, usage and live control."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from base64 import urlsafe_b64decode
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.sync.client import connect

from tests.engines import PostgreSQL
from tests.gateway.backends import Backend, until
from tests.gateway.world import GatewayProcess, closed, knock
from wsportal.certificates import KeyPairFiles

ROOT = Path(__file__).resolve().parents[2]

STORY = """
import json
from apis.models import Person
from apis.permissions import Actor
from apis.services import demo, keys, plans, publishing, subscribing
roles = {"adam": ["administrator"], "paul": ["creator", "publisher"], "sam": ["subscriber"]}
who = {name: Actor.of(Person.objects.create_user(name, roles=held)) for name, held in roles.items()}
demo.seed_essentials(who["adam"])
limits = [{"kind": "events", "amount": 8, "per": "day", "direction": "in"}]
plans.business_plan_create(actor=who["adam"], name="Eight", limits=limits)
api = publishing.api_create_and_publish(actor=who["paul"], name="Chat", context="/chat", version="1.0.0",
    endpoint="BACKEND", business_plans=["Eight", "Unlimited"])
application = subscribing.application_create(actor=who["sam"], name="Phone")
ordered = {"api": api, "application": application, "business_plan": "Eight"}
subscription = subscribing.subscription_create(actor=who["sam"], **ordered)
token, _ = keys.token_generate(actor=who["sam"], application=application, key_type="production")
print(json.dumps({"token": token, "subscription": str(subscription.pk)}))
"""
CHANGE_PLAN = """
from apis.models import Subscription
from apis.permissions import Actor
from apis.services import subscribing
row = Subscription.objects.get()
subscribing.subscription_change_plan(actor=Actor.of(row.application.owner), subscription=row, business_plan="Unlimited")
"""
REVOKE = "from oauth2_provider.models import AccessToken; AccessToken.objects.get().revoke()"
USAGE = """
import json
from gateway.models import UsageMinute
from django.db.models import Sum
sums = {"sessions": Sum("sessions"), "into": Sum("events_in"), "refused": Sum("refused")}
print(json.dumps(UsageMinute.objects.aggregate(**sums)))
"""
HEALTH = """
import json
from gateway.models import UpstreamHealth
print(json.dumps([[row.url, row.state, row.key_type] for row in UpstreamHealth.objects.all()]))
"""
ASSERTIONS = """
from apis.models import Api
from apis.permissions import Actor
from apis.services.securing import security_configure
api = Api.objects.get()
security_configure(actor=Actor.of(api.provider), api=api, settings={"backend_jwt": True})
"""
SIGNED_BY = (
    "import json; from gateway.models import SigningKey; print(json.dumps(SigningKey.objects.get(current=True).kid))"
)


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    """An empty PostgreSQL database with our tables."""
    server = PostgreSQL()
    manage(server.url, "migrate", "--verbosity=0")
    yield server.url
    server.stop()


def manage(database: str, *arguments: str) -> str:
    """A command in a process of its own, as an operator or the portal would be."""
    done = subprocess.run(
        [sys.executable, str(ROOT / "manage.py"), *arguments],
        env={**os.environ, "WSPORTAL_MODE": "test", "DATABASE_URL": database},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def told(database: str, script: str) -> Any:
    lines = manage(database, "shell", "--verbosity=0", "-c", script).strip().splitlines()
    return json.loads(lines[-1]) if lines else None


def one_of_many_gets_in(gateway: GatewayProcess, bearer: dict[str, str]) -> None:
    """A ticket opens one connection, whoever else tries it at the same moment."""
    wish = {"context": "/chat", "version": "1.0.0"}
    made = httpx.post(f"http://127.0.0.1:{gateway.portal}/api/v1/tickets", json=wish, headers=bearer, timeout=30)
    assert made.status_code == 201, made.text
    path = f"/chat/1.0.0?ticket={made.json()['ticket']}"
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: knock(gateway, path).status, range(20)))
    assert sorted(answers) == [101] + [401] * 19


def test_the_data_plane_on_postgresql(url: str, backend: Backend, certificate: KeyPairFiles, tmp_path: Path) -> None:
    token = told(url, STORY.replace("BACKEND", backend.url))["token"]
    gateway = GatewayProcess(url, certificate, tmp_path)
    bearer = {"Authorization": f"Bearer {token}"}
    try:
        for _ in range(2):  # both are under one plan
            with connect(gateway.url("/chat/1.0.0"), additional_headers=bearer, proxy=None) as client:
                for _ in range(4):
                    client.send("x")
                    client.recv(5)
        answer = knock(gateway, "/chat/1.0.0", **bearer)
        assert (answer.status, answer.code) == (429, "quota_exceeded")
        expected = {"sessions": 2, "into": 8, "refused": 1}
        until(lambda: told(url, USAGE) == expected, 15)

        manage(url, "shell", "--verbosity=0", "-c", CHANGE_PLAN)
        until(lambda: knock(gateway, "/chat/1.0.0", **bearer).status == 101, 1.5)
        assert told(url, HEALTH) == [[backend.url, "active", "production"]]
        manage(url, "shell", "--verbosity=0", "-c", ASSERTIONS)
        until(
            lambda: knock(gateway, "/chat/1.0.0", **bearer) and "X-JWT-Assertion" in backend.requests[-1].headers, 1.5
        )
        header = json.loads(urlsafe_b64decode(backend.requests[-1].headers["X-JWT-Assertion"].split(".")[0] + "=="))
        assert header == {"alg": "ES256", "typ": "JWT", "kid": told(url, SIGNED_BY)}
        one_of_many_gets_in(gateway, bearer)
        with connect(gateway.url("/chat/1.0.0"), additional_headers=bearer, proxy=None) as client:
            manage(url, "shell", "--verbosity=0", "-c", REVOKE)
            revoked = time.monotonic()
            assert closed(client)[0] == 4401
            assert time.monotonic() - revoked < 1.5
        assert knock(gateway, "/chat/1.0.0", **bearer).status == 401
    finally:
        assert gateway.stop() == 0
    assert told(url, HEALTH) == []
    assert "Traceback" not in gateway.log.read_text()
