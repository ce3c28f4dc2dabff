"""Whatever somebody sends gets a 4xx as a problem document, never a 500, and changes nothing."""

from __future__ import annotations

import io
import json
import re
from dataclasses import dataclass
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apis.rest import designs
from apis.services import (
    categories,
    comments,
    custom_roles,
    denying,
    documents,
    key_managers,
    keys,
    plans,
    scopes,
    trying,
)
from apis.services.attempts import Attempts
from apis.services.requests import ask_for_subscription
from tests.apis.conftest import PROBLEM
from tests.apis.connected import live_session
from tests.conftest import CHAT

TABLES_THAT_MAY_CHANGE = {"axes_accessattempt", "axes_accessfailurelog", "axes_accesslog"}


@dataclass(frozen=True)
class Write:
    """One operation that takes a body, and a body it would accept."""

    method: str
    path: str
    body: dict[str, Any]


PLAN = {"name": "Copper", "limits": [{"kind": "events", "amount": 5, "per": "minute"}]}
GROUP = {"name": "office", "conditions": [{"type": "header", "name": "X-Site", "value": "/^a+$/", "invert": True}],
         "limits": PLAN["limits"]}  # fmt: skip
ABOUT = {"categories": ["Live"], "business": {"business_owner": "Bo", "business_owner_email": "bo@example.com"},
         "access_roles": ["creator"], "visible_roles": ["partners"],
         "properties": [{"name": "region", "value": "Berlin", "show_in_devportal": True}]}  # fmt: skip
