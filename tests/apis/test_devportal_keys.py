"""The developer portal: keys, secrets and tokens, each shown once and to its owner only."""

from __future__ import annotations

import hashlib
import re
from typing import Any

import pytest
from django.contrib.sessions.models import Session
from django.http import HttpResponse
from django.test import Client
from oauth2_provider.models import AccessToken

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import publishing, subscribing
from tests.apis.browsing import Browsers, copied, page, page_of, source, words


class TestKeysAndTokens:
    def generate(self, browser: Client, application: Application, **values: Any) -> HttpResponse:
        return browser.post(
            page(application, "keys/production/generate"), {"grant_types": "client_credentials", **values}
        )

    def test_the_secret_is_shown_in_the_answer_that_makes_it_and_never_again(
        self, visit: Browsers, sam: Person, phone: Application
    ) -> None:
        browser = visit(sam)
        answer = self.generate(browser, phone)
        assert answer.status_code == 200
        secret = copied(answer, "production-secret")
        client = phone.key_pairs.get().client
        assert copied(answer, "production-key") == client.client_id
        for later in (browser.get(page(phone)), browser.get("/devportal/applications/")):
            assert secret not in source(later)
        assert client.client_id in source(browser.get(page(phone)))

    def test_the_secret_is_kept_only_as_a_hash(self, visit: Browsers, sam: Person, phone: Application) -> None:
        secret = copied(self.generate(visit(sam), phone), "production-secret")
        stored = phone.key_pairs.get().client.client_secret
        assert secret not in stored
        assert stored.startswith("pbkdf2_sha256")

    def test_what_is_secret_is_kept_by_no_cache_and_stands_in_no_session_message_or_address(
        self, visit: Browsers, sam: Person, phone: Application, subscription: Subscription
    ) -> None:
        browser = visit(sam)
        made = self.generate(browser, phone)
        token = browser.post(page(phone, "keys/production/token"), {"api": str(subscription.api_id)})
        again = browser.post(page(phone, "keys/production/secret"))
        secrets = [
            copied(made, "production-secret"),
            copied(token, "production-token"),
            copied(again, "production-secret"),
        ]
        for answer in (made, token, again):
            assert answer.status_code == 200, "a redirect could only carry it in an address or a session"
            assert "no-store" in answer["Cache-Control"]
            addresses = re.findall(r'(?:href|action|src|hx-get)="([^"]*)"', source(answer))
            assert addresses
            for address in addresses:
                assert not any(one in address for one in secrets)
        kept = "".join(str(session.get_decoded()) for session in Session.objects.all()) + str(browser.cookies)
        assert not any(one in kept for one in secrets)

    def test_a_token_is_shown_once_with_its_expiry_and_lines_that_contain_it(
        self, visit: Browsers, sam: Person, phone: Application, subscription: Subscription
    ) -> None:
        browser = visit(sam)
        self.generate(browser, phone)
        answer = browser.post(page(phone, "keys/production/token"), {"api": str(subscription.api_id)})
        token = copied(answer, "production-token")
        row = AccessToken.objects.get()
        assert row.token_checksum == hashlib.sha256(token.encode()).hexdigest()
        assert token not in row.token
        assert "expires in 60 minutes" in words(answer)
        line = f"wscat -c 'ws://localhost:9099/chat/1.0.0' -H 'Authorization: Bearer {token}'"
        assert copied(answer, "production-wscat-0") == line
        assert copied(answer, "production-wscat-1").startswith("wscat -n -c 'wss://localhost:8099/chat/1.0.0'")
        assert "base64url.bearer.authorization." in copied(answer, "production-browser")
        assert token not in source(browser.get(page(phone)))

    def test_the_lines_are_for_the_api_subscribed_last_unless_another_is_asked_for(
        self, visit: Browsers, sam: Person, paul: Person, phone: Application, subscription: Subscription
    ) -> None:
        browser = visit(sam)
        self.generate(browser, phone)
        aardvark = publishing.api_create_and_publish(
            actor=Actor.of(paul), name="Aardvark", context="/aardvark", version="1", business_plans=["Bronze"],
            endpoint="wss://aardvark.example.com",
        )  # fmt: skip
        subscribing.subscription_create(actor=Actor.of(sam), api=aardvark, application=phone, business_plan="Bronze")
        latest = browser.post(page(phone, "keys/production/token"))
        assert "/aardvark/1" in copied(latest, "production-wscat-0")
        asked = browser.post(page(phone, "keys/production/token"), {"api": str(subscription.api_id)})
        assert "/chat/1.0.0" in copied(asked, "production-wscat-0")
        assert f'<option value="{subscription.api_id}" selected' in source(asked)

    def test_a_token_comes_from_the_apis_page_too(
        self, visit: Browsers, sam: Person, phone: Application, subscription: Subscription, chat: Api
    ) -> None:
        browser = visit(sam)
        self.generate(browser, phone)
        key = phone.key_pairs.get().client.client_id
        before = browser.get(page_of(chat))
        assert "Keys (done)" in words(before)
        assert f"'{key}:CONSUMER_SECRET'" in copied(before, "get-token")
        answer = browser.post(page_of(chat, "token"), {"application": str(phone.pk), "key_type": "production"})
        token = copied(answer, "access-token")
        assert token in copied(answer, "wscat-0")
        assert "no-store" in answer["Cache-Control"]
        assert token not in source(browser.get(page_of(chat)))

    def test_the_token_button_of_an_apis_page_makes_none_for_somebody_elses_application(
        self, visit: Browsers, eve: Person, phone: Application, subscription: Subscription, chat: Api
    ) -> None:
        for sent in ({"application": str(phone.pk)}, {"application": "\x00"}, {}, {"key_type": "gold"}):
            assert visit(eve).post(page_of(chat, "token"), sent).status_code == 302
        assert not AccessToken.objects.exists()

    def test_regenerating_asks_first_and_the_old_secret_stops_working(
        self, visit: Browsers, sam: Person, phone: Application
    ) -> None:
        browser = visit(sam)
        old = copied(self.generate(browser, phone), "production-secret")
        before = phone.key_pairs.get().client.client_secret
        assert "Regenerate the production secret?" in words(browser.get(page(phone, "keys/production/secret")))
        assert phone.key_pairs.get().client.client_secret == before
        new = copied(browser.post(page(phone, "keys/production/secret")), "production-secret")
        assert new != old
        assert phone.key_pairs.get().client.client_secret != before

    def test_generating_twice_is_a_conflict_and_keeps_the_first_keys(
        self, visit: Browsers, sam: Person, phone: Application
    ) -> None:
        browser = visit(sam)
        self.generate(browser, phone)
        before = phone.key_pairs.get().client.client_secret
        answer = self.generate(browser, phone)
        assert answer.status_code == 409
        assert "regenerate their secret instead" in words(answer)
        assert phone.key_pairs.get().client.client_secret == before

    def test_production_and_sandbox_have_keys_of_their_own(
        self, visit: Browsers, sam: Person, phone: Application
    ) -> None:
        browser = visit(sam)
        self.generate(browser, phone)
        browser.post(page(phone, "keys/sandbox/generate"), {"grant_types": "client_credentials"})
        clients = {pair.key_type: pair.client.client_id for pair in phone.key_pairs.all()}
        assert set(clients) == {"production", "sandbox"}
        assert clients["production"] != clients["sandbox"]

    @pytest.mark.parametrize(
        ("values", "sentence"),
        [
            ({"grant_types": []}, "This should be a list out of"),
            ({"grant_types": ["password"]}, "not one of the available choices"),
            ({"grant_types": ["refresh_token"]}, "refresh_token needs authorization_code"),
            ({"grant_types": ["authorization_code"]}, "at least one redirect URI"),
            (
                {"grant_types": ["authorization_code"], "redirect_uris": "https://a.example/cb\nhttp://b.example/cb"},
                "Line 2: This should start with https://",
            ),
            ({"grant_types": ["authorization_code"], "redirect_uris": "https://a.example/\x00"}, "Null characters"),
            ({"grant_types": ["authorization_code"], "redirect_uris": "http://[::1"}, "Line 1: This is not a URL."),
        ],
    )
    def test_bad_grants_and_redirects_are_said_beside_their_field_and_make_no_keys(
        self, visit: Browsers, sam: Person, phone: Application, values: dict[str, Any], sentence: str
    ) -> None:
        answer = visit(sam).post(page(phone, "keys/production/generate"), values)
        assert answer.status_code == 400
        assert sentence in words(answer)
        assert not phone.key_pairs.exists()

    def test_keys_for_the_authorization_code_come_with_its_commands(
        self, visit: Browsers, sam: Person, phone: Application
    ) -> None:
        answer = self.generate(
            visit(sam), phone, grant_types=["authorization_code", "refresh_token"],
            redirect_uris="https://app.example.com/cb?x=1",
        )  # fmt: skip
        asked = copied(answer, "production-authorize")
        assert "code_challenge_method=S256" in asked
        assert "redirect_uri=https%3A%2F%2Fapp.example.com%2Fcb%3Fx%3D1" in asked
        assert "code_verifier=$VERIFIER" in copied(answer, "production-exchange")

    def test_grants_and_redirects_can_be_changed_later(self, visit: Browsers, sam: Person, phone: Application) -> None:
        browser = visit(sam)
        self.generate(browser, phone)
        values = {"grant_types": ["authorization_code"], "redirect_uris": "http://localhost:3000/cb"}
        browser.post(page(phone, "keys/production/update"), values)
        pair = phone.key_pairs.get()
        assert pair.grant_types == ["authorization_code"]
        assert pair.client.redirect_uris == "http://localhost:3000/cb"
        refused = browser.post(page(phone, "keys/production/update"), {"grant_types": []})
        assert refused.status_code == 400
        assert phone.key_pairs.get().grant_types == ["authorization_code"]

    @pytest.mark.parametrize("verb", ["generate", "update", "token"])
    def test_opening_the_address_of_a_button_leads_to_the_keys(
        self, visit: Browsers, sam: Person, phone: Application, verb: str
    ) -> None:
        assert visit(sam).get(page(phone, f"keys/sandbox/{verb}"))["Location"] == page(phone) + "#sandbox"

    @pytest.mark.parametrize("tail", ["keys/gold/generate", "keys/production/revoke", "keys/production/secret"])
    def test_keys_that_do_not_exist_are_not_found(
        self, visit: Browsers, sam: Person, phone: Application, tail: str
    ) -> None:
        assert visit(sam).post(page(phone, tail)).status_code == 404

    def test_a_token_without_a_subscription_says_what_is_missing(
        self, visit: Browsers, sam: Person, phone: Application
    ) -> None:
        browser = visit(sam)
        self.generate(browser, phone)
        for sent in ({}, {"api": "\x00"}, {"api": "no-uuid"}):
            answer = browser.post(page(phone, "keys/production/token"), sent)
            assert answer.status_code == 200
            assert "Subscribe this application to an API" in words(answer)
