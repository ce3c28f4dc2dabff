"""Whatever somebody sends gets a 4xx as a problem document, never a 500, and changes nothing."""

from __future__ import annotations

import io
import json
import re
from typing import Any

import pytest
from django.core.handlers.asgi import ASGIRequest
from django.db import connection
from django.test import Client
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from apis.models import Environment
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
from tests.apis.writes import PLAN, WRITES, Write
from tests.conftest import CHAT

TABLES_THAT_MAY_CHANGE = {"axes_accessattempt", "axes_accessfailurelog", "axes_accesslog"}

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
    ids["environment"] = Environment.objects.get(name="Default").pk
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