NEW = {**CHAT, "name": "New", "context": "/new"}
WRITES = [
    Write("post", "/apis", {**NEW, "description": "", "tags": [], "display_name": "", **ABOUT}),
    Write("post", "/apis?publish=true", NEW),
    Write("post", "/samples/{sample}", {"name": "Rooms", "context": "/rooms", "version": "1.0.0"}),
    Write("patch", "/apis/{api}", {"description": "x", "business_plans": ["Gold"], "endpoint": "ws://a.example",
          "is_default_version": True, "api_plan": "Calm", **ABOUT}),
    Write("put", "/apis/{api}/endpoints/production", {"urls": [{"url": "ws://a.example"}], "strategy": "failover",
          "timeouts": {}, "suspension": {}, "headers": {"X-A": "b"}, "tls": {}, "proxy": {}, "dynamic": {},
          "security": {"type": "basic", "username": "us", "password": None}}),
    Write("post", "/apis/{api}/endpoints/production/test", {"urls": [{"url": "ws://127.0.0.1:9"}], "tls": {}}),
    Write("put", "/apis/{api}/runtime", {"max_message_bytes": 200, "max_session_s": 60, "idle_s": 5, "keepalive_s": 5,
          "slow_consumer_s": 5, "max_sessions": 1, "max_sessions_per_application": 1, "max_sessions_per_ip": 1}),
    Write("put", "/apis/{api}/topics", {"topics": [{"name": "/a/{b}", "url_mapping": "/c?d={uri.var.b}",
          "subscribe": True, "publish": False, "scopes": ["shared"], "security": "oauth", "api_plan": "Calm"}]}),
    Write("post", "/apis/{api}/scopes", {"name": "new", "display_name": "", "description": "x", "roles": []}),
    Write("patch", "/apis/{api}/scopes/{local}", {"display_name": "x", "description": "x", "roles": ["creator"]}),
    Write("post", "/scopes", {"name": "new", "display_name": "", "description": "x", "roles": []}),
    Write("patch", "/scopes/{shared}", {"display_name": "x", "description": "x", "roles": ["creator"]}),
    Write("post", "/apis/{api}/documents", {"name": "Guide", "type": "other", "other_type": "Notes", "summary": "x",
          "visibility": "private", "content": "# x"}),
    Write("post", "/apis/{api}/documents", {"name": "Forum", "type": "public_forum", "url": "https://a.example/#b"}),
    Write("patch", "/apis/{api}/documents/{document}", {"name": "Guide", "type": "howto", "summary": "x",
          "visibility": "api", "content": "x"}),
    Write("put", "/apis/{api}/documents/{document}/content", {"content": "# y"}),
    Write("post", "/apis/{api}/comments", {"content": "x", "reply_to": None}),
    Write("patch", "/apis/{api}/comments/{comment}", {"content": "y"}),
    Write("put", "/apis/{api}/rating", {"rating": 5}),
    Write("put", "/apis/{api}/security", {"schemes": ["oauth", "api_key"], "key_managers": ["Resident"],
          "query_credentials": True, "origins": ["https://app.example.com"], "backend_jwt": True,
          "inspect_payload": True, "mask": ["/card"]}),
    Write("post", "/apis/{api}/test-key", {"key_type": "sandbox"}),
    Write("post", "/apis/{api}/transitions", {"action": "publish", "checklist": {"deprecate_old_versions": False}}),
    Write("post", "/apis/{api}/revisions", {"description": "x"}),
    Write("post", "/apis/{api}/revisions/1/deploy", {"environments": ["Default"]}),
    Write("post", "/apis/{api}/revisions/1/undeploy", {"environments": ["Default"]}),
    Write("post", "/apis/{api}/versions", {"version": "9"}),
    Write("post", "/business-plans/simulate", {"limits": PLAN["limits"], "burst": {"amount": 1, "per": "second"},
          "max_sessions": 1, "max_session_s": 1, "stop_on_quota": False, "days": 7, "api": None, "plan": None}),
    Write("post", "/business-plans", {**PLAN, "burst": {"amount": 1, "per": "second"}, "max_sessions": 1,
          "max_session_s": 1, "max_message_bytes": 200, "on_spent": "close", "stop_on_quota": True,
          "subscriptionless": True, "approval": True, "notice": True, "warn_at": 80, "billing": "commercial",
          "price": "9.90", "currency": "USD", "cycle": "year", "unit_price": 0.5, "unit_events": 10,
          "attributes": {"tier": "gold"},
          "permission": {"mode": "deny", "roles": ["creator"]}}),
    Write("patch", "/business-plans/{plan}", {"description": "x", "limits": []}),
    Write("post", "/application-plans", {**PLAN, "description": "x"}),
    Write("patch", "/application-plans/{application_plan}", {"description": "x", "limits": []}),
    Write("post", "/api-plans", {**PLAN, "description": "x", "groups": [GROUP]}),
    Write("patch", "/api-plans/{api_plan}", {"description": "x", "limits": [], "groups": []}),
    Write("post", "/custom-plans", {**PLAN, "description": "x", "key": "{user}:{ip}", "enabled": True}),
    Write("patch", "/custom-plans/{custom_plan}", {"enabled": False, "key": "{ip}"}),
    Write("post", "/applications", {"name": "New", "plan": "Unlimited", "description": "x"}),
    Write("patch", "/applications/{application}", {"name": "New"}),
    Write("post", "/applications/{application}/keys", {"key_type": "sandbox", "grant_types": ["client_credentials"],
          "redirect_uris": ["https://a.example"]}),
    Write("patch", "/applications/{application}/keys/production", {"grant_types": ["client_credentials"]}),
    Write("post", "/applications/{application}/api-keys", {"key_type": "sandbox", "expires_in": 60,
          "permitted_ips": ["192.0.2.0/24"], "permitted_referers": ["https://app.example.com"]}),
    Write("post", "/applications/{application}/generate-token", {"key_type": "sandbox", "scopes": ["local"]}),
    Write("post", "/subscriptions", {"api": "{api}", "application": "{application}", "business_plan": "Bronze"}),
    Write("patch", "/subscriptions/{subscription}", {"business_plan": "Unlimited"}),
    Write("patch", "/approval-rules", {"transitions": ["publish", "retire"], "applications": True}),
    Write("post", "/approvals/{approval}/decide", {"decision": "reject", "reason": "x"}),
    Write("post", "/subscriptions/{subscription}/block", {"what": "all"}),
    Write("post", "/deny-policies", {"api": "{api}", "application": "{application}", "person": "{person}",
          "ip_range": {"from": "10.0.0.1", "to": "10.0.0.9"}, "invert": False, "enabled": True,
          "expires_at": "2100-01-01T00:00:00Z", "description": "x"}),
    Write("patch", "/deny-policies/{deny_policy}", {"enabled": False, "description": "x"}),
    Write("post", "/key-managers", {"name": "Login", "description": "x", "enabled": True, "validation": "jwks",
          "issuer": "https://login.example", "jwks_url": "https://login.example/keys", "jwks": None,
          "introspection_url": "", "client_id": "us", "client_secret": "hush", "audiences": ["us"],
          "algorithms": ["ES256"], "client_claim": "azp", "scope_claim": "scp", "at_jwt_only": False, "leeway_s": 5,
          "proof": False}),
    Write("patch", "/key-managers/{key_manager}", {"description": "x", "enabled": False, "leeway_s": 7}),
    Write("post", "/applications/{application}/mapped-keys", {"key_manager": "Keys", "key_type": "sandbox",
          "consumer_key": "phone"}),
    Write("post", "/sessions/{session}/close", {"code": 4000, "reason": "x"}),
    Write("post", "/sessions/close", {"api": "{api}", "application": "{application}", "person": "{person}",
          "client": "10.0.0.1", "key_type": "production", "code": 1008, "reason": "x"}),
    Write("post", "/roles", {"name": "guests", "description": "x", "alias_of": "subscriber"}),
    Write("patch", "/roles/{role}", {"description": "x", "alias_of": ""}),
    Write("post", "/api-categories", {"name": "Chat", "description": "x"}),
    Write("patch", "/api-categories/{category}", {"name": "Chats", "description": "x"}),
    Write("post", "/people", {"username": "nina", "password": "plays the oboe", "email": "n@example.com", "roles": []}),
    Write("patch", "/people/{person}", {"roles": ["creator"], "email": "n@example.com", "disabled": True}),
    Write("post", "/people/{person}/set-password", {"password": "plays the oboe"}),
]  # fmt: skip
OTHERS = {"/api/v1/tokens", "/api/v1/tickets"}  # other credentials
# Bodies that are documents of AsyncAPI, which may hold anything: test_rest_asyncapi_bodies.py.
OTHERS |= {"/api/v1/apis/{api_id}/asyncapi", "/api/v1/apis/import-asyncapi", "/api/v1/asyncapi/validate"}
NOT_OBJECTS = [[], [{}], "text", 7, None, True, 1.5]
WRONG = [None, True, 7, -1, 1.5, 10**40, "", "\u202e", " ", "x" * 30_000, "\x1f", [], [None], [[]], [7], ["x"] * 101,
         {}, {"a": 1}, [{"a": [1]}]]  # fmt: skip


