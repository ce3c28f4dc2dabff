"""The developer portal: sam subscribes, changes plans and unsubscribes; eve and others cannot do it for him."""

from __future__ import annotations

import re

import pytest

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import designs, subscribing
from tests.apis.browsing import Browsers, move, page, page_of, source, words


class TestSubscribing:
    def test_sam_subscribes_an_application_and_sees_the_next_step(
        self, visit: Browsers, sam: Person, phone: Application, chat: Api
    ) -> None:
        browser = visit(sam)
        answer = browser.post(page_of(chat, "subscribe"), {"application": str(phone.pk), "plan": "Bronze"}, follow=True)
        assert Subscription.objects.get().business_plan.name == "Bronze"
        said = words(answer)
        assert "Phone is subscribed to Chat 1.0.0" in said
        assert "Subscribe (done)" in said
        assert "Go to the keys of Phone" in said

    def test_sam_creates_the_application_on_the_way(self, visit: Browsers, sam: Person, chat: Api) -> None:
        visit(sam).post(page_of(chat, "subscribe"), {"application": "new", "new_name": "Tablet", "plan": "Unlimited"})
        subscription = Subscription.objects.get()
        assert (subscription.application.name, subscription.application.owner) == ("Tablet", sam)

    @pytest.mark.parametrize(
        ("typed", "sentence"),
        [
            ("", "Name should not be empty."),
            (" Tablet", "trailing or leading spaces"),
            ("Phone", "You already have an application named Phone."),
            ("nul\x00", "Null characters are not allowed."),
            ("x" * 51, "maximum number of 50 characters"),
        ],
    )
    def test_a_bad_name_is_said_beside_its_field_and_leaves_nothing_behind(
        self, visit: Browsers, sam: Person, phone: Application, chat: Api, typed: str, sentence: str
    ) -> None:
        answer = visit(sam).post(
            page_of(chat, "subscribe"), {"application": "new", "new_name": typed, "plan": "Bronze"}
        )
        assert 400 <= answer.status_code < 500
        assert sentence in words(answer)
        assert not Subscription.objects.exists()
        assert list(Application.objects.all()) == [phone]

    def test_what_was_typed_is_kept(self, visit: Browsers, sam: Person, chat: Api) -> None:
        answer = source(
            visit(sam).post(page_of(chat, "subscribe"), {"application": "new", "new_name": "a,b", "plan": "Unlimited"})
        )
        assert 'value="a,b"' in answer
        assert re.search(r'<option value="Unlimited" selected', answer)

    def test_a_refused_plan_leaves_no_application_behind(self, visit: Browsers, sam: Person, chat: Api) -> None:
        answer = visit(sam).post(page_of(chat, "subscribe"), {"application": "new", "new_name": "Mine", "plan": "Gold"})
        assert answer.status_code == 400
        assert not Application.objects.exists()

    def test_the_same_application_cannot_subscribe_twice(
        self, visit: Browsers, sam: Person, subscription: Subscription, chat: Api
    ) -> None:
        answer = visit(sam).post(
            page_of(chat, "subscribe"), {"application": str(subscription.application_id), "plan": "Unlimited"}
        )
        assert answer.status_code == 409
        assert "Phone already has a subscription to Chat 1.0.0." in words(answer)
        assert Subscription.objects.get().business_plan.name == "Bronze"

    def test_eve_cannot_subscribe_sams_application(
        self, visit: Browsers, eve: Person, phone: Application, chat: Api
    ) -> None:
        answer = visit(eve).post(page_of(chat, "subscribe"), {"application": str(phone.pk), "plan": "Bronze"})
        assert answer.status_code == 400
        assert not Subscription.objects.exists()

    def test_a_deprecated_api_takes_no_new_subscription_and_says_so(
        self, visit: Browsers, sam: Person, phone: Application, chat: Api, paul: Person
    ) -> None:
        move(chat, paul, "deprecate")
        browser = visit(sam)
        assert "new ones are not taken" in words(browser.get(page_of(chat)))
        answer = browser.post(page_of(chat, "subscribe"), {"application": str(phone.pk), "plan": "Bronze"})
        assert answer.status_code == 409
        assert not Subscription.objects.exists()

    def test_an_old_subscription_to_a_deprecated_api_is_still_shown(
        self, visit: Browsers, sam: Person, subscription: Subscription, chat: Api, paul: Person
    ) -> None:
        move(chat, paul, "deprecate")
        said = words(visit(sam).get(page_of(chat)))
        assert "Unsubscribe" in said
        assert "Subscribe another application" not in said

    def test_sam_changes_the_plan_from_either_page(
        self, visit: Browsers, sam: Person, subscription: Subscription, chat: Api
    ) -> None:
        address = f"/devportal/subscriptions/{subscription.pk}/plan"
        back = visit(sam).post(address, {"plan": "Unlimited", "from": "api"})
        assert back["Location"].startswith(page_of(chat))
        back = visit(sam).post(address, {"plan": "Bronze", "from": "application"})
        assert back["Location"].startswith(page(subscription.application))
        assert Subscription.objects.get().business_plan.name == "Bronze"

    def test_a_plan_the_api_does_not_offer_is_refused(
        self, visit: Browsers, sam: Person, subscription: Subscription
    ) -> None:
        answer = visit(sam).post(f"/devportal/subscriptions/{subscription.pk}/plan", {"plan": "Gold"}, follow=True)
        assert "Choose one of the plans that this API offers." in words(answer)
        assert Subscription.objects.get().business_plan.name == "Bronze"

    def test_a_plan_that_is_no_longer_offered_is_named_until_it_is_changed(
        self, visit: Browsers, sam: Person, subscription: Subscription, chat: Api, paul: Person
    ) -> None:
        designs.api_update(actor=Actor.of(paul), api=chat, business_plans=["Unlimited"])
        assert "(no longer offered)" in words(visit(sam).get(page(subscription.application)))

    def test_unsubscribing_asks_first(self, visit: Browsers, sam: Person, subscription: Subscription) -> None:
        address = f"/devportal/subscriptions/{subscription.pk}/remove"
        asked = visit(sam).get(address)
        assert "Unsubscribe Phone from Chat 1.0.0?" in words(asked)
        assert Subscription.objects.exists()
        assert visit(sam).post(address, follow=True).status_code == 200
        assert not Subscription.objects.exists()

    @pytest.mark.parametrize("name", ["eve", "paul", "vic"])
    @pytest.mark.parametrize("tail", ["plan", "remove"])
    def test_nobody_else_touches_sams_subscription_not_even_the_apis_publisher(
        self, visit: Browsers, people: dict[str, Person], subscription: Subscription, name: str, tail: str
    ) -> None:
        answer = visit(people[name]).post(f"/devportal/subscriptions/{subscription.pk}/{tail}", {"plan": "Unlimited"})
        assert answer.status_code in {403, 404}
        assert Subscription.objects.get().business_plan.name == "Bronze"

    def test_a_blocked_subscription_is_shown_as_such(
        self, visit: Browsers, sam: Person, paul: Person, subscription: Subscription, chat: Api
    ) -> None:
        subscribing.subscription_block(actor=Actor.of(paul), subscription=subscription)
        for address in (page_of(chat), page(subscription.application)):
            assert "Blocked by the publisher" in words(visit(sam).get(address))

    def test_a_choice_of_application_in_the_address_is_one_of_ones_own_or_ignored(
        self, visit: Browsers, eve: Person, sam: Person, phone: Application, subscription: Subscription, chat: Api
    ) -> None:
        for wanted in (str(phone.pk), "\x00", "no-uuid", "9" * 5_000):
            answer = visit(eve).get(page_of(chat), {"application": wanted})
            assert answer.status_code == 200
            assert "Phone" not in words(answer)
