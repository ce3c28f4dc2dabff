"""The dialog behind the cogwheel: security, headers, TLS, proxy and dynamic targets; what is secret stays so."""

from __future__ import annotations

from typing import Any

import pytest

from apis import sealing
from apis.models import Api, Person
from apis.publisher.endpoint_form import CHOOSER_LABELS, GRANT_LABELS, SECURITY_FIELDS
from apis.shapes_upstream import CHOSEN_BY
from apis.shapes_upstream_security import GRANTS, SECURITY_CHECKS
from tests.apis.browsing import YES, Visit, at
from tests.core.certificates import CA, CERTIFICATE, KEY, OTHER_KEY

PLAIN: dict[str, Any] = {
    "url": ["ws://127.0.0.1:9"], "weight": ["1"], "strategy": "round_robin", "connect_ms": "500", "handshake_ms": "500",
    "idle_s": "0", "action": "next", "failures": ["connect_failed"], "initial_ms": "1000", "max_ms": "1000",
    "factor": "1", "retries": "0", "retry_delay_ms": "0", "security_type": "none", "dynamic_by": "none",
}  # fmt: skip
BASIC = {"security_type": "basic", "login_username": "us", "login_password": "open sesame"}
OAUTH2 = {
    "security_type": "oauth2", "oauth2_grant": "client_credentials", "oauth2_client_id": "us",
    "oauth2_token_url": "https://idp.example.com/token", "oauth2_client_secret": "shibboleth", "oauth2_scopes": "a, b",
}  # fmt: skip
EVERYTHING = {
    **PLAIN, **BASIC, "action": "refuse", "header_name": ["X-Tenant", "", "X-B"], "header_value": ["blue", "", "b"],
    "tls_ca": CA.replace("\n", "\r\n"), "tls_server_name": "backend.internal", "tls_unverified": "on",
    "proxy_url": "http://127.0.0.1:9", "proxy_username": "u", "proxy_password": "winkle",
    "proxy_except": "*.internal, 10.0.0.0/8", "dynamic_by": "header", "dynamic_name": "X-Region",
    "target_value": ["eu", ""], "target_url": ["ws://127.0.0.1:10", ""],
}  # fmt: skip
HERE = "endpoints/production/"


def config_of(api: Api, key_type: str = "production") -> dict[str, Any]:
    return api.endpoints.get(key_type=key_type).config


def test_the_whole_dialog_is_stored_and_shown_again_without_its_secrets(carol: Person, chat: Api) -> None:
    Visit(carol).do(at(chat, HERE), **EVERYTHING)
    config = config_of(chat)
    assert sealing.unseal(config["security"].pop("password")) == "open sesame"
    assert sealing.unseal(config["proxy"].pop("password")) == "winkle"
    assert config["security"] == {"type": "basic", "username": "us"}
    assert config["headers"] == {"X-Tenant": "blue", "X-B": "b"}
    assert config["tls"] == {"verify": False, "ca": CA, "server_name": "backend.internal"}
    assert config["proxy"] == {"url": "http://127.0.0.1:9", "username": "u", "except": ["*.internal", "10.0.0.0/8"]}
    assert config["dynamic"] == {"by": "header", "name": "X-Region", "targets": {"eu": "ws://127.0.0.1:10"}}
    assert config["timeouts"]["action"] == "refuse"
    shown = Visit(carol).see(at(chat, HERE))
    for name, value in {"login_username": "us", "proxy_url": "http://127.0.0.1:9", "dynamic_name": "X-Region",
                        "target_value": "eu", "header_name": "X-Tenant", "header_value": "blue"}.items():  # fmt: skip
        assert shown.value(name) == value
    assert (shown.value("login_password"), shown.value("proxy_password")) == ("", "")
    assert shown.html.count("set – leave empty to keep") == 2
    for page in ("endpoints/", HERE, "history/"):
        seen = Visit(carol).see(at(chat, page)).html
        assert not any(text in seen for text in ("open sesame", "winkle", sealing.PREFIX)), page


def test_an_empty_secret_keeps_what_is_stored_and_a_box_removes_it(carol: Person, chat: Api) -> None:
    Visit(carol).do(at(chat, HERE), **PLAIN | BASIC)
    before = config_of(chat)["security"]["password"]
    Visit(carol).do(at(chat, HERE), **PLAIN | BASIC | {"login_password": "", "login_username": "we"})
    assert config_of(chat)["security"] == {"type": "basic", "username": "we", "password": before}
    Visit(carol).do(at(chat, HERE), **PLAIN | BASIC | {"login_password": "", "clear": ["security/password"]})
    assert config_of(chat)["security"]["password"] == ""
    assert "Remove what is stored" not in Visit(carol).see(at(chat, HERE)).words