@pytest.fixture
def world(monkeypatch, rest, adam, sam, actor, chat, phone, subscription):
    """adam's caller, who may do everything, and the ids that paths name."""
    monkeypatch.setattr(trying, "TRIALS", Attempts("many", limit=10_000))
    monkeypatch.setattr(comments, "SPEECH", Attempts("much", limit=10_000))
    keys.keys_generate(actor=actor(sam), application=phone, key_type="production")
    ids = {
        "api": chat.pk, "plan": chat.business_plans.first().pk, "application": phone.pk,
        "application_plan": phone.plan_id,
        "subscription": subscription.pk, "person": sam.pk,
        "shared": scopes.scope_create(actor=actor(adam), name="shared").pk,
        "local": scopes.scope_create(actor=actor(adam), name="local", api=chat).pk,
    }  # fmt: skip
    calm = plans.api_plan_create(actor=actor(adam), name="Calm")
    own = plans.custom_plan_create(actor=actor(adam), name="Own", key="{user}", limits=PLAN["limits"])
    ids |= {"api_plan": calm.pk, "custom_plan": own.pk, "approval": ask_for_subscription(actor(sam), subscription).pk}
    manager = key_managers.key_manager_create(
        actor=actor(adam), name="Keys", issuer="https://keys.example", jwks_url="https://keys.example/jwks"
    )
    ids["key_manager"] = manager.pk
    document = documents.document_create(actor=actor(adam), api=chat, name="Notes", content="x")
    comment = comments.comment_create(actor=actor(adam), api=chat, content="x")
    ids |= {"document": document.pk, "comment": comment.pk, "sample": "chat"}
    ids["role"] = custom_roles.role_create(actor=actor(adam), name="partners").pk
    ids["category"] = categories.category_create(actor=actor(adam), name="Live").pk
    policy = denying.deny_policy_create(actor=actor(adam), ip="10.0.0.1")
    ids |= {"deny_policy": policy.pk, "session": live_session(subscription).pk}
    return rest(adam), {name: str(key) for name, key in ids.items()}


def everything() -> dict[str, Any]:
    """Every row of every table."""
    rows = {}
    with connection.cursor() as cursor:
        for table in sorted(set(connection.introspection.table_names()) - TABLES_THAT_MAY_CHANGE):
            cursor.execute(f'SELECT * FROM "{table}"')
            rows[table] = cursor.fetchall()
    return rows


def send(world, write: Write, body: Any = None, raw: bytes | None = None):
    caller, ids = world
    text = json.dumps(body)
    for name in ("api", "application", "person"):
        text = text.replace(f"{{{name}}}", ids[name])
    filled = json.loads(text)
    return caller.send(write.method, write.path.format(**ids), filled, raw=raw)


