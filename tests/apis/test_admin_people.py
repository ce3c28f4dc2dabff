"""People, tokens, clients, environments and the history in the administration."""

from __future__ import annotations

from typing import Any

from django.contrib.auth.hashers import check_password
from django.urls import reverse
from oauth2_provider.models import AccessToken
from oauth2_provider.models import Application as OAuthClient

from apis.models import (
    Application,
    Change,
    Environment,
    HistoryEntry,
    Person,
    PersonalToken,
)
from apis.permissions import Actor
from apis.services import keys
from apis.services import people as services
from tests.apis.browsing import browser_of, words
from tests.apis.office import at, desk
from tests.apis.world import everything

# People -----------------------------------------------------------------------------------------------------------


def test_a_person_is_created_with_roles_and_a_password(adam: Person) -> None:
    office = desk(adam)
    nora = {"username": "nora", "email": "nora@example.com", "roles": ["creator", "publisher"]}
    assert office.refused(office.press(at(Person, "add"), **nora, password="short")).keys() == {"password"}
    office.done(office.press(at(Person, "add"), **nora, password="knits-blue-socks"))
    person = Person.objects.get(username="nora")
    assert (person.roles, person.check_password("knits-blue-socks")) == (["creator", "publisher"], True)
    assert office.refused(office.press(at(Person, "add"), **nora), 409).keys() == {"username"}


def test_roles_change_and_a_person_is_disabled(adam: Person, carol: Person) -> None:
    theirs = browser_of(carol)
    office = desk(adam)
    office.done(office.press(at(carol), roles=["subscriber"]))
    assert theirs.get(reverse("admin:index"), follow=True).status_code == 403
    office.done(office.press(at(carol), disabled="on"))
    carol.refresh_from_db()
    assert (carol.roles, carol.is_active) == (["subscriber"], False)
    assert theirs.get("/").headers["Location"] == "/login"
    office.done(office.press(at(carol), disabled=None))
    carol.refresh_from_db()
    assert carol.is_active


def test_the_own_way_in_stays_open_and_nobody_is_deleted(adam: Person, sam: Person) -> None:
    office = desk(adam)
    before = everything()
    for changes in ({"roles": []}, {"disabled": "on"}):
        refused = office.refused(office.press(at(adam), **changes), 409)
        assert refused == {"": ["You cannot take the administrator role from yourself or disable yourself."]}
    assert office.refused(office.press(at(sam), roles=["king"])).keys() == {"roles"}
    assert office.client.post(at(sam, "delete"), {"post": "yes"}).status_code == 403
    assert everything() == before


def test_somebodys_password_is_set_and_their_browsers_are_signed_out(adam: Person, sam: Person) -> None:
    theirs = browser_of(sam)
    office = desk(adam)
    page = at(sam, "set_password")
    assert office.refused(office.press(page, password="knits-blue-socks", again="x")).keys() == {"again"}
    assert office.refused(office.press(page, password="sam", again="sam")).keys() == {"password"}
    office.done(office.press(page, password="knits-blue-socks", again="knits-blue-socks"))
    sam.refresh_from_db()
    assert sam.check_password("knits-blue-socks")
    assert theirs.get("/").headers["Location"] == "/login"
    assert desk(Person.objects.get(username="carol")).client.get(page).status_code == 403


# Tokens and clients -----------------------------------------------------------------------------------------------


def test_everybody_revokes_their_own_personal_tokens_and_administrators_all(
    carol: Person, adam: Person, sam: Person
) -> None:
    own, _ = services.personal_token_mint(person=carol, name="laptop")
    other, _ = services.personal_token_mint(person=sam, name="phone")
    office = desk(carol)
    page = words(office.open(at(PersonalToken, "changelist")))
    assert "laptop" in page
    assert "phone" not in page
    assert office.client.get(at(other)).status_code == 302
    revoke = {"action": "revoke", "_selected_action": [str(own.pk), str(other.pk)]}
    office.done(office.client.post(at(PersonalToken, "changelist"), revoke))
    assert list(PersonalToken.objects.all()) == [other]
    chief = desk(adam)
    chief.done(chief.client.post(at(other, "delete"), {"post": "yes"}))
    assert not PersonalToken.objects.exists()
    assert set(HistoryEntry.objects.filter(action="revoke_token").values_list("actor_name", flat=True)) == {
        "carol",
        "adam",
    }


