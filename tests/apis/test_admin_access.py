"""Who may enter the administration, and what they find there."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib import admin
from django.test import Client
from django.urls import reverse
from oauth2_provider.models import AccessToken, Grant, IDToken, RefreshToken
from oauth2_provider.models import Application as OAuthClient

from apis.models import (
    Api,
    ApiCategory,
    ApiDocument,
    ApiPlan,
    Application,
    ApplicationPlan,
    Approval,
    ApprovalRules,
    BusinessPlan,
    Comment,
    CustomPlan,
    DenyPolicy,
    Environment,
    HistoryEntry,
    KeyManager,
    Person,
    PersonalToken,
    Rating,
    Role,
    Scope,
    Subscription,
)
from apis.permissions import Actor
from apis.services import keys
from apis.services import people as services
from gateway.models import LiveSession
from tests.apis.browsing import words
from tests.apis.office import Desk, at, desk
from tests.conftest import PASSWORD

# Page -> who gets in; everybody else who may enter at all gets 403.
EVERYONE = {"carol", "pia", "paul", "adam"}
LISTS: dict[Any, set[str]] = {
    Api: EVERYONE,
    Subscription: EVERYONE,
    Approval: EVERYONE,
    HistoryEntry: EVERYONE,
    PersonalToken: EVERYONE,
    Scope: EVERYONE,
    ApiDocument: EVERYONE,
    Comment: EVERYONE,
    LiveSession: {"pia", "paul", "adam"},
    Rating: {"pia", "paul", "adam"},
    ApprovalRules: {"adam"},
    Application: {"adam"},
    BusinessPlan: {"adam"},
    CustomPlan: {"adam"},
    ApiPlan: {"adam"},
    ApplicationPlan: {"adam"},
    Person: {"adam"},
    Role: {"adam"},
    ApiCategory: {"adam"},
    DenyPolicy: {"adam"},
    Environment: {"adam"},
    KeyManager: {"adam"},
    AccessToken: {"adam"},
    OAuthClient: {"adam"},
}
ADDS: dict[Any, set[str]] = {
    Api: {"carol", "paul", "adam"},
    ApiDocument: EVERYONE,
    Comment: set(),
    Rating: set(),
    Scope: {"carol", "paul", "adam"},
    Subscription: {"adam"},
    Application: {"adam"},
    BusinessPlan: {"adam"},
    CustomPlan: {"adam"},
    ApiPlan: {"adam"},
    ApplicationPlan: {"adam"},
    Person: {"adam"},
    Role: {"adam"},
    ApiCategory: {"adam"},
    DenyPolicy: {"adam"},
    Environment: {"adam"},
    KeyManager: {"adam"},
    OAuthClient: {"adam"},
    Approval: set(),
    ApprovalRules: set(),
    LiveSession: set(),
    HistoryEntry: set(),
    PersonalToken: set(),
    AccessToken: set(),
}


@pytest.mark.parametrize("model", LISTS)
def test_who_sees_which_list(people: dict[str, Person], model: Any) -> None:
    seen = {name for name in EVERYONE if desk(people[name]).client.get(at(model, "changelist")).status_code == 200}
    assert seen == LISTS[model]


@pytest.mark.parametrize("model", ADDS)
def test_who_may_add(people: dict[str, Person], model: Any) -> None:
    seen = {name for name in EVERYONE if desk(people[name]).client.get(at(model, "add")).status_code == 200}
    assert seen == ADDS[model]


def test_a_creator_who_subscribes_too_finds_their_own_applications(carol: Person, phone: Application) -> None:
    carol.roles = ["creator", "subscriber"]
    carol.save()
    office = desk(carol)
    office.done(office.press(at(Application, "add"), name="Mine"))
    page = words(office.open(at(Application, "changelist")))
    assert "Mine" in page
    assert "Phone" not in page
    assert office.client.get(at(phone)).status_code == 302  # not there, says a message


@pytest.mark.parametrize("name", ["sam", "eve", "vic"])
def test_subscribers_and_visitors_stay_outside(people: dict[str, Person], name: str, chat: Api) -> None:
    office = desk(people[name])
    for address in (reverse("admin:index"), at(Api, "changelist"), at(chat), at(chat, "transition", "block")):
        answer = office.client.get(address, follow=True)
        assert answer.status_code == 403, address
        assert "Not allowed" in words(answer)


def test_nobody_gets_past_the_one_sign_in(chat: Api) -> None:
    for address in (reverse("admin:index"), at(chat), at(chat, "transition", "block")):
        answer = Client().get(address, follow=True)
        assert [status for _, status in answer.redirect_chain] == [302, 302]
        assert answer.redirect_chain[-1][0] == f"/login?next={address.replace('/', '%2F')}"
        assert answer.status_code == 200


def test_signing_in_leads_back_and_signing_out_leads_away(carol: Person) -> None:
    browser = Client()
    answer = browser.post("/login?next=/admin/", {"username": "carol", "password": PASSWORD})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/admin/")
    assert "carol" in words(browser.get("/admin/"))
    assert browser.post(reverse("admin:logout")).headers["Location"] == "/login"
    assert browser.get("/admin/").status_code == 302


def test_losing_the_role_ends_it_at_the_next_click(carol: Person) -> None:
    office = desk(carol)
    office.open(reverse("admin:index"))
    carol.roles = []
    carol.save()
    assert office.client.get(reverse("admin:index"), follow=True).status_code == 403


def test_the_pages_that_packages_bring_along_are_not_there() -> None:
    ours = {model.__name__ for model in admin.site._registry}
    assert ours == {model.__name__ for model in LISTS}
    assert not {Grant, RefreshToken, IDToken} & set(admin.site._registry)
    assert "delete_selected" not in dict(admin.site.actions)


@pytest.mark.parametrize("name", ["carol", "pia", "adam"])
def test_the_sidebar_offers_what_may_be_opened(people: dict[str, Person], name: str) -> None:
    office = desk(people[name])
    page = office.open(reverse("admin:index"))
    links = {item["link"] for group in page.context["sidebar_navigation"] for item in group["items"]}
    assert links == {reverse("admin:index")} | {at(model, "changelist") for model in LISTS if name in LISTS[model]}
    for link in links:
        office.open(link)


def test_the_start_page_counts(adam: Person, carol: Person, subscription: Subscription) -> None:
    page = desk(adam).open(reverse("admin:index"))
    states = {item["label"]: item["count"] for item in page.context["states"]}
    assert states == {"Created": 0, "Pre-released": 0, "Published": 1, "Blocked": 0, "Deprecated": 0, "Retired": 0}
    counts = {label: count for label, _, count in page.context["counts"]}
    assert counts == {"Subscriptions": 1, "Applications": 1, "People": 7}
    assert page.context["live"] == [("Live sessions", 0)]
    assert "Created a plan" in words(page)
    theirs = desk(carol).open(reverse("admin:index"))
    assert [label for label, _, _ in theirs.context["counts"]] == ["Subscriptions"]
    assert "Created a plan" not in words(theirs)


def test_the_search_in_the_sidebar_finds_only_what_may_be_opened(adam: Person, carol: Person) -> None:
    search = reverse("admin:search")
    assert "Business plans" in words(desk(adam).open(f"{search}?s=plan"))
    assert "lans" not in words(desk(carol).open(f"{search}?s=plan"))


# Secrets ----------------------------------------------------------------------------------------------------------


def test_no_page_shows_a_secret_a_hash_or_a_token(adam: Person, sam: Person, subscription: Subscription) -> None:
    actor = Actor.of(sam)
    application = subscription.application
    pair, secret = keys.keys_generate(actor=actor, application=application, key_type="production")
    token, _ = keys.token_generate(actor=actor, application=application, key_type="production")
    row, personal = services.personal_token_mint(person=sam, name="laptop")
    client = OAuthClient.objects.get(pk=pair.client_id)
    hidden = [
        secret, client.client_secret, token, AccessToken.objects.get().token_checksum,
        personal, row.digest, adam.password, sam.password,
    ]  # fmt: skip
    office = desk(adam)
    pages = [at(model, "changelist") for model in LISTS]
    pages += [at(one) for one in (application, AccessToken.objects.get(), row, sam, adam, subscription)]
    pages += [at(entry) for entry in HistoryEntry.objects.all()]
    for address in pages:
        source = office.open(address).content.decode()
        assert not [text for text in hidden if text in source], address
    assert client.client_id in office.open(at(application)).content.decode()


def test_the_client_of_an_application_is_not_among_the_management_clients(
    adam: Person, sam: Person, phone: Application
) -> None:
    pair, _ = keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
    office = desk(adam)
    assert pair.client.client_id not in office.open(at(OAuthClient, "changelist")).content.decode()
    assert office.client.get(at(pair.client)).status_code == 302
    assert office.client.post(at(pair.client, "delete"), {"post": "yes"}).status_code in {302, 403}
    assert OAuthClient.objects.filter(pk=pair.client_id).exists()


# Own password -----------------------------------------------------------------------------------------------------


def change_password(office: Desk, old: str, new: str) -> Any:
    data = {"old_password": old, "new_password1": new, "new_password2": new}
    return office.client.post(reverse("admin:password_change"), data)


def test_the_own_password_is_changed_through_the_service(carol: Person) -> None:
    office = desk(carol)
    assert change_password(office, "wrong", "knits-blue-socks").context["form"].errors.keys() == {"old_password"}
    assert "new_password2" in change_password(office, PASSWORD, "carol").context["form"].errors
    assert "new_password2" in change_password(office, PASSWORD, "x\x01" + "y" * 20).context["form"].errors
    assert change_password(office, PASSWORD, "knits-blue-socks").status_code == 302
    carol.refresh_from_db()
    assert carol.check_password("knits-blue-socks")
    assert HistoryEntry.objects.get(action="set_password").actor == carol
    office.open(reverse("admin:index"))  # this session goes on


def test_the_policy_is_loosened_for_the_administration_only(adam: Person) -> None:
    office = desk(adam)
    assert "'unsafe-eval'" in office.open("/admin/").headers["Content-Security-Policy"]
    for address in ("/login", "/publisher/"):
        assert "unsafe" not in office.client.get(address).headers["Content-Security-Policy"]