@pytest.mark.parametrize("script", [False, True])
def test_problems_stand_beside_their_fields_and_only_secrets_are_lost(carol: Person, chat: Api, script: bool) -> None:
    typed = PLAIN | OAUTH2 | {
        "oauth2_token_url": "ftp://idp", "tls_ca": "-----nothing", "proxy_url": "https://proxy", "dynamic_by": "claim",
        "header_name": ["X Y", "X-A", "Host"], "header_value": ["1", "", "3"], "target_value": ["eu"],
        "target_url": ["http://eu"],
    }  # fmt: skip
    shown = Visit(carol).send(at(chat, HERE), script=script, **typed)
    assert shown.status == 400
    assert "it must start with https:// or http://" in shown.beside("oauth2_token_url")
    assert "certificate in PEM" in shown.beside("tls_ca")
    assert "it must start with http://" in shown.beside("proxy_url")
    assert "name of a claim" in shown.beside("dynamic_name")
    for told in ("Host belongs to the connection", "A header's name is", "must start with ws:// or wss://"):
        assert told in shown.words
    assert shown.beside("oauth2_client_id") == ""
    for name in ("oauth2_client_id", "oauth2_token_url", "oauth2_scopes", "proxy_url"):
        assert shown.value(name) == typed[name]
    assert 'value="X Y"' in shown.html
    assert "-----nothing" in shown.html
    assert "shibboleth" not in shown.html
    assert "must be typed again" in shown.words
    assert config_of(chat)["security"] == {"type": "none"}


def test_a_header_that_is_named_twice_is_said_beside_the_second(carol: Person, chat: Api) -> None:
    typed = PLAIN | {"header_name": ["X-A", "x-a"], "header_value": ["1", "2"]}
    shown = Visit(carol).send(at(chat, HERE), **typed)
    assert shown.status == 400
    assert "This is named twice." in shown.words


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("digest", {"login_username": "us", "login_password": "p"}),
        ("bearer", {"bearer_token": "abc"}),
        ("oauth2", {name: value for name, value in OAUTH2.items() if name != "security_type"}),
        ("oauth2", {**OAUTH2, "oauth2_grant": "password", "oauth2_username": "u", "oauth2_password": "p"}),
        ("api_key", {"api_key_in": "query", "api_key_name": "key", "api_key_value": "v"}),
        ("mtls", {"mtls_certificate": CERTIFICATE.replace("\n", "\r\n"), "mtls_key": KEY.replace("\n", "\r\n")}),
    ],
)
def test_each_type_of_security_can_be_chosen_and_kept(
    carol: Person, chat: Api, kind: str, fields: dict[str, Any]
) -> None:
    Visit(carol).do(at(chat, HERE), **PLAIN | fields | {"security_type": kind})
    before = config_of(chat)
    assert before["security"]["type"] == kind
    secrets = {"login_password", "bearer_token", "oauth2_client_secret", "oauth2_password", "api_key_value", "mtls_key"}
    again = {name: "" if name in secrets else value for name, value in fields.items()}
    Visit(carol).do(at(chat, HERE), **PLAIN | again | {"security_type": kind})
    assert config_of(chat) == before


def test_a_key_that_does_not_fit_is_said_beside_it(carol: Person, chat: Api) -> None:
    typed = PLAIN | {"security_type": "mtls", "mtls_certificate": CERTIFICATE, "mtls_key": OTHER_KEY}
    shown = Visit(carol).send(at(chat, HERE), **typed)
    assert shown.beside("mtls_key") == "This key does not belong to the certificate."
    assert "PRIVATE KEY-----\n" not in shown.html.replace('placeholder="-----BEGIN PRIVATE KEY-----"', "")


def test_the_dialog_has_a_field_for_every_member_of_every_type() -> None:
    assert {kind: set(fields) for kind, fields in SECURITY_FIELDS.items()} == {
        kind: set(checks) for kind, checks in SECURITY_CHECKS.items()
    }
    assert (tuple(GRANT_LABELS), tuple(CHOOSER_LABELS)) == (GRANTS, CHOSEN_BY)


def test_the_url_beside_the_cogwheel_and_same_as_keep_secrets(carol: Person, chat: Api) -> None:
    Visit(carol).do(at(chat, HERE), **PLAIN | BASIC)
    Visit(carol).do(at(chat, "endpoints/"), key_type="production", url="ws://two.example.com")
    assert sealing.unseal(config_of(chat)["security"]["password"]) == "open sesame"
    Visit(carol).do(at(chat, "endpoints/"), key_type="sandbox", copy="production")
    assert config_of(chat, "sandbox") == config_of(chat)


