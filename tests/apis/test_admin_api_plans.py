"""adam keeps API plans and custom plans in the administration, and all that a business plan can say."""

from __future__ import annotations

from decimal import Decimal

import pytest

from apis.models import Api, ApiPlan, BusinessPlan, CustomPlan, Person
from apis.permissions import Actor
from apis.services import designs, plans
from tests.apis.browsing import words
from tests.apis.office import at, desk
from tests.apis.world import everything

CONDITION = {
    "conditions-0-group": "office", "conditions-0-type": "ip", "conditions-0-value": "10.0.0.0/8",
    "conditions-1-group": "robots", "conditions-1-type": "header", "conditions-1-name": "User-Agent",
    "conditions-1-invert": "not", "conditions-1-value": "/Mozilla/",
    "conditions-2-group": "office", "conditions-2-type": "claim", "conditions-2-name": "tier",
    "conditions-2-value": "gold",
    "group_limits-0-group": "robots", "group_limits-0-kind": "events", "group_limits-0-amount": "5",
    "group_limits-0-per": "minute",
}  # fmt: skip
GROUPS = [
    {
        "name": "office",
        "conditions": [
            {"type": "ip", "name": "", "value": "10.0.0.0/8", "invert": False},
            {"type": "claim", "name": "tier", "value": "gold", "invert": False},
        ],
        "limits": [],
    },
    {
        "name": "robots",
        "conditions": [{"type": "header", "name": "User-Agent", "value": "/Mozilla/", "invert": True}],
        "limits": [{"kind": "events", "amount": 5, "per": "minute", "direction": "both"}],
    },
]


def calm(adam: Person) -> ApiPlan:
    return plans.api_plan_create(actor=Actor.of(adam), name="Calm", groups=GROUPS)


def test_groups_of_an_api_plan_are_rows_that_name_them(adam: Person) -> None:
    office = desk(adam)
    office.press(at(ApiPlan, "add"), name="Calm", **{"limits-0-amount": "100"})
    plan = ApiPlan.objects.get(name="Calm")
    assert plan.limits == [{"kind": "events", "amount": 100, "per": "minute", "direction": "both"}]
    # three rows of conditions: two blank ones at a time
    office.done(office.press(at(plan), **{name: text for name, text in CONDITION.items() if "-2-" not in name}))
    office.done(office.press(at(plan), **CONDITION))
    plan.refresh_from_db()
    assert plan.groups == GROUPS
    shown = words(office.open(at(ApiPlan, "changelist")))
    assert "unlimited where address is 10.0.0.0/8 and claim tier is gold" in shown
    assert "5 events per minute where header User-Agent is not /Mozilla/" in shown


@pytest.mark.parametrize(
    ("changes", "status", "fields"),
    [
        ({"name": "Other"}, 400, {"name"}),
        ({"conditions-0-value": "10.0.0.1/8"}, 400, {"conditions"}),
        ({"conditions-0-type": "moon"}, 400, {"conditions"}),
        ({"conditions-2-value": "/(a+)+/"}, 400, {"conditions"}),
        ({"conditions-0-group": "a/b"}, 400, {"conditions"}),
        ({"group_limits-0-amount": "0"}, 400, {"group_limits"}),
        ({"group_limits-0-group": "nobody"}, 400, {"conditions", "group_limits"}),
        ({"limits-0-amount": "-1"}, 400, {"limits"}),
    ],
)
def test_what_is_wrong_with_an_api_plan_stands_beside_it(
    adam: Person, changes: dict[str, str], status: int, fields: set[str]
) -> None:
    plan = calm(adam)
    office, before = desk(adam), everything()
    page = office.press(at(plan), **changes)
    assert page.status_code == status
    assert set(page.context["adminform"].form.errors) <= fields
    assert set(page.context["adminform"].form.errors)
    assert everything() == before


def test_an_api_plan_in_use_stays(adam: Person, chat: Api) -> None:
    plan = calm(adam)
    designs.api_update(actor=Actor.of(adam), api=chat, api_plan="Calm")
    office = desk(adam)
    office.client.post(at(plan, "delete"), {"post": "yes"})
    assert ApiPlan.objects.filter(pk=plan.pk).exists()
    designs.api_update(actor=Actor.of(adam), api=chat, api_plan=None)
    office.client.post(at(plan, "delete"), {"post": "yes"})
    assert not ApiPlan.objects.filter(pk=plan.pk).exists()


