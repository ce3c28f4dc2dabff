"""Who sees an API: every kind of person at every place that lists, shows or writes one.

`hidden` is paul's: its design is for the role finance, the developer portal shows it to partners. carol creates and
does not hold finance; pia publishes and does; sam subscribes and is a partner; eve subscribes and is not.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis import selectors
from apis.errors import Missing
from apis.models import Api, Application, Person, Scope, Subscription
from apis.permissions import Actor, can_see_api, can_see_offer, designs_for, offers_for
from apis.selectors_credentials import scopes_on_offer
from apis.services import api_keys, custom_roles, designs, publishing, scopes, subscribing, topics
from apis.services.people import digest_of, person_update
from gateway.api_keys import TestKeys
from gateway.live import sessions_visible
from gateway.statements import terms_get
from tests.apis.browsing import Visit, at, page, page_of
from tests.apis.connected import live_session
from tests.apis.office import at as office_at
from tests.apis.office import desk
from tests.conftest import CHAT

DESIGN = {"paul", "pia", "adam"}  # who sees the design
OFFER = DESIGN | {"sam"}  # who sees it in the developer portal
EVERYBODY = ("carol", "pia", "paul", "sam", "eve", "vic", "adam")
PUBLISHER_PAGES = (
    "", "info/", "business/", "properties/", "plans/", "topics/", "scopes/", "endpoints/", "security/", "runtime/",
    "deployments/", "lifecycle/", "history/",
)  # fmt: skip


@pytest.fixture
def hidden(people: dict[str, Person]) -> Api:
    actor = Actor.of(people["adam"])
    for role in ("finance", "partners"):
        custom_roles.role_create(actor=actor, name=role)
    person_update(actor=actor, person=people["pia"], roles=["publisher", "finance"])
    person_update(actor=actor, person=people["sam"], roles=["subscriber", "partners"])
    api = publishing.api_create_and_publish(actor=Actor.of(people["paul"]), **CHAT)
    return designs.api_update(actor=actor, api=api, access_roles=["finance"], visible_roles=["partners"])


@pytest.fixture
def subscribed(people: dict[str, Person], hidden: Api, phone: Application) -> Subscription:
    return subscribing.subscription_create(
        actor=Actor.of(people["sam"]), api=hidden, application=phone, business_plan="Bronze"
    )


def test_the_rule_and_its_sql_say_the_same(people: dict[str, Person], hidden: Api) -> None:
    for name in EVERYBODY:
        actor = Actor.of(people[name])
        assert can_see_api(actor, hidden) is (name in DESIGN), name
        assert Api.objects.filter(designs_for(actor)).exists() is (name in DESIGN), name
        assert can_see_offer(actor, hidden) is (name in OFFER), name
        assert Api.objects.filter(offers_for(actor)).exists() is (name in OFFER), name
    assert (can_see_offer(None, hidden), Api.objects.filter(offers_for(None)).exists()) == (False, False)


def test_a_token_that_lets_no_designs_through_shows_none(people: dict[str, Person], hidden: Api) -> None:
    actor = Actor.of(people["adam"], ["app:manage"])
    assert not can_see_api(actor, hidden)
    assert not selectors.apis_visible(actor).exists()
    reads = Actor.of(people["adam"], ["api:read"])
    assert can_see_api(reads, hidden)
    assert selectors.apis_visible(reads).get() == hidden


@pytest.mark.parametrize("name", EVERYBODY)
def test_rest(rest: Callable[..., Any], people: dict[str, Person], hidden: Api, name: str) -> None:
    caller = rest(people[name], ["api:read"] if name == "adam" else ()) if name != "vic" else rest(people[name])
    listed = [row["id"] for row in caller.get("/apis").ok()["results"]]
    assert listed == ([str(hidden.pk)] if name in OFFER else [])
    if name not in OFFER:
        for path in ("", "/topics", "/versions", "/thumbnail", "/scopes", "/endpoints/production", "/history"):
            caller.get(f"/apis/{hidden.pk}{path}").refused(404)
        caller.patch(f"/apis/{hidden.pk}", {"description": "x"}).refused(404)
        return
    shown = caller.get(f"/apis/{hidden.pk}").ok()
    sees = name in DESIGN
    assert (shown["access_roles"], shown["visible_roles"]) == ((["finance"], ["partners"]) if sees else (None, None))
    assert (shown["endpoint"] is not None) is sees
    for path in ("/endpoints/production", "/history", "/runtime", "/revisions", "/security"):
        assert caller.get(f"/apis/{hidden.pk}{path}").status == (200 if sees else 403), path


def test_a_creator_without_the_role_sees_the_offer_and_not_the_design(
    rest: Callable[..., Any], people: dict[str, Person], hidden: Api
) -> None:
    designs.api_update(actor=Actor.of(people["adam"]), api=hidden, visible_roles=[], properties=[{"name": "secret"}])
    caller = rest(people["carol"])
    shown = caller.get(f"/apis/{hidden.pk}").ok()
    assert (shown["endpoint"], shown["access_roles"], shown["properties"]) == (None, None, [])
    for method, path, body in (
        ("get", "/endpoints/production", None),
        ("get", "/revisions/1", None),
        ("patch", "", {"description": "mine"}),
        ("post", "/versions", {"version": "9"}),
        ("post", "/test-key", {}),
        ("delete", "", None),
    ):
        caller.send(method, f"/apis/{hidden.pk}{path}", body).refused(403)
    assert "url_mapping" not in caller.get(f"/apis/{hidden.pk}/topics").ok()["results"][0]
    assert caller.get("/apis?search=secret").ok()["results"] == []
    assert Visit(people["carol"]).see(page_of(hidden)).status == 200
    assert Visit(people["carol"]).see(at(hidden)).status == 404


@pytest.mark.parametrize("name", EVERYBODY)
def test_the_publisher_portal(people: dict[str, Person], hidden: Api, name: str) -> None:
    browser = Visit(people[name])
    listed = browser.see("/publisher/")
    if name in {"sam", "eve", "vic"}:
        assert listed.status == 403
        return
    assert ("Chat" in listed.words) is (name in DESIGN)
    for tail in PUBLISHER_PAGES:
        assert browser.see(at(hidden, tail)).status == (200 if name in DESIGN else 404), tail
    if name not in DESIGN:
        assert browser.send(at(hidden, "info/"), description="mine").status == 404
        assert browser.send(at(hidden, "thumbnail/"), remove="yes").status == 404
        assert browser.send(at(hidden, "delete/"), confirmed="yes").status == 404


@pytest.mark.parametrize("name", ["carol", "pia", "paul", "adam"])
def test_the_administration(people: dict[str, Person], hidden: Api, subscribed: Subscription, name: str) -> None:
    office = desk(people[name])
    sees = name in DESIGN
    assert ("Chat" in office.open(office_at(Api, "changelist")).content.decode()) is sees
    assert office.client.get(office_at(hidden)).status_code == (200 if sees else 302)
    assert ("Chat" in office.open(office_at(Subscription, "changelist")).content.decode()) is sees
    assert office.client.get(office_at(subscribed)).status_code == (200 if sees else 302)
    history = office.open("/admin/apis/historyentry/").content.decode()
    assert ("Chat 1.0.0" in history) is sees


@pytest.mark.parametrize("name", [*EVERYBODY, ""])
def test_the_developer_portal(people: dict[str, Person], hidden: Api, name: str) -> None:
    browser = Visit(people[name] if name else None)
    sees = name in OFFER
    assert ("Chat" in browser.see("/devportal/").words) is sees
    assert ("Chat" in browser.see("/devportal/", q="chat").words.partition("APIs")[2]) is sees or not sees
    assert browser.see(page_of(hidden)).status == (200 if sees else 404)
    if name in {"sam", "eve", "adam"}:
        answer = browser.send(page_of(hidden, "subscribe"), application="new", new_name="Mine", plan="Bronze")
        assert answer.status == (302 if sees else 404)
        assert browser.send(page_of(hidden, "token"), application="x").status == (302 if sees else 404)


def test_subscribing_needs_to_see_and_staying_does_not(
    people: dict[str, Person], hidden: Api, subscribed: Subscription, rest: Callable[..., Any]
) -> None:
    eve = Actor.of(people["eve"])
    mine = subscribing.application_create(actor=eve, name="Mine")
    with pytest.raises(Missing):
        subscribing.subscription_create(actor=eve, api=hidden, application=mine, business_plan="Bronze")
    wish = {"api": str(hidden.pk), "application": str(mine.pk), "business_plan": "Bronze"}
    assert rest(people["eve"]).post("/subscriptions", wish).refused(400) == {"#/api": "There is no such API."}
    person_update(actor=Actor.of(people["adam"]), person=people["sam"], roles=["subscriber"])
    sam = Person.objects.get(username="sam")
    assert Visit(sam).see(page_of(hidden)).status == 404
    mine_too = Visit(sam).see(page(subscribed.application))
    assert "Chat 1.0.0" in mine_too.words
    assert f'href="{page_of(hidden)}' not in mine_too.html
    assert [row["id"] for row in rest(sam).get("/subscriptions").ok()["results"]] == [str(subscribed.pk)]
    subscribing.subscription_change_plan(actor=Actor.of(sam), subscription=subscribed, business_plan="Unlimited")
    subscribing.subscription_delete(actor=Actor.of(sam), subscription=subscribed)


def test_subscriptions_sessions_and_statements_are_seen_with_the_design(
    people: dict[str, Person], hidden: Api, subscribed: Subscription
) -> None:
    session = live_session(subscribed)
    for name in EVERYBODY:
        actor = Actor.of(people[name])
        theirs = name in DESIGN | {"sam"}
        assert selectors.subscriptions_visible(actor).filter(pk=subscribed.pk).exists() is theirs, name
        publishes = name in {"pia", "paul", "adam", "sam"}
        assert sessions_visible(actor).filter(pk=session.pk).exists() is publishes, name
    with pytest.raises(Missing):
        terms_get(Actor.of(people["carol"]), subscribed.pk)
    assert terms_get(Actor.of(people["pia"]), subscribed.pk)
    key = subscribed.pk
    subscribing.subscription_delete(actor=Actor.of(people["sam"]), subscription=subscribed)
    with pytest.raises(Missing):
        terms_get(Actor.of(people["carol"]), key)


def test_usage_of_an_api_is_seen_with_its_design(people: dict[str, Person], hidden: Api) -> None:
    for name in ("carol", "pia", "adam"):
        shown = Visit(people[name]).see(f"/publisher/fragments/usage/{hidden.pk}")
        assert shown.status in ({200} if name in DESIGN else {404}), name


def test_a_test_key_is_good_as_long_as_its_person_sees_the_design(people: dict[str, Person], hidden: Api) -> None:
    _, key = api_keys.api_test_key_create(actor=Actor.of(people["pia"]), api=hidden, key_type="production")
    assert TestKeys().find(digest_of(key)) is not None
    with pytest.raises(Missing):
        api_keys.api_test_key_create(actor=Actor.of(people["carol"]), api=hidden, key_type="production")
    person_update(actor=Actor.of(people["adam"]), person=people["pia"], roles=["publisher"])
    assert TestKeys().find(digest_of(key)) is None


def test_scopes_say_nothing_of_apis_that_somebody_does_not_see(people: dict[str, Person], hidden: Api) -> None:
    adam, carol = Actor.of(people["adam"]), people["carol"]
    shared = scopes.scope_create(actor=adam, name="rooms:write")
    local = scopes.scope_create(actor=adam, name="rooms:local", api=hidden)
    topics.topics_replace(actor=adam, api=hidden, topics=[{"name": "/*", "publish_scopes": ["rooms:write"]}])
    assert "rooms:write" not in scopes_on_offer()
    shown = Visit(carol).see("/publisher/scopes/")
    assert "rooms:write" in shown.words
    assert "Chat" not in shown.words
    assert "an API that you do not see" in shown.words
    office = desk(carol)
    assert "rooms:local" not in office.open(office_at(Scope, "changelist")).content.decode()
    assert office.client.get(office_at(local)).status_code == 302
    assert "Chat" not in office.open(office_at(shared)).content.decode().partition("<main")[2]
    assert "Chat" in Visit(people["pia"]).see("/publisher/scopes/").words


def test_other_versions_are_told_to_those_who_see_them(people: dict[str, Person], hidden: Api) -> None:
    paul = Actor.of(people["paul"])
    newer = designs.api_version_create(actor=paul, api=hidden, version="2.0.0")
    publishing.api_transition(actor=paul, api=newer, action="publish", checklist={"deprecate_old_versions": False})
    designs.api_update(actor=Actor.of(people["adam"]), api=newer, visible_roles=[], access_roles=[])
    assert "1.0.0" not in Visit(people["eve"]).see(page_of(newer)).words
    assert "other versions: 1.0.0" in Visit(people["sam"]).see(page_of(newer)).words


def test_what_is_shown_to_everybody_is_hidden_from_nobody(people: dict[str, Person], chat: Api) -> None:
    for name in EVERYBODY:
        assert selectors.api_on_offer(Actor.of(people[name]), chat.pk) == chat
    assert selectors.api_on_offer(None, chat.pk) == chat
