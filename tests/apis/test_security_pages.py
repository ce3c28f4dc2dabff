"""Security settings, test keys and API keys in the three portals, without script."""

from __future__ import annotations

import pytest

from apis.models import Api, ApiKey, Application, Deployment, Person, Subscription
from apis.permissions import Actor
from apis.services import api_keys, designs, publishing, securing
from apis.shapes_security import DEFAULT_SECURITY
from tests.apis import office
from tests.apis.browsing import Visit, at, copied, page, page_of, words

SETTINGS = {
    "schemes": ["oauth", "api_key"],
    "key_managers": ["Resident"],
    "query_credentials": "on",
    "origins": "https://app.example.com\r\n\r\n null ",
    "mask": "/card",
}


# Publisher portal ---------------------------------------------------------------------------------------------------


def test_carol_says_what_her_api_accepts_and_pia_reads_it(carol: Person, pia: Person, chat: Api) -> None:
    where = at(chat, "security/")
    assert "a change here takes effect at once" in Visit(carol).see(where).words
    shown = Visit(carol).do(where, **SETTINGS)
    assert "The security settings are saved." in shown.words
    chat.refresh_from_db()
    assert (
        chat.security
        == Deployment.objects.get(api=chat).design["security"]
        == {
            **DEFAULT_SECURITY,
            "schemes": ["oauth", "api_key"],
            "key_managers": ["Resident"],
            "query_credentials": True,
            "origins": ["https://app.example.com", "null"],
            "mask": ["/card"],
        }
    )
    told = (
        "Access tokens (OAuth 2.0) or API keys Tokens of Resident only Also in the address Browsers from 2 pages only"
    )
    assert told in Visit(pia).see(at(chat)).words
    read = Visit(pia).see(where)
    assert "https://app.example.com" in read.words
    assert "Save" not in read.buttons
    assert Visit(pia).send(where, **SETTINGS).status == 403
    assert "Set how it is protected" in Visit(pia).see(at(chat, "history/")).words


def test_each_bad_setting_is_told_beside_its_field_and_what_was_typed_stays(carol: Person, chat: Api) -> None:
    bad = {"schemes": [], "origins": "https://App.example.com/", "mask": "card", "key_managers": ["Resident"]}
    shown = Visit(carol).send(at(chat, "security/"), **bad)
    assert shown.status == 400
    assert "at least one of: oauth, api_key" in shown.words
    assert "is not an origin" in shown.words
    assert "is not a JSON pointer" in shown.words
    assert "https://App.example.com/" in shown.words
    chat.refresh_from_db()
    assert chat.security == DEFAULT_SECURITY


def test_a_key_manager_that_nobody_knows_cannot_be_ticked(carol: Person, chat: Api) -> None:
    assert Visit(carol).send(at(chat, "security/"), **SETTINGS | {"key_managers": ["Nowhere"]}).status == 400


def test_pia_makes_a_test_key_and_gets_a_line_to_copy(pia: Person, chat: Api) -> None:
    shown = Visit(pia).send(at(chat, "test-key/"), key_type="sandbox")
    key = copied(shown.response, "test-key-text")
    assert key.startswith("wst_")
    assert copied(shown.response, "test-line-1") == f"wscat -c 'ws://localhost:9099/chat/1.0.0' -H 'ApiKey: {key}'"
    assert "Shown only now" in shown.words
    assert shown.response.headers["Cache-Control"].startswith("max-age=0")
    assert key not in Visit(pia).see(at(chat, "security/")).words
    assert chat.test_keys.get().key_type == "sandbox"


def test_an_api_that_is_not_deployed_says_so_instead(paul: Person, chat: Api) -> None:
    publishing.revision_undeploy(actor=Actor.of(paul), revision=chat.revisions.get())
    assert "Nothing is deployed yet." in Visit(paul).see(at(chat, "security/")).words
    shown = Visit(paul).send(at(chat, "test-key/"), key_type="production")
    assert shown.status == 409
    assert "not deployed" in shown.words


def test_the_overview_says_where_no_subscription_is_needed(paul: Person, chat: Api) -> None:
    assert "Subscription Needed" in Visit(paul).see(at(chat)).words
    designs.api_update(actor=Actor.of(paul), api=chat, business_plans=["Subscriptionless"])
    assert "Not needed: any application may use it" in Visit(paul).see(at(chat)).words


# Developer portal ---------------------------------------------------------------------------------------------------


def test_sam_makes_an_api_key_and_sees_it_once(
    sam: Person, paul: Person, phone: Application, subscription: Subscription, chat: Api
) -> None:
    where = page(phone, "api-keys")
    assert "No API key yet." in Visit(sam).see(where).words
    shown = Visit(sam).send(
        where, key_type="sandbox", expires_in="30", permitted_ips=" 192.0.2.0/24\r\n\r\n2001:db8::1"
    )
    key = copied(shown.response, "api-key")
    assert "No API that this application is subscribed to accepts API keys" in shown.words
    row = ApiKey.objects.get()
    assert (row.key_type, row.permitted_ips, key[-4:]) == ("sandbox", ["192.0.2.0/24", "2001:db8::1"], row.hint)
    again = Visit(sam).see(where)
    assert key not in again.words
    assert f"…{row.hint}" in again.words
    assert f"…{row.hint} sandbox not used yet" in Visit(sam).see(page(phone)).words
    securing.security_configure(actor=Actor.of(paul), api=chat, settings={"schemes": ["api_key"]})
    shown = Visit(sam).send(where, key_type="production", expires_in="")
    key = copied(shown.response, "api-key")
    assert copied(shown.response, "key-wscat-0") == f"wscat -c 'ws://localhost:9099/chat/1.0.0' -H 'ApiKey: {key}'"


