"""carol and programs configure endpoints: secrets go in, stay sealed, and never come out."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apis import sealing
from apis.models import Api, Endpoint
from apis.services import publishing
from apis.shapes_endpoint import DEFAULT_SUSPENSION, DEFAULT_TIMEOUTS, DEFAULTS
from apis.shapes_upstream import DEFAULT_DYNAMIC, DEFAULT_PROXY, DEFAULT_TLS
from apis.shapes_upstream_security import SECURITY_CHECKS
from tests.apis.test_rest_bad_input import everything
from tests.core.certificates import CERTIFICATE, KEY, OTHER_KEY

URL = {"url": "wss://new.example.com"}
BASIC = {"type": "basic", "username": "us", "password": "open sesame"}
OAUTH2 = {
    "type": "oauth2", "grant": "client_credentials", "token_url": "https://idp.example.com/token",
    "client_id": "us", "client_secret": "shibboleth", "scopes": ["chat"],
}  # fmt: skip
PROXY = {"url": "http://proxy.example.com:3128", "username": "u", "password": "winkle", "except": ["*.internal"]}


def where(api: Api, key_type: str = "production") -> str:
    return f"/apis/{api.pk}/endpoints/{key_type}"


def stored(api: Api, key_type: str = "production") -> dict[str, Any]:
    return Endpoint.objects.get(api=api, key_type=key_type).config


def test_a_secret_is_stored_sealed_and_answered_as_null(rest, carol, chat):
    body = {"urls": [URL], "security": OAUTH2, "proxy": PROXY}
    done = rest(carol).put(where(chat), body).ok()
    assert done["security"] == {**OAUTH2, "client_secret": None, "username": "", "password": None}
    assert done["proxy"] == {**PROXY, "password": None}
    assert done["secrets_set"] == ["security/client_secret", "proxy/password"]
    assert rest(carol).get(where(chat)).ok() == done
    config = stored(chat)
    assert sealing.unseal(config["security"]["client_secret"]) == "shibboleth"
    assert sealing.unseal(config["proxy"]["password"]) == "winkle"
    assert chat.deployments.get().design["endpoints"]["production"] == config


def test_no_secret_is_in_the_clear_in_any_table_nor_sealed_in_any_answer(rest, paul, carol, chat):
    rest(carol).put(where(chat), {"urls": [URL], "security": BASIC, "proxy": PROXY}).ok()
    publishing.revision_create(actor=_actor(paul), api=chat)
    rows = json.dumps(everything(), default=str)
    assert "open sesame" not in rows
    assert "winkle" not in rows
    newest = rest(paul).get(f"/apis/{chat.pk}/revisions").ok()["results"][0]["number"]
    revision = rest(paul).get(f"/apis/{chat.pk}/revisions/{newest}").ok()
    assert revision["design"]["endpoints"]["production"]["secrets_set"] == ["security/password", "proxy/password"]
    for answer in (revision, rest(carol).get(f"/apis/{chat.pk}/history").ok(), rest(carol).get(where(chat)).ok()):
        assert sealing.PREFIX not in json.dumps(answer)
    entry = rest(carol).get(f"/apis/{chat.pk}/history").ok()["results"][1]
    assert (entry["action"], entry["detail"]["secrets_changed"]) == (
        "endpoint",
        ["proxy/password", "security/password"],
    )


def _actor(person: Any) -> Any:
    from apis.permissions import Actor

    return Actor.of(person)


@pytest.mark.parametrize("password", [{}, {"password": None}])
def test_a_secret_that_is_left_out_stays(rest, carol, chat, password):
    rest(carol).put(where(chat), {"urls": [URL], "security": BASIC}).ok()
    before = stored(chat)["security"]["password"]
    security = {"type": "basic", "username": "we", **password}
    done = rest(carol).put(where(chat), {"urls": [URL], "security": security}).ok()
    assert (done["security"]["username"], done["secrets_set"]) == ("we", ["security/password"])
    assert stored(chat)["security"]["password"] == before


def test_what_was_answered_can_be_sent_back_as_it_is(rest, carol, chat):
    rest(carol).put(where(chat), {"urls": [URL], "security": BASIC, "proxy": PROXY}).ok()
    before = stored(chat)
    answer = rest(carol).get(where(chat)).ok()
    assert rest(carol).put(where(chat), answer).ok() == answer
    assert stored(chat) == before


def test_an_empty_secret_is_cleared_and_another_type_forgets_it(rest, carol, chat):
    rest(carol).put(where(chat), {"urls": [URL], "security": BASIC}).ok()
    cleared = rest(carol).put(where(chat), {"urls": [URL], "security": {**BASIC, "password": ""}}).ok()
    assert cleared["secrets_set"] == []
    rest(carol).put(where(chat), {"urls": [URL], "security": BASIC}).ok()
    digest = {"type": "digest", "username": "us", "password": None}
    assert rest(carol).put(where(chat), {"urls": [URL], "security": digest}).ok()["secrets_set"] == []
    assert rest(carol).put(where(chat), {"urls": [URL]}).ok()["security"] == {"type": "none"}


def test_a_proxy_without_its_user_has_no_password_any_more(rest, carol, chat):
    rest(carol).put(where(chat), {"urls": [URL], "proxy": PROXY}).ok()
    proxy = {"url": "http://proxy.example.com:3128"}
    assert rest(carol).put(where(chat), {"urls": [URL], "proxy": proxy}).ok()["secrets_set"] == []


def test_a_stored_key_must_belong_to_the_certificate_that_is_sent_now(rest, carol, chat):
    pair = {"type": "mtls", "certificate": CERTIFICATE, "key": KEY}
    rest(carol).put(where(chat), {"urls": [URL], "security": {**pair, "key": OTHER_KEY}}).refused(400)
    rest(carol).put(where(chat), {"urls": [URL], "security": pair}).ok()
    assert rest(carol).put(where(chat), {"urls": [URL], "security": {**pair, "key": None}}).ok()["secrets_set"]
    from tests.core.certificates import CA

    errors = rest(carol).put(where(chat), {"urls": [URL], "security": {**pair, "certificate": CA, "key": None}})
    assert errors.refused(400) == {"#/security/key": "This key does not belong to the certificate."}


def test_a_text_that_looks_sealed_is_a_secret_like_any_other(rest, carol, chat):
    trick = sealing.seal("somebody else's")
    rest(carol).put(where(chat), {"urls": [URL], "security": {**BASIC, "password": trick}}).ok()
    assert sealing.unseal(stored(chat)["security"]["password"]) == trick


def test_each_problem_is_pointed_at_and_no_problem_repeats_a_secret(rest, carol, chat):
    bad = {
        "urls": [URL], "security": {**OAUTH2, "token_url": "ftp://x", "client_secret": "shib\nboleth"},
        "headers": {"X Y": "a", "Host": "b", "X/Y": "c"}, "tls": {"ca": "no"},
        "proxy": {**PROXY, "url": "https://proxy"}, "dynamic": {"by": "header", "targets": {"a/b": "http://x"}},
    }  # fmt: skip
    answer = rest(carol).put(where(chat), bad)
    assert answer.refused(400).keys() == {
        "#/security/token_url", "#/security/client_secret", "#/headers/X%20Y", "#/headers/Host", "#/headers/X~1Y",
        "#/tls/ca", "#/proxy/url", "#/dynamic/targets/a~1b", "#/dynamic/name",
    }  # fmt: skip
    assert "boleth" not in json.dumps(answer.body)


def test_addresses_that_must_not_be_dialled_are_refused_wherever_they_are_entered(rest, carol, chat, settings):
    settings.ALLOWED_UPSTREAM_NETWORKS = ()
    body = {
        "urls": [{"url": "ws://10.0.0.1"}], "security": {**OAUTH2, "token_url": "http://169.254.169.254/token"},
        "proxy": {**PROXY, "url": "http://127.0.0.1:3128"},
        "dynamic": {"by": "claim", "name": "region", "targets": {"eu": "ws://[::1]", "us": "ws://0x7f.1"}},
    }  # fmt: skip
    assert rest(carol).put(where(chat), body).refused(400).keys() == {
        "#/urls/0/url", "#/security/token_url", "#/proxy/url", "#/dynamic/targets/eu", "#/dynamic/targets/us",
    }  # fmt: skip
    names = {
        "urls": [{"url": "ws://not-there.example"}], "security": {**OAUTH2, "token_url": "https://nor-there.example"},
        "proxy": {**PROXY, "url": "http://neither.example:3128"},
    }  # fmt: skip
    rest(carol).put(where(chat), names).ok()


# Taking one away --------------------------------------------------------------------------------------------------


def test_the_sandbox_endpoint_of_a_deployed_api_can_be_taken_away_and_the_production_one_cannot(rest, carol, chat):
    rest(carol).delete(where(chat, "sandbox")).ok(204)
    rest(carol).get(where(chat, "sandbox")).refused(404)
    rest(carol).delete(where(chat, "sandbox")).refused(404)
    assert set(chat.deployments.get().design["endpoints"]) == {"production"}
    answer = rest(carol).delete(where(chat))
    answer.refused(409, "endpoint_needed")
    assert "nobody could connect" in answer.body["detail"]
    assert rest(carol).get(where(chat)).ok()["urls"]
    assert rest(carol).get(f"/apis/{chat.pk}/history").ok()["results"][0]["action"] == "endpoint_remove"


def test_both_endpoints_of_a_draft_can_be_taken_away_by_those_who_design(rest, people, draft):
    for key_type in ("production", "sandbox"):
        rest(people["carol"]).put(where(draft, key_type), {"urls": [URL]}).ok()
    for name, status in {"pia": 403, "sam": 404, "carol": 204, "adam": 404}.items():
        assert rest(people[name]).delete(where(draft)).status == status, name
    rest(people["carol"]).delete(where(draft, "sandbox")).ok(204)
    assert rest(people["carol"]).get(f"/apis/{draft.pk}").ok()["endpoint"] is None
    rest(people["carol"]).delete(where(draft, "staging")).refused(404)


def test_the_schema_names_every_member_that_the_service_knows(rest):
    schemas = rest().get("/schema").ok()["components"]["schemas"]
    security = {member for checks in SECURITY_CHECKS.values() for member in checks} | {"type"}
    assert set(schemas["EndpointSecurity"]["properties"]) == security
    assert set(schemas["EndpointConfig"]["properties"]) == {*DEFAULTS, "secrets_set"}
    parts = {"Timeouts": DEFAULT_TIMEOUTS, "Suspension": DEFAULT_SUSPENSION, "Tls": DEFAULT_TLS, "Proxy": DEFAULT_PROXY,
             "Dynamic": DEFAULT_DYNAMIC}  # fmt: skip
    for name, defaults in parts.items():
        assert set(schemas[f"Endpoint{name}"]["properties"]) == set(defaults), name
