"""Two people at a form of the administration about something that is no API: plans, roles, people, scopes ...

Whoever is slower is told what changed and keeps what was typed; fields that only one of them touched hold both.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from django.db.models import Model

from apis.models import (
    ApprovalRules,
    KeyManager,
    Person,
)
from apis.permissions import Actor
from apis.services import (
    approval_rules,
    categories,
    clients,
    custom_roles,
    denying,
    environments,
    key_managers,
    plans,
    scopes,
)
from apis.services import people as people_service
from tests.apis.browsing import Visit
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


# kind -> how it is made, and how somebody else changes it: what both change is the description.
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
    assert not type(row)._default_manager.filter(pk=row.pk).exists()
    told = Visit(adam).send(where, **typed)
    assert told.status == 409
    assert "Somebody else changed this meanwhile" in told.words
    assert "By the second" in told.html
    assert f'action="{office_at(type(row), "add")}"' in told.html


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
