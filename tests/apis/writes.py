"""A body that each operation of REST would take: what tests of bad input spoil, and what tests of rights send."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.conftest import CHAT


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
    Write("post", "/environments", {"name": "Europe", "description": "x", "host": "eu.example.com", "ws_port": 8080,
          "wss_port": 8443, "deploy_roles": ["publisher"],
          "vhosts": [{"host": "b.example.com", "ws_port": None, "wss_port": 8443, "description": "x"}]}),
    Write("patch", "/environments/{environment}", {"description": "x", "vhosts": [], "ws_port": 9099}),
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
    Write("post", "/subscriptions/bulk", {"action": "block", "what": "all",
          "subscriptions": ["7d2f4a0c-3f0e-4bb0-9d1d-2f6b1a1f9a10"]}),
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
