"""Moving an API along its lifecycle in the publisher portal, further versions, and the end."""

from __future__ import annotations

from typing import Any

from apis.models import Api, Person, Subscription
from apis.services import publishing
from tests.apis.browsing import YES, Visit, at


def test_the_lifecycle_offers_exactly_what_is_legal_to_publishers(carol: Person, pia: Person, draft: Api) -> None:
    page = at(draft, "lifecycle/")
    shown = Visit(pia).see(page)
    assert "Missing: There is no endpoint, so there is nothing to connect to. Endpoints" in shown.words
    assert "Missing: No business plan is chosen, so nobody could subscribe. Business plans" in shown.words
    assert f'href="{at(draft, "endpoints/")}"' in shown.html
    assert [word for word in shown.buttons if word in {"Publish", "Pre-release", "Block", "Retire"}] == [
        "Publish",
        "Pre-release",
    ]
    refused = Visit(pia).send(page, action="publish")
    assert refused.status == 409
    assert "endpoint, business_plans" in refused.words
    assert Visit(pia).send(page, action="retire", **YES).status == 409
    assert Visit(pia).send(page, action="fly").status == 400
    shown = Visit(carol).see(page)
    assert "Only publishers move an API" in shown.words
    assert "Publish" not in shown.buttons
    assert Visit(carol).send(page, action="publish").status == 403
    draft.refresh_from_db()
    assert draft.state == "created"


def test_what_hurts_is_asked_first_and_history_says_who_did_it(paul: Person, pia: Person, chat: Api) -> None:
    page = at(chat, "lifecycle/")
    asked = Visit(pia).send(page, action="block")
    assert asked.status == 200
    assert "cut off within a second" in asked.words
    chat.refresh_from_db()
    assert chat.state == "published"
    shown = Visit(pia).do(page, action="block", **YES)
    assert "Chat 1.0.0 is blocked." in shown.words
    Visit(pia).do(page, action="deprecate", **YES)
    assert "This cannot be undone." in Visit(pia).send(page, action="retire").words
    shown = Visit(pia).do(page, action="retire", **YES)
    assert "Retired is the last state." in shown.words
    moves = shown.words[shown.words.index("Transitions so far") :]
    assert [moves.index(move) for move in ("Retire ", "Deprecate ", "Block ", "Publish ")] == sorted(
        moves.index(move) for move in ("Retire ", "Deprecate ", "Block ", "Publish ")
    )
    assert moves.count("pia") == 3
    assert moves.count("paul") == 1


def test_check_items_come_with_publish(paul: Person, sam: Person, chat: Api, subscription: Subscription) -> None:
    shown = Visit(paul).do(at(chat, "new-version/"), version="2.0.0")
    new = Api.objects.get(version="2.0.0")
    assert "Chat 2.0.0 is created with the design of 1.0.0." in shown.words
    assert "Deprecate old versions after publishing the API" in Visit(paul).see(at(new, "lifecycle/")).words
    items = {"deprecate_old_versions": "yes", "require_resubscription": "yes"}
    shown = Visit(paul).do(at(new, "lifecycle/"), action="publish", **items, **YES)
    assert "Require re-subscription when publishing the API" in shown.words
    chat.refresh_from_db()
    assert chat.state == "deprecated"
    assert not new.subscriptions.exists()


def test_publishing_from_the_overview_leads_back_there(paul: Person, carol: Person, draft: Api) -> None:
    Visit(carol).do(at(draft, "endpoints/"), key_type="production", url="ws://one.example.com")
    Visit(carol).do(at(draft, "plans/"), business_plans=["Gold"])
    shown = Visit(paul).see(at(draft))
    assert "Publishing also deploys a first revision." in shown.words
    shown = Visit(paul).do(at(draft, "lifecycle/"), action="publish", back="overview", **YES)
    assert shown.response.redirect_chain[-1][0] == at(draft)  # type: ignore[attr-defined]
    assert "Revision 1 on Default" in shown.words


def test_a_version_that_exists_is_refused_beside_the_field(paul: Person, chat: Api) -> None:
    shown = Visit(paul).send(at(chat, "new-version/"), script=True, version="1.0.0")
    assert shown.status == 409
    assert shown.html.lstrip().startswith("<form")
    assert shown.beside("version") == "Version 1.0.0 of Chat already exists."
    assert Visit(paul).send(at(chat, "new-version/"), version="").status == 400


def test_an_api_with_subscriptions_is_not_deleted(
    paul: Person, chat: Api, subscription: Subscription, draft: Api
) -> None:
    assert "Delete Chat 1.0.0?" in Visit(paul).send(at(chat, "delete/")).words
    refused = Visit(paul).send(at(chat, "delete/"), **YES)
    assert refused.status == 409
    assert "1 subscription(s); they must be removed first" in refused.words
    assert Api.objects.filter(pk=chat.pk).exists()
    shown = Visit(paul).do(at(draft, "delete/"), **YES)
    assert "Draft 1.0.0 is deleted." in shown.words
    assert Visit(paul).see(at(draft)).status == 404


def test_an_api_that_vanishes_in_between_is_not_found(paul: Person, draft: Api, monkeypatch: Any) -> None:
    def late(**_: Any) -> Api:
        return Api.objects.get(pk=draft.version_set_id)

    monkeypatch.setattr(publishing, "api_transition", late)
    assert Visit(paul).send(at(draft, "lifecycle/"), action="publish").status == 404
