"""Two people at a form about something that is no API: plans, roles, applications, scopes, documents, comments ...

Whoever is slower is told what changed and keeps what was typed; fields that only one of them touched hold both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model

from apis.models import (
    Api,
    ApiCategory,
    ApiDocument,
    ApiPlan,
    Application,
    ApplicationPlan,
    ApprovalRules,
    BusinessPlan,
    Comment,
    CustomPlan,
    DenyPolicy,
    Environment,
    KeyManager,
    Person,
    Role,
    Scope,
    Subscription,
)
from apis.permissions import Actor
from apis.services import (
    approval_rules,
    categories,
    clients,
    comments,
    custom_roles,
    denying,
    designs,
    documents,
    environments,
    key_managers,
    keys,
    plans,
    scopes,
    subscribing,
)
from apis.services import people as people_service
from tests.apis.browsing import Visit, at, page_of
from tests.apis.browsing import page as application_page
from tests.apis.office import at as office_at
from tests.apis.office import filled_in

pytestmark = pytest.mark.django_db

Make = Callable[[Actor], Any]
Change = Callable[[Actor, Any, dict[str, Any]], Any]


def _key_manager(actor: Actor) -> KeyManager:
    return key_managers.key_manager_create(
        actor=actor,
        name="Corporate",
        issuer="https://login.example.com",
        jwks_url="https://login.example.com/jwks",
        description="first",
    )


# kind -> how it is made, how somebody else changes it, a field of the form and of the service that both change, a field
# that only the other one changes, and what the service takes for them.
ROWS: dict[str, tuple[Make, Change]] = {
    "business plan": (
        lambda a: plans.business_plan_create(actor=a, name="Trial"),
        lambda a, row, values: plans.business_plan_update(actor=a, plan=row, **values),
    ),
    "application plan": (
        lambda a: plans.application_plan_create(actor=a, name="Trial"),
        lambda a, row, values: plans.application_plan_update(actor=a, plan=row, **values),
    ),
    "API plan": (
        lambda a: plans.api_plan_create(actor=a, name="Trial"),
        lambda a, row, values: plans.api_plan_update(actor=a, plan=row, **values),
    ),
    "custom plan": (
        lambda a: plans.custom_plan_create(
            actor=a, name="Trial", key="{user}", limits=[{"kind": "events", "amount": 5, "per": "minute"}]
        ),
        lambda a, row, values: plans.custom_plan_update(actor=a, plan=row, **values),
    ),
    "category": (
        lambda a: categories.category_create(actor=a, name="Live"),
        lambda a, row, values: categories.category_update(actor=a, category=row, **values),
    ),
    "role": (
        lambda a: custom_roles.role_create(actor=a, name="partners"),
        lambda a, row, values: custom_roles.role_update(actor=a, role=row, **values),
    ),
    "environment": (
        lambda a: environments.environment_create(actor=a, name="Europe", host="eu.example.com", wss_port=443),
        lambda a, row, values: environments.environment_update(actor=a, environment=row, **values),
    ),
    "key manager": (
        _key_manager,
        lambda a, row, values: key_managers.key_manager_update(actor=a, key_manager=row, **values),
    ),
    "deny policy": (
        lambda a: denying.deny_policy_create(actor=a, ip="192.0.2.1"),
        lambda a, row, values: denying.deny_policy_update(actor=a, policy=row, **values),
    ),
    "shared scope": (
        lambda a: scopes.scope_create(actor=a, name="rooms:write"),
        lambda a, row, values: scopes.scope_update(actor=a, scope=row, **values),
    ),
}
MODELS: dict[str, type[Model]] = {
    "business plan": BusinessPlan, "application plan": ApplicationPlan, "API plan": ApiPlan, "custom plan": CustomPlan,
    "category": ApiCategory, "role": Role, "environment": Environment, "key manager": KeyManager,
    "deny policy": DenyPolicy, "shared scope": Scope,
}  # fmt: skip
# A second field beside the description: its value in the service, and in the form.
BESIDE: dict[str, tuple[dict[str, Any], str, str]] = {
    "business plan": ({"max_sessions": 7}, "max_sessions", "7"),
    "API plan": ({"limits": [{"kind": "events", "amount": 77, "per": "day"}]}, "limits-0-amount", "77"),
    "application plan": ({"limits": [{"kind": "events", "amount": 77, "per": "day"}]}, "limits-0-amount", "77"),
    "custom plan": ({"key": "{user}:{api}"}, "key", "{user}:{api}"),
    "category": ({"name": "Right now"}, "name", "Right now"),
    "environment": ({"host": "europe.example.com"}, "host", "europe.example.com"),
    "key manager": ({"client_claim": "client"}, "client_claim", "client"),
    "deny policy": ({"ip": "192.0.2.9"}, "ip", "192.0.2.9"),
    "shared scope": ({"display_name": "Rooms"}, "display_name", "Rooms"),
}


def form_of(person: Person, row: Model) -> dict[str, Any]:
    """What a browser would send of a page of the administration if nothing was touched."""
    response = Visit(person).client.get(office_at(row))
    seen = response.context["seen"]
    return {**filled_in(response.context["adminform"].form), "seen": str(seen), "_save": "x"}


@pytest.mark.parametrize("kind", ROWS)
def test_in_the_administration_the_second_is_told_and_keeps_the_text(adam: Person, kind: str) -> None:
    make, change = ROWS[kind]
    row = make(Actor.of(adam))
    typed = {**form_of(adam, row), "description": "By the second"}
    change(Actor.of(adam), row, {"description": "By the first", **BESIDE.get(kind, ({},))[0]})
    told = Visit(adam).send(office_at(row), **typed)
    assert told.status == 409
    assert "Somebody else changed this meanwhile" in told.words
    assert "By the first adam" in told.words
    assert "By the second" in told.html.partition("take theirs")[2]
    row.refresh_from_db()
    assert row.description == "By the first"
    if kind in BESIDE:
        _, field, value = BESIDE[kind]
        assert told.value(field) == value
    again = {**filled_in(told.response.context["adminform"].form), "seen": told.value("seen"), "_save": "x"}
    assert Visit(adam).send(office_at(row), **again).status == 302
    row.refresh_from_db()
    assert row.description == "By the second"


@pytest.mark.parametrize("kind", BESIDE)
def test_in_the_administration_different_fields_both_hold(adam: Person, kind: str) -> None:
    make, change = ROWS[kind]
    row = make(Actor.of(adam))
    typed = {**form_of(adam, row), "description": "By the second"}
    values, field, value = BESIDE[kind]
    change(Actor.of(adam), row, values)
    answer = Visit(adam).send(office_at(row), **typed)
    assert answer.status == 302, answer.words
    row.refresh_from_db()
    assert row.description == "By the second"
    assert form_of(adam, row)[field] == value


@pytest.mark.parametrize("kind", [kind for kind in ROWS if kind != "shared scope"])
def test_what_was_deleted_meanwhile_is_told_with_the_text_and_can_be_made_anew(adam: Person, kind: str) -> None:
    row = ROWS[kind][0](Actor.of(adam))
    where, typed = office_at(row), {**form_of(adam, row), "description": "By the second"}
    Visit(adam).client.post(office_at(row, "delete"), {"post": "yes"})
    assert not MODELS[kind]._default_manager.filter(pk=row.pk).exists()
    told = Visit(adam).send(where, **typed)
    assert told.status == 409
    assert "Somebody else changed this meanwhile" in told.words
    assert "By the second" in told.html
    assert f'action="{office_at(MODELS[kind], "add")}"' in told.html


def test_people_clients_and_rules_are_told_as_well(adam: Person, sam: Person) -> None:
    admin = Actor.of(adam)
    client, _ = clients.client_register(actor=admin, name="Deployer", redirect_uris=["https://a.example/back"])
    approval_rules.approval_rules_set(actor=admin, applications=False)
    rules = ApprovalRules.objects.get()
    person, program, rule = form_of(adam, sam), form_of(adam, client), form_of(adam, rules)
    people_service.person_update(actor=admin, person=sam, email="first@example.com", roles=["creator"])
    clients.client_update(actor=admin, client=client, name="First", redirect_uris=["https://b.example/back"])
    approval_rules.approval_rules_set(actor=admin, transitions=["publish"])
    told = Visit(adam).send(office_at(sam), **{**person, "email": "second@example.com"})
    assert (told.status, told.value("email")) == (409, "second@example.com")
    assert told.is_checked("roles", "creator") or "checked" in told.html
    told = Visit(adam).send(office_at(client), **{**program, "name": "Second"})
    assert (told.status, told.value("name")) == (409, "Second")
    assert "https://b.example/back" in told.html
    told = Visit(adam).send(office_at(rules), **{**rule, "transitions": ["retire"]})
    assert told.status == 409
    assert "Transitions nothing publish" in told.words
    rules.refresh_from_db()
    assert rules.transitions == ["publish"]


# The publisher portal ---------------------------------------------------------------------------------------------


def test_a_shared_scope_is_not_saved_over_what_paul_wrote(carol: Person, paul: Person) -> None:
    row = scopes.scope_create(actor=Actor.of(carol), name="rooms:write")
    where = f"/publisher/scopes/{row.pk}"
    page = Visit(carol).see(where)
    scopes.scope_update(actor=Actor.of(paul), scope=row, description="Paul", display_name="Rooms")
    told = Visit(carol).send(where, seen=page.value("seen"), display_name="", description="Carol")
    assert told.status == 409
    assert "paul ·" in told.words
    assert (told.value("description"), told.value("display_name")) == ("Carol", "Rooms")
    Visit(carol).do(where, seen=told.value("seen"), display_name="Rooms", description="Carol")
    row.refresh_from_db()
    assert (row.description, row.display_name) == ("Carol", "Rooms")


def test_a_shared_scope_that_was_changed_or_deleted_meanwhile(carol: Person, paul: Person) -> None:
    row = scopes.scope_create(actor=Actor.of(carol), name="rooms:write")
    where = f"/publisher/scopes/{row.pk}"
    listed, page = Visit(carol).see("/publisher/scopes/"), Visit(carol).see(where)
    scopes.scope_update(actor=Actor.of(paul), scope=row, description="Paul")
    told = Visit(carol).send("/publisher/scopes/", seen=listed.value("seen"), delete=str(row.pk), confirmed="yes")
    assert told.status == 409
    assert "paul ·" in told.words
    scopes.scope_delete(actor=Actor.of(paul), scope=row)
    told = Visit(carol).send(where, seen=page.value("seen"), display_name="Mine", description="Carol")
    assert (told.status, told.value("name"), told.value("description")) == (409, "rooms:write", "Carol")
    assert 'action="/publisher/scopes/new"' in told.html
    assert Visit(carol).send(f"/publisher/scopes/{carol.pk}", display_name="", description="x").status == 404


def _document(api: Api, carol: Person) -> ApiDocument:
    return documents.document_create(actor=Actor.of(carol), api=api, name="First steps", content="Old")


DOCUMENT: dict[str, str] = {
    "name": "First steps", "type": "howto", "visibility": "api", "source": "inline", "content": "Carol", "url": "",
    "summary": "", "other_type": "",
}  # fmt: skip


def test_a_document_that_was_renamed_and_changed_meanwhile(chat: Api, carol: Person, paul: Person) -> None:
    row = _document(chat, carol)
    where = at(chat, f"documents/{row.pk}/edit")
    page = Visit(carol).see(where)
    documents.document_update(actor=Actor.of(paul), document=row, name="Steps", content="Paul", summary="Short")
    told = Visit(carol).send(where, **{**DOCUMENT, "seen": page.value("seen")})
    assert told.status == 409
    assert "paul ·" in told.words
    assert told.value("name") == "Steps"
    assert "Carol</textarea>" in told.html
    assert "Short</textarea>" in told.html
    row.refresh_from_db()
    assert (row.name, row.content) == ("Steps", "Paul")


def test_a_document_that_was_removed_meanwhile_keeps_its_text_and_is_written_anew(
    chat: Api, carol: Person, paul: Person
) -> None:
    row = _document(chat, carol)
    where = at(chat, f"documents/{row.pk}/edit")
    page = Visit(carol).see(where)
    documents.document_delete(actor=Actor.of(paul), document=row)
    told = Visit(carol).send(where, **{**DOCUMENT, "seen": page.value("seen")})
    assert told.status == 409
    assert "paul ·" in told.words
    assert "Carol</textarea>" in told.html
    assert f'action="{at(chat, "documents/new")}"' in told.html
    Visit(carol).do(at(chat, "documents/new"), **DOCUMENT)
    assert ApiDocument.objects.get(api=chat).content == "Carol"
    assert Visit(carol).see(where).status == 404


# Comments, in both portals ----------------------------------------------------------------------------------------


@pytest.mark.parametrize("place", [at, page_of], ids=["publisher", "devportal"])
def test_a_comment_changed_in_two_windows(chat: Api, carol: Person, place: Callable[[Api, str], str]) -> None:
    row = comments.comment_create(actor=Actor.of(carol), api=chat, content="Old")
    where = place(chat, f"comments/{row.pk}/")
    page = Visit(carol).see(where)
    comments.comment_update(actor=Actor.of(carol), comment=row, content="First window")
    told = Visit(carol).send(where, seen=page.value("seen"), content="Second window")
    assert told.status == 409
    assert "First window" in told.words
    assert "Second window</textarea>" in told.html
    row.refresh_from_db()
    assert row.content == "First window"
    Visit(carol).do(where, seen=told.value("seen"), content="Second window")
    row.refresh_from_db()
    assert row.content == "Second window"


@pytest.mark.parametrize("place", [at, page_of], ids=["publisher", "devportal"])
def test_a_comment_that_was_removed_meanwhile_can_be_sent_anew(
    chat: Api, carol: Person, pia: Person, place: Callable[[Api, str], str]
) -> None:
    row = comments.comment_create(actor=Actor.of(carol), api=chat, content="Old")
    where = place(chat, f"comments/{row.pk}/")
    page = Visit(carol).see(where)
    comments.comment_delete(actor=Actor.of(pia), comment=row)
    told = Visit(carol).send(where, seen=page.value("seen"), content="What I wrote")
    assert told.status == 409
    assert "This comment was removed meanwhile" in told.words
    assert "What I wrote</textarea>" in told.html
    assert f'action="{place(chat, "comments/")}"' in told.html
    assert not Comment.objects.exists()


# The developer portal ---------------------------------------------------------------------------------------------


def test_an_application_edited_in_two_windows(sam: Person, phone: Application) -> None:
    where = application_page(phone, "edit")
    page = Visit(sam).see(where)
    subscribing.application_update(actor=Actor.of(sam), application=phone, description="First", plan="10PerMin")
    typed = {"name": "Phone", "plan": "Unlimited", "description": "Second"}
    told = Visit(sam).send(where, seen=page.value("seen"), **typed)
    assert told.status == 409
    assert "Second</textarea>" in told.html
    assert '<option value="10PerMin" selected' in told.html
    phone.refresh_from_db()
    assert phone.description == "First"
    Visit(sam).do(where, seen=told.value("seen"), **{**typed, "plan": "10PerMin"})
    phone.refresh_from_db()
    assert (phone.description, phone.plan.name) == ("Second", "10PerMin")


def test_an_application_that_was_deleted_in_another_window_keeps_its_text(
    sam: Person, eve: Person, phone: Application
) -> None:
    where = application_page(phone, "edit")
    page = Visit(sam).see(where)
    subscribing.application_delete(actor=Actor.of(sam), application=phone)
    typed = {"name": "Phone", "plan": "Unlimited", "description": "Second", "seen": page.value("seen")}
    told = Visit(sam).send(where, **typed)
    assert told.status == 409
    assert "Second</textarea>" in told.html
    assert 'action="/devportal/applications/new"' in told.html
    assert Visit(eve).send(where, **typed).status in {403, 404}


def test_keys_edited_in_two_windows(sam: Person, phone: Application) -> None:
    pair, _ = keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
    page = Visit(sam).see(application_page(phone))
    both = ["client_credentials", "authorization_code"]
    change = {"grant_types": both, "redirect_uris": ["https://first.example/back"]}
    keys.keys_update(actor=Actor.of(sam), pair=pair, **change)
    where = application_page(phone, "keys/production/update")
    typed = {"grant_types": both, "redirect_uris": "https://second.example/back"}
    told = Visit(sam).send(where, seen=page.value("seen"), **typed)
    assert told.status == 409
    assert "https://second.example/back</textarea>" in told.html
    assert "https://first.example/back" in told.words
    Visit(sam).do(where, seen=told.value("seen"), **typed)
    pair.refresh_from_db()
    assert pair.client.redirect_uris == "https://second.example/back"


def test_a_plan_that_pia_changed_is_not_changed_over_her(
    sam: Person, pia: Person, chat: Api, subscription: Subscription
) -> None:
    designs.api_update(actor=Actor.of(pia), api=chat, business_plans=["Bronze", "Unlimited", "Gold"])
    his = Visit(sam)
    page = his.see(application_page(subscription.application))
    subscribing.subscription_change_plan(actor=Actor.of(pia), subscription=subscription, business_plan="Unlimited")
    his.client.post(f"/devportal/subscriptions/{subscription.pk}/plan", {"plan": "Gold", "seen": page.value("seen")})
    after = his.see(application_page(subscription.application))
    assert "pia changed business plan meanwhile" in after.words
    subscription.refresh_from_db()
    assert subscription.business_plan.name == "Unlimited"
