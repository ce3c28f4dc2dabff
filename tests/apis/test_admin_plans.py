"""Plans, applications with their keys, and subscriptions in the administration."""

from __future__ import annotations

from typing import Any

import pytest
from django.contrib.auth.hashers import check_password
from oauth2_provider.models import Application as OAuthClient

from apis.models import (
    Application,
    ApplicationPlan,
    BusinessPlan,
    HistoryEntry,
    KeyPair,
    Person,
    Subscription,
)
from apis.permissions import Actor
from apis.services import keys
from tests.apis.browsing import words
from tests.apis.office import at, buttons, desk
from tests.apis.world import everything

# Plans ------------------------------------------------------------------------------------------------------------


def test_a_business_plan_is_made_of_rows_and_fields(adam: Person) -> None:
    office = desk(adam)
    office.done(
        office.press(
            at(BusinessPlan, "add"),
            name="Trial",
            **{"limits-0-kind": "events", "limits-0-amount": "500", "limits-0-per": "day", "limits-0-direction": "in"},
            **{"limits-1-kind": "bytes", "limits-1-amount": "1000000", "limits-1-per": "hour"},
            burst_amount="5",
            burst_per="second",
            max_sessions="2",
            on_spent="hold",
            stop_on_quota=None,
        )
    )
    plan = BusinessPlan.objects.get(name="Trial")
    assert plan.limits == [
        {"kind": "events", "amount": 500, "per": "day", "direction": "in"},
        {"kind": "bytes", "amount": 1_000_000, "per": "hour", "direction": "both"},
    ]
    assert (plan.burst, plan.max_sessions, plan.max_session_s) == ({"amount": 5, "per": "second"}, 2, None)
    assert (plan.on_spent, plan.stop_on_quota) == ("hold", False)
    assert "500 events sent per day, 1,000,000 bytes per hour" in words(office.open(at(BusinessPlan, "changelist")))


def test_an_emptied_row_is_gone_and_the_rest_stays(adam: Person) -> None:
    plan = BusinessPlan.objects.get(name="Bronze")
    office = desk(adam)
    office.done(office.press(at(plan), description="still"))
    plan.refresh_from_db()
    assert plan.limits == [{"kind": "events", "amount": 1000, "per": "minute", "direction": "both"}]
    office.done(office.press(at(plan), **{"limits-0-amount": ""}))
    plan.refresh_from_db()
    assert (plan.limits, plan.description) == ([], "still")


@pytest.mark.parametrize(
    ("changes", "status", "fields"),
    [
        ({"name": ""}, 400, {"name"}),
        ({"name": "Gold"}, 409, {"name"}),
        ({"limits-0-amount": "lots"}, 400, {"limits"}),
        ({"limits-0-amount": "0"}, 400, {"limits"}),
        ({"limits-0-amount": "9" * 40}, 400, {"limits"}),
        ({"limits-0-kind": "frames"}, 400, {"limits"}),
        ({"limits-1-amount": "1000", "limits-1-kind": "events", "limits-1-per": "minute"}, 400, {"limits"}),
        ({f"limits-{n}-amount": "5" for n in range(11)}, 400, {"limits"}),
        ({"burst_amount": "0"}, 400, {"burst_amount"}),
        ({"burst_amount": "5", "burst_per": ""}, 400, {"burst_per"}),
        ({"max_sessions": "0", "max_message_bytes": "1"}, 400, {"max_sessions", "max_message_bytes"}),
        ({"max_sessions": "9" * 5000}, 400, {"max_sessions"}),
        ({"on_spent": ""}, 400, {"on_spent"}),
    ],
)
def test_a_bad_plan_is_refused_beside_its_field(
    adam: Person, changes: dict[str, Any], status: int, fields: set[str]
) -> None:
    before = everything()
    office = desk(adam)
    response = office.press(at(BusinessPlan.objects.get(name="Bronze")), **changes)
    assert set(office.refused(response, status)) == fields
    assert everything() == before


def test_a_plan_in_use_is_not_deleted(adam: Person, subscription: Subscription) -> None:
    office = desk(adam)
    before = everything()
    for plan, words_of in (
        (subscription.business_plan, "Bronze is in use by 1 subscriptions."),
        (subscription.application.plan, "Unlimited is in use by 1 applications."),
    ):
        assert words_of in office.done(office.client.post(at(plan, "delete"), {"post": "yes"}))
    assert everything() == before
    office.done(office.client.post(at(BusinessPlan.objects.get(name="Silver"), "delete"), {"post": "yes"}))
    assert not BusinessPlan.objects.filter(name="Silver").exists()


def test_application_plans_work_the_same(adam: Person) -> None:
    office = desk(adam)
    office.done(office.press(at(ApplicationPlan, "add"), name="5PerMin", **{"limits-0-amount": "5"}))
    plan = ApplicationPlan.objects.get(name="5PerMin")
    assert plan.limit_lines == ["5 events per minute"]
    office.done(office.press(at(plan), **{"limits-0-amount": "6"}))
    plan.refresh_from_db()
    assert plan.limit_lines == ["6 events per minute"]


# Applications and keys --------------------------------------------------------------------------------------------


