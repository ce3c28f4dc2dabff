"""Designing APIs through REST."""

from __future__ import annotations

from tests.conftest import CHAT


def test_carol_creates_an_api_and_gets_the_whole_object(rest, carol):
    answer = rest(carol).post("/apis", {**CHAT, "tags": ["talk"], "description": "Rooms."})
    api = answer.ok(201)
    assert api["state"] == "created"
    assert api["provider"] == "carol"
    assert api["path"] == "/chat/1.0.0"
    assert api["endpoint"] == CHAT["endpoint"]
    assert api["business_plans"] == ["Bronze", "Unlimited"]
    assert api["gateway_urls"] == ["ws://localhost:9099/chat/1.0.0", "wss://localhost:8099/chat/1.0.0"]
    assert api["deployments"] == []
    assert answer.headers["Location"] == f"/api/v1/apis/{api['id']}"
    assert rest(carol).get(f"/apis/{api['id']}").ok() == api
