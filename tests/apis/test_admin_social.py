"""Documents and comments in the administration."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apis.models import ApiDocument, Comment, HistoryEntry
from apis.selectors_social import octets_of
from apis.services import comments, documents
from tests.apis.browsing import words
from tests.apis.files import FILES, PAGE
from tests.apis.office import at, desk


@pytest.fixture
def guide(actor, paul, chat):
    return documents.document_create(actor=actor(paul), api=chat, name="Guide", content="# Hello")


@pytest.fixture
def question(actor, sam, chat):
    return comments.comment_create(actor=actor(sam), api=chat, content="Is the order kept?")


def test_pia_writes_changes_and_deletes_a_document(pia, chat):
    office = desk(pia)
    office.done(office.press(at(ApiDocument, "add"), api=str(chat.pk), name="Guide", type="howto",
                             visibility="api", content="# Hi"))  # fmt: skip
    document = ApiDocument.objects.get()
    assert (document.source, document.content, document.api) == ("inline", "# Hi", chat)
    office.done(office.press(at(document), summary="Read me"))
    document.refresh_from_db()
    assert (document.summary, document.content) == ("Read me", "# Hi")
    logo = SimpleUploadedFile("logo.png", FILES["logo.png"])
    office.done(office.press(at(document), upload=logo))
    document = ApiDocument.objects.get()
    assert (document.source, octets_of(document)) == ("file", FILES["logo.png"])
    office.client.post(at(document, "delete"), {"post": "yes"})
    assert not ApiDocument.objects.exists()


def test_what_does_not_fit_is_said_beside_its_field(pia, chat, guide):
    office = desk(pia)
    for changes, text in (
        ({"name": "guide"}, "already"),
        ({"name": "x", "url": "javascript:alert(1)"}, "http:// or https://"),
        ({"name": "x"}, "one of three"),
        ({"name": "x", "content": "y", "api": ""}, "Choose an API."),
        ({"name": "x", "upload": SimpleUploadedFile("logo.png", PAGE)}, "its content is no PNG image"),
    ):
        sent = {"api": str(chat.pk), "type": "howto", "visibility": "api", **changes}
        if "name" in changes and changes["name"] == "guide":
            sent["content"] = "x"
        answer = office.press(at(ApiDocument, "add"), **sent)
        assert answer.status_code in {400, 409}, changes
        assert text in words(answer)
    assert ApiDocument.objects.count() == 1


def test_a_hidden_design_has_no_documents_and_comments_here(carol, chat, guide, question):
    chat.access_roles = ["publisher"]
    chat.save()
    office = desk(carol)
    for row in (guide, question):
        assert "Chat" not in words(office.open(at(type(row), "changelist")))
        assert office.client.get(at(row)).status_code == 302  # not there, says a message
    assert "Chat" not in words(office.open(at(ApiDocument, "add")))


def test_pia_removes_a_comment_and_carol_only_reads_it(pia, carol, chat, question):
    office = desk(carol)
    assert "Is the order kept?" in words(office.open(at(question)))
    assert office.client.post(at(question, "delete"), {"post": "yes"}).status_code == 403
    desk(pia).client.post(at(question, "delete"), {"post": "yes"})
    assert not Comment.objects.exists()
    assert HistoryEntry.objects.order_by("-id")[0].action == "delete_comment"


def test_what_is_removed_is_not_listed(actor, pia, sam, paul, chat, question):
    comments.comment_create(actor=actor(paul), api=chat, content="It is.", reply_to=question.pk)
    comments.comment_delete(actor=actor(sam), comment=question)
    page = words(desk(pia).open(at(Comment, "changelist")))
    assert "It is." in page
    assert "1 Comment" in page or "1 comment" in page