def test_the_table_of_writes_is_complete():
    shapes = [(write.method, re.sub(r"\{\w+\}", r"[^/]+", write.path.split("?")[0])) for write in WRITES]
    for path, operations in Client().get("/api/v1/schema").json()["paths"].items():
        plain = re.sub(r"\{key_type\}", "production", re.sub(r"\{number\}", "1", path.removeprefix("/api/v1")))
        for method, operation in operations.items():
            bodies = operation.get("requestBody", {}).get("content", {})
            if "application/json" in bodies and path not in OTHERS:
                assert any(method == one and re.fullmatch(shape, plain) for one, shape in shapes), (method, path)


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write.method} {write.path}")
def test_the_table_of_writes_is_right(world, write):
    assert send(world, write, write.body).status in {200, 201, 202, 204, 409}


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write.method} {write.path}")
def test_wrong_bodies_are_refused_and_change_nothing(world, write):
    before = everything()
    raws = [json.dumps(body).encode() for body in NOT_OBJECTS]
    raws += [json.dumps({**write.body, "surprise": 1}).encode()]
    raws += [
        b"",
        b"{",
        b"\xff",
        b'{"a":NaN}',
        b'{"a":1,"a":1}',
        b'{"a":"\\u0000"}',
        b'{"a":"\\ud800"}',
        b'{"\\u0000":1}',
    ]
    raws += [b"[" * 100_000, b'{"a":' * 50 + b"1" + b"}" * 50, b'{"a":' + b"9" * 5000 + b"}", b" " * (1 << 20) + b"{}"]
    for raw in raws:
        without = ("block", "deploy", "revisions", "/test", "test-key", "}/close", "{sample}")
        if raw == b"" and write.path.endswith(without):
            continue  # these take no body for an empty one
        answer = send(world, write, raw=raw)
        assert 400 <= answer.status < 500, (raw[:50], answer.body)
        assert answer.headers["Content-Type"] == PROBLEM
    assert everything() == before


@pytest.mark.parametrize("write", WRITES, ids=lambda write: f"{write.method} {write.path}")
def test_wrong_values_are_refused_by_field_or_taken_whole(world, write, transaction_that_is_undone):
    """Each field gets every wrong type; what is refused names that field, and a 500 would raise here."""
    for name in write.body:
        for value in WRONG:
            with transaction_that_is_undone():
                before = everything()
                answer = send(world, write, {**write.body, name: value})
                if answer.status >= 300:
                    assert answer.status in {400, 404, 409}, (name, value, answer.body)
                    assert answer.headers["Content-Type"] == PROBLEM
                    assert everything() == before, (name, value)
                if answer.status == 400:
                    assert {one["pointer"].split("/")[1] for one in answer.body["errors"]} <= {name, *write.body}
                    assert any(one["pointer"].startswith(f"#/{name}") for one in answer.body["errors"]), answer.body


@pytest.fixture
def transaction_that_is_undone():
    from contextlib import contextmanager

    from django.db import transaction

    @contextmanager
    def undone():
        with transaction.atomic():
            yield
            transaction.set_rollback(True)

    return undone


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=40),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=10), inner, max_size=4),
    max_leaves=8,
)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_nothing_that_json_can_say_is_a_fault(world, transaction_that_is_undone, data):
    write = data.draw(st.sampled_from(WRITES))
    body = {**write.body, **{data.draw(st.sampled_from(sorted(write.body))): data.draw(JSON)}}
    with transaction_that_is_undone():
        answer = world[0].send(write.method, write.path.format(**world[1]), body)
        assert answer.status < 500


@pytest.mark.parametrize("content_type", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_a_body_that_is_not_json_is_415(world, content_type):
    caller, _ = world
    answer = caller.client.post("/api/v1/apis", b"name=x", content_type=content_type, headers=caller.headers)
    assert (answer.status_code, answer.headers["Content-Type"]) == (415, PROBLEM)


def test_other_content_and_methods_are_problem_documents_too(world):
    caller, _ = world
    caller.get("/apis", Accept="text/html").refused(406)
    for method, path in (
        ("put", "/apis"),
        ("delete", "/apis"),
        ("options", "/apis"),
        ("post", "/me"),
        ("patch", "/me"),
    ):
        answer = caller.send(method, path, {})
        answer.refused(405)
        assert "GET" in answer.headers["Allow"]


@pytest.mark.parametrize("path", ["/nothing", "/apis/", "/apis/x/y/z", "/APIs", "/%00", "/close", "/../admin"])
def test_unknown_addresses_are_problem_documents_for_everybody(rest, db, path):
    for method in ("get", "post", "put", "patch", "delete", "options"):
        rest().send(method, path).refused(404, "not_found")


def test_a_chunked_body_counts_as_a_body(rest, carol):
    raw, token = json.dumps(CHAT).encode(), rest(carol).headers["Authorization"]
    headers = {"authorization": token, "content-type": "application/json", "transfer-encoding": "chunked"}
    scope = {
        "type": "http", "method": "POST", "path": "/api/v1/apis", "query_string": b"",
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }  # fmt: skip
    answer = designs.Apis.as_view()(ASGIRequest(scope, io.BytesIO(raw)))
    assert answer.status_code == 201


def test_answers_are_kept_by_no_cache(rest, carol):
    assert rest(carol).get("/me").headers["Cache-Control"] == "no-store"