def test_an_api_that_accepts_keys_only_leads_to_them(
    sam: Person, paul: Person, phone: Application, subscription: Subscription, chat: Api
) -> None:
    securing.security_configure(actor=Actor.of(paul), api=chat, settings={"schemes": ["api_key"]})
    shown = Visit(sam).see(page_of(chat))
    assert "API key Make an API key." in shown.words
    assert "Get a token" not in shown.words
    row, _ = api_keys.api_key_create(actor=Actor.of(sam), application=phone, key_type="production")
    shown = Visit(sam).see(page_of(chat))
    assert f"API key (done) …{row.hint}" in shown.words
    assert copied(shown.response, "wscat-0") == "wscat -c 'ws://localhost:9099/chat/1.0.0' -H 'ApiKey: API_KEY'"


def test_an_api_that_needs_no_subscription_says_so(sam: Person, paul: Person, phone: Application, chat: Api) -> None:
    designs.api_update(actor=Actor.of(paul), api=chat, business_plans=["Bronze", "Subscriptionless"])
    assert "any application may use this API under the plan Subscriptionless" in Visit().see(page_of(chat)).words
    assert "Subscribe (done) Not needed: Subscriptionless" in Visit(sam).see(page_of(chat)).words


def test_what_is_wrong_with_a_wish_is_told_by_its_line(sam: Person, phone: Application) -> None:
    shown = Visit(sam).send(page(phone, "api-keys"), permitted_ips="192.0.2.1\r\nhome", permitted_referers="a b")
    assert shown.status == 400
    assert "Line 2: 'home' is not an IP address" in shown.words
    assert "Line 1: 'a b' should look like" in shown.words
    assert not ApiKey.objects.exists()


def test_sam_revokes_a_key_after_being_asked(sam: Person, phone: Application) -> None:
    row, _ = api_keys.api_key_create(actor=Actor.of(sam), application=phone, key_type="production")
    where = page(phone, f"api-keys/{row.pk}/revoke")
    assert f"Revoke the key that ends in {row.hint}?" in Visit(sam).see(where).words
    assert "is revoked" in Visit(sam).do(where).words
    row.refresh_from_db()
    assert row.state == "revoked"
    assert "revoked already" in Visit(sam).do(where).words


@pytest.mark.parametrize("name", ["eve", "vic", "paul"])
def test_keys_of_an_application_are_nobody_elses_business(
    people: dict[str, Person], phone: Application, name: str
) -> None:
    row, _ = api_keys.api_key_create(actor=Actor.of(people["sam"]), application=phone, key_type="production")
    for tail in ("api-keys", f"api-keys/{row.pk}/revoke"):
        assert Visit(people[name]).see(page(phone, tail)).status in {403, 404}
        assert Visit(people[name]).send(page(phone, tail)).status in {403, 404}
    row.refresh_from_db()
    assert row.state == "active"


# Administration -----------------------------------------------------------------------------------------------------


def test_the_administration_sets_how_an_api_is_protected(carol: Person, pia: Person, chat: Api) -> None:
    desk = office.desk(carol)
    assert "Access tokens (OAuth 2.0)" in words(desk.open(office.at(chat)))
    where = office.at(chat, "security")
    done = desk.done(desk.press(where, schemes=["api_key"], origins="https://app.example.com"))
    assert "The security settings of Chat 1.0.0 were saved." in done
    assert "Browsers from 1 page only" in done
    chat.refresh_from_db()
    assert (chat.security["schemes"], chat.security["origins"]) == (["api_key"], ["https://app.example.com"])
    assert list(desk.refused(desk.press(where, schemes=None, origins="nowhere"))) == ["schemes", "origins"]
    assert office.desk(pia).client.get(where).status_code == 403


def test_the_administration_makes_a_test_key_and_shows_it_once(pia: Person, chat: Api) -> None:
    made = office.desk(pia).press(office.at(chat, "test-key"), key_type="sandbox")
    key = made.context["values"]["Test key"]
    assert key.startswith("wst_")
    assert "no-store" in made.headers["Cache-Control"]
    assert chat.test_keys.get().key_type == "sandbox"


def test_adam_makes_and_revokes_an_api_key_of_somebody(adam: Person, phone: Application) -> None:
    desk = office.desk(adam)
    made = desk.press(office.at(phone, "api-key"), key_type="sandbox", permitted_ips="192.0.2.1")
    key = made.context["values"]["API key"]
    row = ApiKey.objects.get()
    assert (row.key_type, row.permitted_ips, row.expires_at) == ("sandbox", ["192.0.2.1"], None)
    listed = words(desk.open(office.at(phone)))
    assert f"…{row.hint}" in listed
    assert key not in listed
    done = desk.done(desk.press(office.at(phone, "api-key-revoke", row.pk)))
    assert f"The API key that ends in {row.hint} was revoked." in done
    refused = desk.refused(desk.press(office.at(phone, "api-key"), permitted_ips="home", expires_in="0"))
    assert set(refused) == {"permitted_ips", "expires_in"}