def test_an_endpoint_is_removed_after_a_question_and_never_the_one_that_is_needed(carol: Person, chat: Api) -> None:
    asked = Visit(carol).send(at(chat, "endpoints/sandbox/remove"))
    assert asked.status == 200
    assert "Remove the sandbox endpoint?" in asked.words
    Visit(carol).do(at(chat, "endpoints/sandbox/remove"), **YES)
    assert [row.key_type for row in chat.endpoints.all()] == ["production"]
    refused = Visit(carol).send(at(chat, "endpoints/production/remove"), **YES)
    assert refused.status == 409
    assert "nobody could connect" in refused.words
    assert Visit(carol).send(at(chat, "endpoints/sandbox/remove"), **YES).status == 404


# Test endpoint ----------------------------------------------------------------------------------------------------


def test_the_button_tries_what_is_stored(carol: Person, chat: Api) -> None:
    Visit(carol).do(at(chat, HERE), **PLAIN)
    shown = Visit(carol).send(at(chat, "endpoints/production/test"), script=True)
    assert shown.status == 200
    assert "nothing listens there" in shown.words
    assert "<html" not in shown.html
    page = Visit(carol).send(at(chat, "endpoints/production/test"))
    assert "Back to the endpoints" in page.buttons
    assert "nothing listens there" in page.words


@pytest.mark.parametrize("script", [False, True])
def test_the_button_of_the_dialog_tries_what_is_typed_and_saves_nothing(carol: Person, chat: Api, script: bool) -> None:
    before = config_of(chat)
    shown = Visit(carol).send(at(chat, "endpoints/production/test"), script=script, **PLAIN | {"connect_ms": "321"})
    assert "127.0.0.1:9 refuses connections" in shown.words
    assert config_of(chat) == before
    if not script:
        assert shown.value("connect_ms") == "321"


def test_what_is_not_valid_is_not_tried(carol: Person, chat: Api) -> None:
    shown = Visit(carol).send(at(chat, "endpoints/production/test"), script=True, **PLAIN | {"connect_ms": "soon"})
    assert "Nothing was tried." in shown.words
    assert "timeouts/connect_ms : This should be a whole number" in shown.words
    odd = PLAIN | {"subprotocols": "a b,\r\nc;"}
    assert "Nothing was tried." in Visit(carol).send(at(chat, "endpoints/production/test"), **odd).words


def test_a_stored_secret_is_not_shown_to_another_address_than_its_own(carol: Person, chat: Api) -> None:
    Visit(carol).do(at(chat, HERE), **PLAIN | BASIC)
    kept = PLAIN | BASIC | {"login_password": ""}
    here = Visit(carol).send(at(chat, "endpoints/production/test"), script=True, **kept)
    assert "refuses connections" in here.words
    there = Visit(carol).send(at(chat, "endpoints/production/test"), script=True, **kept | {"url": "ws://127.0.0.1:10"})
    assert "security/password : To try what is stored at another address, give it again" in there.words
    typed = PLAIN | BASIC | {"url": "ws://127.0.0.1:10"}
    assert "refuses" in Visit(carol).send(at(chat, "endpoints/production/test"), script=True, **typed).words


def test_only_creators_test_and_only_so_often(people: dict[str, Person], chat: Api) -> None:
    where = at(chat, "endpoints/production/test")
    assert Visit(people["pia"]).send(where).status == 403
    assert Visit(people["pia"]).send(where, **PLAIN).status == 403
    assert Visit(people["carol"]).send(at(chat, "endpoints/staging/test"), **PLAIN).status == 404
    visit = Visit(people["carol"])
    Visit(people["carol"]).do(at(chat, HERE), **PLAIN)
    answers = [visit.send(where, script=True).words for _ in range(13)]
    assert all("refuses connections" in words for words in answers[:12])
    assert "At most 12 tests a minute" in answers[12]


def test_the_test_over_rest(rest: Any, people: dict[str, Person], chat: Api) -> None:
    where = f"/apis/{chat.pk}/endpoints/production/test"
    carol = rest(people["carol"])
    body = {"urls": [{"url": "ws://127.0.0.1:9"}]}
    answer = carol.post(where, body).ok()
    assert answer["ok"] is False
    assert [step["name"] for step in answer["urls"][0]["steps"]] == ["dns", "tcp"]
    assert "nothing listens" in answer["urls"][0]["problem"]
    carol.post(where, {**body, "timeouts": {"connect_ms": 0}}).refused(400)
    carol.post(f"{where}?subprotocols=a;b", body).refused(400)
    rest(people["pia"]).post(where, body).refused(403)
    carol.post(f"/apis/{chat.pk}/endpoints/staging/test", body).refused(404)
    for _ in range(11):
        carol.post(where, body).ok()
    limited = carol.post(where, body)
    limited.refused(429, "throttled")
    assert 0 < int(limited.headers["Retry-After"]) <= 60