def test_a_custom_plan_has_a_key_and_a_switch(adam: Person) -> None:
    office = desk(adam)
    assert "{user}:{api} counts each person at each API" in words(office.open(at(CustomPlan, "add")))
    refused = office.press(at(CustomPlan, "add"), name="Each", key="{moon}", **{"limits-0-amount": "9"})
    assert (refused.status_code, set(refused.context["adminform"].form.errors)) == (400, {"key"})
    empty = office.press(at(CustomPlan, "add"), name="Each", key="{user}")
    assert (empty.status_code, set(empty.context["adminform"].form.errors)) == (400, {"limits"})
    office.done(office.press(at(CustomPlan, "add"), name="Each", key="{user}:{api}", **{"limits-0-amount": "9"}))
    plan = CustomPlan.objects.get(name="Each")
    assert (plan.key, plan.enabled) == ("{user}:{api}", True)
    office.done(office.press(at(plan), enabled=None))
    plan.refresh_from_db()
    assert not plan.enabled
    office.client.post(at(plan, "delete"), {"post": "yes"})
    assert not CustomPlan.objects.exists()


def test_all_that_a_business_plan_says_is_kept(adam: Person) -> None:
    office = desk(adam)
    plan = BusinessPlan.objects.get(name="Bronze")
    changes = {
        "on_spent": "drop", "notice": "on", "warn_at": "80", "billing": "commercial", "price": "9.90",
        "currency": "USD", "cycle": "year", "unit_price": "0.000001", "unit_events": "10",
        "attributes-0-name": "tier", "attributes-0-value": "third", "permission_mode": "allow",
        "permission_roles": ["subscriber"],
    }  # fmt: skip
    office.done(office.press(at(plan), **changes))
    plan.refresh_from_db()
    assert (plan.on_spent, plan.notice, plan.warn_at) == ("drop", True, 80)
    assert (plan.billing, plan.price, plan.currency, plan.cycle) == ("commercial", Decimal("9.90"), "USD", "year")
    assert (plan.unit_price, plan.unit_events) == (Decimal("0.000001"), 10)
    assert plan.attributes == {"tier": "third"}
    assert plan.permission == {"mode": "allow", "roles": ["subscriber"]}
    office.done(office.press(at(plan), description="again"))  # what the form shows is what it keeps
    plan.refresh_from_db()
    assert (plan.price, plan.attributes, plan.permission["roles"]) == (
        Decimal("9.90"), {"tier": "third"}, ["subscriber"],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"warn_at": "100"}, {"warn_at"}),
        ({"billing": "commercial"}, {"price"}),
        ({"price": "much"}, {"price"}),
        ({"price": "1.234"}, {"price"}),
        ({"currency": "euro"}, {"currency"}),
        ({"attributes-0-name": "sub", "attributes-0-value": "eve"}, {"attributes"}),
        ({"permission_mode": "allow"}, {"permission_roles"}),
        ({"permission_roles": ["creator"]}, {"permission_roles"}),
        ({"unit_events": "0"}, {"unit_events"}),
    ],
)
def test_what_is_wrong_with_a_business_plan_stands_beside_it(
    adam: Person, changes: dict[str, str], fields: set[str]
) -> None:
    office, before = desk(adam), everything()
    page = office.press(at(BusinessPlan.objects.get(name="Bronze")), **changes)
    assert (page.status_code, set(page.context["adminform"].form.errors)) == (400, fields)
    assert everything() == before


def test_an_api_takes_its_plan_on_its_page(adam: Person, pia: Person, chat: Api) -> None:
    plan = calm(adam)
    for person, value in ((adam, str(plan.pk)), (pia, "")):
        office = desk(person)
        office.done(office.press(at(chat), api_plan=value))
        chat.refresh_from_db()
        assert chat.api_plan == (plan if value else None)
    office = desk(adam)
    office.done(office.press(at(chat), description="Nothing about plans."))
    assert set(office.press(at(chat), api_plan="moon").context["adminform"].form.errors) == {"api_plan"}


def test_a_creator_sees_the_plan_of_a_published_api_and_leaves_it(adam: Person, carol: Person, chat: Api) -> None:
    calm(adam)
    designs.api_update(actor=Actor.of(adam), api=chat, api_plan="Calm")
    assert "Calm" in words(desk(carol).open(at(chat)))
    desk(carol).done(desk(carol).press(at(chat), description="x"))
    chat.refresh_from_db()
    assert (chat.api_plan.name, chat.description) == ("Calm", "x")
