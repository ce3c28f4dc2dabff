"""Two people, or two windows, at a form of a portal about something that is no API: scopes, documents, comments ...

Whoever is slower is told what changed and keeps what was typed; fields that only one of them touched hold both.
"""

from __future__ import annotations

from collections.abc import Callable

import pytest

from apis.models import (
    Api,
    ApiDocument,
    Application,
    Comment,
    Person,
    Subscription,
)
from apis.permissions import Actor
from apis.services import (
    comments,
    designs,
    documents,
    keys,
    scopes,
    subscribing,
)
from tests.apis.browsing import Visit, at, page_of
from tests.apis.browsing import page as application_page

pytestmark = pytest.mark.django_db


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