def test_an_application_of_somebody_is_edited_by_an_administrator(adam: Person, phone: Application) -> None:
    office = desk(adam)
    slow = ApplicationPlan.objects.get(name="10PerMin")
    office.done(office.press(at(phone), plan=str(slow.pk), description="Slow now."))
    phone.refresh_from_db()
    assert (phone.plan, phone.description, phone.owner.username) == (slow, "Slow now.", "sam")
    assert office.refused(office.press(at(phone), name="", plan="")) == {
        "name": ["Name should not be empty."],
        "plan": ["There is no application plan named ."],
    }


def test_keys_are_generated_and_their_secret_is_shown_once(adam: Person, phone: Application) -> None:
    office = desk(adam)
    made = office.press(at(phone, "keys_generate", "production"))
    values = made.context["values"]
    assert made.status_code == 200
    assert "no-store" in made.headers["Cache-Control"]
    assert values["Consumer secret"] in made.content.decode()
    client = OAuthClient.objects.get()
    assert client.client_id == values["Consumer key"]
    assert check_password(values["Consumer secret"], client.client_secret)
    assert values["Consumer secret"] not in office.open(at(phone)).content.decode()
    again = office.press(at(phone, "keys_generate", "production"))
    assert "regenerate their secret instead" in office.refused(again, 409)[""][0]


def test_a_secret_is_replaced_and_grants_are_changed(adam: Person, phone: Application) -> None:
    office = desk(adam)
    old = office.press(at(phone, "keys_generate", "sandbox")).context["values"]["Consumer secret"]
    new = office.client.post(at(phone, "keys_secret", "sandbox")).context["values"]["Consumer secret"]
    client = OAuthClient.objects.get()
    assert check_password(new, client.client_secret)
    assert not check_password(old, client.client_secret)
    grants = at(phone, "keys_grants", "sandbox")
    code = ["client_credentials", "authorization_code"]
    assert office.refused(office.press(grants, grant_types=code)).keys() == {"redirect_uris"}
    wrong = office.press(grants, grant_types=code, redirect_uris="https://a.example.com\r\nhttp://b.example.com")
    assert office.refused(wrong)["redirect_uris"][0].startswith("Row 2: ")
    office.done(office.press(grants, grant_types=code, redirect_uris="https://a.example.com\nhttp://localhost/cb"))
    assert KeyPair.objects.get().grant_types == code
    assert OAuthClient.objects.get().redirect_uris == "https://a.example.com http://localhost/cb"


def test_deleting_an_application_says_what_goes_with_it(adam: Person, subscription: Subscription, sam: Person) -> None:
    application = subscription.application
    keys.keys_generate(actor=Actor.of(sam), application=application, key_type="production")
    office = desk(adam)
    page = words(office.open(at(application, "delete")))
    assert "production keys with their tokens" in page
    assert "subscription to Chat 1.0.0" in page
    office.done(office.client.post(at(application, "delete"), {"post": "yes"}))
    assert not OAuthClient.objects.exists()
    assert not Subscription.objects.exists()


# Subscriptions ----------------------------------------------------------------------------------------------------


def test_publishers_block_and_unblock_on_the_page(pia: Person, subscription: Subscription) -> None:
    office = desk(pia)
    assert buttons(office.open(at(subscription))) == ["Block…", "Block production only…"]
    page = office.done(office.client.post(at(subscription, "block", "production")))
    assert "Phone on Chat 1.0.0 is blocked for production keys." in page
    assert buttons(office.open(at(subscription))) == ["Unblock", "Block…"]
    office.done(office.client.post(at(subscription, "unblock")))
    office.done(office.client.post(at(subscription, "block", "all")))
    subscription.refresh_from_db()
    assert subscription.state == "blocked"
    assert HistoryEntry.objects.filter(actor=pia, action="block").count() == 2


def test_creators_see_subscriptions_but_neither_block_nor_change_them(
    carol: Person, subscription: Subscription
) -> None:
    office = desk(carol)
    before = everything()
    assert buttons(office.open(at(subscription))) == []
    refused = office.client.post(at(subscription, "block", "all"))
    assert office.refused(refused, 403) == {"": ["This needs the publisher role."]}
    assert office.client.post(at(subscription), {"business_plan": ""}).status_code == 403
    assert office.client.post(at(subscription, "delete"), {"post": "yes"}).status_code == 403
    assert everything() == before


def test_an_administrator_subscribes_changes_the_plan_and_deletes(adam: Person, phone: Application, chat: Any) -> None:
    office = desk(adam)
    plan = {name: str(BusinessPlan.objects.get(name=name).pk) for name in ("Bronze", "Gold", "Unlimited")}
    order = {"api": str(chat.pk), "application": str(phone.pk)}
    empty = office.press(at(Subscription, "add"))
    assert office.refused(empty).keys() == {"api", "application", "business_plan"}
    gold = office.press(at(Subscription, "add"), **order, business_plan=plan["Gold"])
    assert "it offers: Bronze, Unlimited" in office.refused(gold)["business_plan"][0]
    office.done(office.press(at(Subscription, "add"), **order, business_plan=plan["Bronze"]))
    subscription = Subscription.objects.get()
    twice = office.press(at(Subscription, "add"), **order, business_plan=plan["Bronze"])
    assert office.refused(twice, 409).keys() == {"application"}
    office.done(office.press(at(subscription), business_plan=plan["Unlimited"]))
    subscription.refresh_from_db()
    assert subscription.business_plan.name == "Unlimited"
    office.done(office.client.post(at(subscription, "delete"), {"post": "yes"}))
    assert not Subscription.objects.exists()