def test_access_tokens_are_revoked_and_gateways_are_told(adam: Person, sam: Person, phone: Application) -> None:
    for _ in range(3):
        keys.token_generate(actor=Actor.of(sam), application=phone, key_type="production")
    first, *others = AccessToken.objects.order_by("pk")
    office = desk(adam)
    assert "Phone" in words(office.open(at(AccessToken, "changelist")))
    Change.objects.all().delete()
    office.done(office.client.post(at(first, "delete"), {"post": "yes"}))
    chosen = {"action": "revoke", "_selected_action": [str(token.pk) for token in others]}
    office.done(office.client.post(at(AccessToken, "changelist"), chosen))
    assert not AccessToken.objects.exists()
    told = set(Change.objects.filter(kind="token").values_list("subject", flat=True))
    assert told == {str(token_id) for token_id in (first.pk, *(token.pk for token in others))}


def test_a_management_client_is_registered_and_its_secret_shown_once(adam: Person) -> None:
    office = desk(adam)
    order = {"name": "Robot", "redirect_uris": "https://robot.example.com/cb"}
    assert office.refused(office.press(at(OAuthClient, "add"))).keys() == {"name", "redirect_uris"}
    made = office.press(at(OAuthClient, "add"), **order, kind="confidential")
    client = OAuthClient.objects.get()
    secret = made.context["values"]["Client secret"]
    assert check_password(secret, client.client_secret)
    assert secret not in office.open(at(client)).content.decode()
    public = office.press(at(OAuthClient, "add"), **{**order, "name": "App"}, kind="public")
    assert public.context["values"].keys() == {"Client id"}
    office.done(office.press(at(client), name="Robo", redirect_uris="https://robo.example.com"))
    client.refresh_from_db()
    assert (client.name, client.redirect_uris) == ("Robo", "https://robo.example.com")
    office.done(office.client.post(at(client, "delete"), {"post": "yes"}))
    assert OAuthClient.objects.count() == 1


# Environments and history -----------------------------------------------------------------------------------------


def test_environments_are_kept(adam: Person, chat: Any) -> None:
    office = desk(adam)
    office.done(office.press(at(Environment, "add"), name="Europe", host="eu.example.com", wss_port="443", ws_port=""))
    europe = Environment.objects.get(name="Europe")
    assert (europe.ws_port, europe.wss_port) == (None, 443)
    bad = office.press(at(europe), host="http://x", wss_port="70000")
    assert office.refused(bad).keys() == {"host", "wss_port"}
    office.done(office.press(at(europe), ws_port="80"))
    office.done(office.client.post(at(europe, "delete"), {"post": "yes"}))
    default = Environment.objects.get()
    assert "undeploy them first" in office.done(office.client.post(at(default, "delete"), {"post": "yes"}))


def test_the_history_is_read_filtered_and_never_written(
    adam: Person, carol: Person, chat: Any, phone: Application
) -> None:
    office = desk(adam)
    listed = at(HistoryEntry, "changelist")
    assert "Created an application Phone" in words(office.open(f"{listed}?actor_name=sam"))
    assert "Created a plan Unlimited" not in words(office.open(f"{listed}?actor_name=sam"))
    assert "Revision 1 of Chat 1.0.0" in words(office.open(f"{listed}?action=deploy&q=chat"))
    entry = HistoryEntry.objects.get(action="publish")
    assert "Created Published" in words(office.open(at(entry)))
    before = everything()
    for page in ("change", "delete"):
        assert office.client.post(at(entry, page), {"post": "yes", "action": "x"}).status_code == 403
    assert everything() == before
    theirs = words(desk(carol).open(listed))
    assert "Publish Chat 1.0.0" in theirs
    assert "Created an application" not in theirs
