"""The developer portal: sam and his applications, which eve never sees."""

from __future__ import annotations

from typing import Any

import pytest
from django.urls import reverse
from oauth2_provider.models import AccessToken

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import keys, subscribing
from tests.apis.browsing import Browsers, move, page, page_of, source, words


class TestApplications:
    def test_without_signing_in_there_is_only_the_way_to_sign_in(self, visit: Browsers, phone: Application) -> None:
        for address in ("/devportal/applications/", "/devportal/applications/new", page(phone), page(phone, "edit")):
            assert visit().get(address)["Location"].startswith("/login?next=")

    @pytest.mark.parametrize("name", ["vic", "carol", "pia"])
    def test_they_need_the_subscriber_role(self, visit: Browsers, people: dict[str, Person], name: str) -> None:
        answer = visit(people[name]).get("/devportal/applications/")
        assert answer.status_code == 403
        assert "This needs the subscriber role." in words(answer)
        assert visit(people[name]).post("/devportal/applications/new", {"name": "Mine"}).status_code == 403

    def test_sam_sees_his_own_and_eve_is_told_how_to_start(
        self, visit: Browsers, sam: Person, eve: Person, phone: Application
    ) -> None:
        assert "Phone" in words(visit(sam).get("/devportal/applications/"))
        said = words(visit(eve).get("/devportal/applications/"))
        assert "Phone" not in said
        assert "You have no application yet" in said

    def test_somebody_elses_application_is_not_found_on_any_page_and_nothing_happens_to_it(
        self, visit: Browsers, sam: Person, eve: Person, phone: Application
    ) -> None:
        pair, _ = keys.keys_generate(actor=Actor.of(sam), application=phone, key_type="production")
        secret = pair.client.client_secret
        browser = visit(eve)
        for tail in ("", "edit", "delete", "keys/production/secret"):
            assert browser.get(page(phone, tail)).status_code == 404
        for tail in (
            "edit",
            "delete",
            *(f"keys/production/{verb}" for verb in ("generate", "update", "secret", "token")),
        ):
            sent = browser.post(page(phone, tail), {"name": "Hers", "plan": "Unlimited"})
            assert sent.status_code == 404, tail
        phone.refresh_from_db()
        pair.client.refresh_from_db()
        assert (phone.name, pair.client.client_secret) == ("Phone", secret)
        assert not AccessToken.objects.exists()

    def test_an_administrator_sees_whose_it_is(self, visit: Browsers, adam: Person, phone: Application) -> None:
        assert "Phone of sam" in words(visit(adam).get("/devportal/applications/"))
        assert "of sam" in words(visit(adam).get(page(phone)))

    def test_sam_creates_one_and_lands_on_its_page(self, visit: Browsers, sam: Person) -> None:
        values = {"name": "Tablet", "plan": "10PerMin", "description": "On the wall"}
        answer = visit(sam).post("/devportal/applications/new", values, follow=True)
        application = Application.objects.get()
        assert (application.plan.name, application.description, application.owner) == ("10PerMin", "On the wall", sam)
        assert answer.redirect_chain == [(page(application), 302)]
        assert "10 events per minute" in words(answer)

    def test_the_same_name_twice_is_refused_beside_the_field_and_kept_in_it(
        self, visit: Browsers, sam: Person, phone: Application
    ) -> None:
        answer = visit(sam).post("/devportal/applications/new", {"name": "Phone", "plan": "Unlimited"})
        assert answer.status_code == 409
        assert "You already have an application named Phone." in words(answer)
        assert 'value="Phone"' in source(answer)
        assert Application.objects.count() == 1

    def test_eve_may_use_the_same_name(self, visit: Browsers, eve: Person, phone: Application) -> None:
        visit(eve).post("/devportal/applications/new", {"name": "Phone", "plan": "Unlimited"})
        assert Application.objects.filter(name="Phone").count() == 2

    @pytest.mark.parametrize(
        "values",
        [
            {}, {"name": ""}, {"name": "a/b", "plan": "Unlimited"}, {"name": "nul\x00", "plan": "Unlimited"},
            {"name": "Fine", "plan": "Platinum"}, {"name": "Fine", "plan": "\x00"},
            {"name": "Fine", "plan": "Unlimited", "description": "x" * 20_001},
            {"name": "Fine", "plan": "Unlimited", "description": "bell\x07"},
            {"name": ["One", "\x01"], "plan": "Unlimited"},
        ],
    )  # fmt: skip
    def test_bad_input_is_a_400_and_changes_nothing(self, visit: Browsers, sam: Person, values: dict[str, Any]) -> None:
        answer = visit(sam).post("/devportal/applications/new", values)
        assert answer.status_code == 400
        assert "invalid-feedback" in source(answer)
        assert not Application.objects.exists()

    def test_sam_edits_one(self, visit: Browsers, sam: Person, phone: Application) -> None:
        assert 'value="Phone"' in source(visit(sam).get(page(phone, "edit")))
        visit(sam).post(page(phone, "edit"), {"name": "Telephone", "plan": "20PerMin", "description": ""})
        phone.refresh_from_db()
        assert (phone.name, phone.plan.name) == ("Telephone", "20PerMin")

    def test_an_edit_to_a_taken_name_is_refused_and_the_page_keeps_the_old_title(
        self, visit: Browsers, sam: Person, phone: Application
    ) -> None:
        subscribing.application_create(actor=Actor.of(sam), name="Tablet")
        answer = visit(sam).post(page(phone, "edit"), {"name": "Tablet", "plan": "Unlimited"})
        assert answer.status_code == 409
        assert "Edit Phone" in words(answer)
        phone.refresh_from_db()
        assert phone.name == "Phone"

    def test_deleting_asks_first_and_takes_subscriptions_and_keys_along(
        self, visit: Browsers, sam: Person, phone: Application, subscription: Subscription
    ) -> None:
        keys.token_generate(actor=Actor.of(sam), application=phone, key_type="production")
        assert "Delete Phone?" in words(visit(sam).get(page(phone, "delete")))
        assert Application.objects.exists()
        answer = visit(sam).post(page(phone, "delete"), follow=True)
        assert "Phone is deleted." in words(answer)
        assert not Application.objects.exists()
        assert not Subscription.objects.exists()
        assert not AccessToken.objects.exists()

    def test_a_blocked_one_stays_and_says_why(
        self, visit: Browsers, sam: Person, pia: Person, phone: Application, subscription: Subscription
    ) -> None:
        subscribing.subscription_block(actor=Actor.of(pia), subscription=subscription)
        for address in (page(phone, "delete"), reverse("devportal:unsubscribe", args=[subscription.pk])):
            answer = visit(sam).post(address, follow=True)
            assert answer.status_code == 200
            assert "is blocked; it can be" in words(answer)
        assert Subscription.objects.filter(pk=subscription.pk).exists()

    def test_its_page_loads_the_usage_of_the_gateway(self, visit: Browsers, sam: Person, phone: Application) -> None:
        assert f'hx-get="/devportal/fragments/usage/{phone.pk}"' in source(visit(sam).get(page(phone)))

    def test_an_api_that_is_no_longer_on_offer_is_named_but_not_linked(
        self, visit: Browsers, sam: Person, paul: Person, subscription: Subscription, chat: Api
    ) -> None:
        move(chat, paul, "block")
        answer = visit(sam).get(page(subscription.application))
        assert "Chat 1.0.0 Blocked" in words(answer)
        assert page_of(chat) not in source(answer)
