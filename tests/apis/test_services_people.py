"""adam keeps people; everybody mints and revokes their own personal tokens."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from apis.errors import Conflict, Forbidden, Invalid, Missing, Taken
from apis.models import Change, Person, PersonalToken
from apis.permissions import Actor
from apis.roles import Capability
from apis.services import people as services
from tests.apis.browsing import browser_of
from tests.apis.world import everything, last_entry, whole_database
from tests.conftest import ROLES

NEW = {"username": "nora", "password": "knits-blue-socks", "email": "nora@example.com", "roles": ["creator"]}


def test_a_new_person_can_sign_in_and_do_what_the_roles_allow(adam: Person) -> None:
    nora = services.person_create(actor=Actor.of(adam), **NEW)
    assert nora.check_password("knits-blue-socks")
    assert "knits-blue-socks" not in whole_database()
    assert Capability.DESIGN_APIS in nora.capabilities
    assert (last_entry().action, last_entry().detail["after"]["roles"]) == ("create_person", ["creator"])


def test_without_a_password_nobody_can_sign_in_as_her_yet(adam: Person) -> None:
    nora = services.person_create(actor=Actor.of(adam), username="nora")
    assert not nora.has_usable_password()
    assert nora.roles == []


def test_roles_are_kept_once_and_in_order(adam: Person) -> None:
    roles = ["publisher", "creator", "publisher"]
    nora = services.person_create(actor=Actor.of(adam), username="nora", roles=roles)
    assert nora.roles == ["creator", "publisher"]


BAD: list[tuple[dict[str, Any], type[Invalid], set[str]]] = [
    ({"username": ""}, Invalid, {"username"}),
    ({"username": "n" * 151}, Invalid, {"username"}),
    ({"username": "no ra"}, Invalid, {"username"}),
    ({"username": "no\x00ra"}, Invalid, {"username"}),
    ({"username": "sam"}, Taken, {"username"}),
    ({"username": "SAM"}, Taken, {"username"}),
    ({"email": "nora"}, Invalid, {"email"}),
    ({"email": "n@" + "x" * 300 + ".com"}, Invalid, {"email"}),
    ({"roles": ["owner"]}, Invalid, {"roles"}),
    ({"roles": ["creator", "Creator"]}, Invalid, {"roles"}),
    ({"password": ""}, Invalid, {"password"}),
    ({"password": "short"}, Invalid, {"password"}),
    ({"password": "password123"}, Invalid, {"password"}),
    ({"password": "nora@example.com"}, Invalid, {"password"}),
    ({"password": "x\x00" + "y" * 20}, Invalid, {"password"}),
    ({"password": "xY3-" * 300}, Invalid, {"password"}),
    ({"username": "", "email": "x", "roles": [""]}, Invalid, {"username", "email", "roles"}),
]


@pytest.mark.parametrize(("values", "error", "fields"), BAD)
def test_a_bad_account_is_refused_field_by_field(
    adam: Person, values: dict[str, Any], error: type[Invalid], fields: set[str]
) -> None:
    before = everything()
    with pytest.raises(error) as refused:
        services.person_create(actor=Actor.of(adam), **{**NEW, **values})
    assert set(refused.value.fields) == fields
    assert everything() == before


def test_roles_and_disabling_are_recorded_and_announced(adam: Person, sam: Person) -> None:
    before = sam.email
    services.person_update(actor=Actor.of(adam), person=sam, roles=["creator"], disabled=True, email="s@example.com")
    sam.refresh_from_db()
    assert (sam.roles, sam.is_active, sam.email) == (["creator"], False, "s@example.com")
    assert last_entry().detail == {
        "before": {"roles": ["subscriber"], "disabled": False, "email": before},
        "after": {"roles": ["creator"], "disabled": True, "email": "s@example.com"},
    }
    assert Change.objects.filter(kind="person", subject=str(sam.pk)).exists()


def test_a_disabled_person_can_do_nothing_and_comes_back_unchanged(adam: Person, paul: Person) -> None:
    _, token = services.personal_token_mint(person=paul, name="laptop")
    browser = browser_of(paul)
    services.person_update(actor=Actor.of(adam), person=paul, disabled=True)
    paul.refresh_from_db()
    assert paul.capabilities == frozenset()
    assert not paul.is_staff
    assert services.personal_token_find(token) is None
    assert browser.get("/admin/").status_code == 302
    services.person_update(actor=Actor.of(adam), person=paul, disabled=False)
    assert services.personal_token_find(token) is not None
    assert browser.get("/admin/").status_code == 200


@pytest.mark.parametrize("values", [{"roles": ["creator"]}, {"disabled": True}, {"roles": []}])
def test_an_administrator_cannot_lock_the_own_way_in(adam: Person, values: dict[str, Any]) -> None:
    before = everything()
    with pytest.raises(Conflict) as refused:
        services.person_update(actor=Actor.of(adam), person=adam, **values)
    assert refused.value.code == "own_access"
    assert everything() == before


def test_a_bad_update_is_refused(adam: Person, sam: Person) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        services.person_update(actor=Actor.of(adam), person=sam, roles=["king"], email="x")
    assert set(refused.value.fields) == {"roles", "email"}
    assert everything() == before


WRITES: dict[str, Callable[[Actor, Person], object]] = {
    "create": lambda actor, sam: services.person_create(actor=actor, username="nora"),
    "update": lambda actor, sam: services.person_update(actor=actor, person=sam, roles=["administrator"]),
    "set_password": lambda actor, sam: services.person_set_password(actor=actor, person=sam, password=NEW["password"]),
}


@pytest.mark.parametrize("write", WRITES)
def test_only_administrators_keep_people(people: dict[str, Person], write: str) -> None:
    before = everything()
    for name in ("carol", "pia", "paul", "eve", "vic"):
        with pytest.raises(Forbidden, match="administrator role"):
            WRITES[write](Actor.of(people[name]), people["sam"])
    assert everything() == before
    WRITES[write](Actor.of(people["adam"]), people["sam"])


def test_everybody_sets_their_own_password_and_browser_sessions_end(vic: Person) -> None:
    browser = browser_of(vic)
    assert browser.get("/devportal/").wsgi_request.user == vic
    services.person_set_password(actor=Actor.of(vic), person=vic, password="knits-blue-socks")
    vic.refresh_from_db()
    assert vic.check_password("knits-blue-socks")
    assert browser.get("/devportal/").wsgi_request.user.is_anonymous
    assert (last_entry().action, last_entry().detail) == ("set_password", {})
    with pytest.raises(Invalid):
        services.person_set_password(actor=Actor.of(vic), person=vic, password="vic")


# Personal tokens --------------------------------------------------------------------------------------------------

ALL_SCOPES = {
    "carol": {"api:read", "api:create"},
    "pia": {"api:read", "api:publish", "subscription:manage"},
    "paul": {"api:read", "api:create", "api:publish", "subscription:manage"},
    "sam": {"app:manage"},
    "vic": set(),
    "adam": {"api:read", "api:create", "api:publish", "subscription:manage", "app:manage", "admin"},
}


@pytest.mark.parametrize("name", ALL_SCOPES)
def test_a_token_without_scopes_named_has_all_that_the_roles_allow(people: dict[str, Person], name: str) -> None:
    row, token = services.personal_token_mint(person=people[name], name="laptop")
    assert set(row.scopes) == ALL_SCOPES[name]
    assert services.personal_token_find(token) == row
    assert Actor.of(people[name], row.scopes).capabilities == people[name].capabilities


@pytest.mark.parametrize("name", ROLES)
def test_scopes_beyond_the_roles_are_refused(people: dict[str, Person], name: str) -> None:
    beyond = [scope for scope in ALL_SCOPES["adam"] if scope not in ALL_SCOPES.get(name, ALL_SCOPES["sam"])]
    for scope in [*beyond, "everything", "default"]:
        with pytest.raises(Invalid) as refused:
            services.personal_token_mint(person=people[name], name="laptop", scopes=[scope])
        assert list(refused.value.fields) == ["scopes"]
    assert not PersonalToken.objects.exists()


def test_a_token_is_kept_as_a_digest_only_and_narrows_what_its_person_may(paul: Person) -> None:
    row, token = services.personal_token_mint(person=paul, name="laptop", scopes=["api:read", "api:read"])
    assert token.startswith("wsp_")
    assert row.digest == services.digest_of(token)
    assert token not in whole_database()
    assert row.scopes == ["api:read"]
    assert Actor.of(paul, row.scopes).capabilities == {Capability.SEE_APIS}


def test_a_token_loses_what_its_person_loses(adam: Person, paul: Person) -> None:
    row, _ = services.personal_token_mint(person=paul, name="laptop")
    services.person_update(actor=Actor.of(adam), person=paul, roles=[])
    paul.refresh_from_db()
    assert Actor.of(paul, row.scopes).capabilities == frozenset()


@pytest.mark.parametrize(
    ("values", "fields"),
    [
        ({"name": ""}, {"name"}),
        ({"name": "  "}, {"name"}),
        ({"name": "x" * 101}, {"name"}),
        ({"name": "a\x00"}, {"name"}),
        ({"expires_in": 0}, {"expires_in"}),
        ({"expires_in": -1}, {"expires_in"}),
        ({"expires_in": 10**30}, {"expires_in"}),
    ],
)
def test_bad_tokens_are_refused(paul: Person, values: dict[str, Any], fields: set[str]) -> None:
    with pytest.raises(Invalid) as refused:
        services.personal_token_mint(person=paul, **{"name": "laptop", **values})
    assert set(refused.value.fields) == fields
    assert not PersonalToken.objects.exists()


def test_tokens_live_thirty_days_unless_told_and_die_on_time(paul: Person) -> None:
    row, token = services.personal_token_mint(person=paul, name="laptop")
    assert row.expires_at - timezone.now() > timedelta(days=29, hours=23)
    row.expires_at = timezone.now()
    row.save()
    assert services.personal_token_find(token) is None
    assert services.personal_token_find("wsp_nobody") is None


def test_owners_and_administrators_revoke_and_nobody_else(people: dict[str, Person]) -> None:
    first, _ = services.personal_token_mint(person=people["paul"], name="laptop")
    second, token = services.personal_token_mint(person=people["paul"], name="phone")
    before = everything()
    for name in ("carol", "sam", "vic"):
        with pytest.raises(Missing):
            services.personal_token_revoke(actor=Actor.of(people[name]), token=first)
    assert everything() == before
    services.personal_token_revoke(actor=Actor.of(people["paul"]), token=first)
    services.personal_token_revoke(actor=Actor.of(people["adam"]), token=second)
    assert services.personal_token_find(token) is None
    assert (last_entry().action, last_entry().actor_name) == ("revoke_token", "adam")
