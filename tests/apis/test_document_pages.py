"""Documents in both portals: written by carol and pia, read by everybody who may, and nothing in them that runs."""

from __future__ import annotations

import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apis.file_kinds import FILE_LIMIT
from apis.models import ApiDocument
from apis.selectors_social import octets_of
from apis.services import documents, editions
from apis.services.documents import Upload
from tests.apis.browsing import YES, Visit, at, page_of
from tests.apis.files import FILES, PAGE
from tests.apis.test_markdown import HOSTILE, assert_harmless
from tests.apis.world import everything

ALERT = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


@pytest.fixture
def guide(actor, paul, chat):
    return documents.document_create(
        actor=actor(paul), api=chat, name="Guide", summary="Read me", content="# Hello\n\nSay **hello**."
    )


@pytest.fixture
def logo(actor, paul, chat):
    upload = Upload("logo.png", FILES["logo.png"])
    return documents.document_create(actor=actor(paul), api=chat, name="Logo", upload=upload)


def fields(**changes):
    return {"name": "Guide", "type": "howto", "source": "inline", "visibility": "api", "content": "# Hi", **changes}


def file(name: str, octets: bytes) -> SimpleUploadedFile:
    return SimpleUploadedFile(name, octets)


# Publisher portal ------------------------------------------------------------------------------------------------


def test_an_api_without_documents_says_what_a_first_one_would_be(pia, chat):
    shown = Visit(pia).see(at(chat, "documents/"))
    assert "No documents yet" in shown.words
    assert "Write the first one" in shown.buttons


@pytest.mark.parametrize("name", ["carol", "pia", "adam"])
def test_a_document_is_written_read_changed_and_deleted(people, chat, name):
    visit = Visit(people[name])
    shown = visit.do(at(chat, "documents/new"), **fields(summary="Read me"))
    assert "Guide is saved." in shown.words
    assert "Read me" in shown.words
    document = ApiDocument.objects.get()
    assert "<h3>Hi</h3>" in visit.see(at(chat, f"documents/{document.pk}/")).html
    visit.do(at(chat, f"documents/{document.pk}/edit"), **fields(name="Manual", content="line one\r\nline two"))
    document.refresh_from_db()
    assert (document.name, document.content, document.summary) == ("Manual", "line one\nline two", "")
    question = visit.send(at(chat, f"documents/{document.pk}/delete"))
    assert "Delete the document Manual?" in question.words
    assert ApiDocument.objects.exists()
    assert "Manual is deleted." in visit.do(at(chat, f"documents/{document.pk}/delete"), **YES).words
    assert not ApiDocument.objects.exists()


def test_a_link_and_a_file_are_documents_too(pia, chat):
    visit = Visit(pia)
    visit.do(at(chat, "documents/new"), **fields(source="url", url="https://a.example/#b", type="public_forum"))
    link = ApiDocument.objects.get()
    assert (link.source, link.url, link.content) == ("url", "https://a.example/#b", "")
    assert 'rel="noopener noreferrer nofollow"' in visit.see(at(chat, f"documents/{link.pk}/")).html
    visit.do(
        at(chat, "documents/new"), **fields(name="Logo", source="file", upload=file("logo.png", FILES["logo.png"]))
    )
    logo = ApiDocument.objects.get(name="Logo")
    assert octets_of(logo) == FILES["logo.png"]
    assert f"documents/{logo.pk}/image" in visit.see(at(chat, f"documents/{logo.pk}/")).html


def test_a_file_stays_where_no_other_is_sent(pia, chat, logo):
    visit = Visit(pia)
    visit.do(at(chat, f"documents/{logo.pk}/edit"), **fields(name="Our logo", source="file"))
    logo.refresh_from_db()
    assert (logo.name, octets_of(logo)) == ("Our logo", FILES["logo.png"])
    pdf = file("guide.pdf", FILES["guide.pdf"])
    visit.do(at(chat, f"documents/{logo.pk}/edit"), **fields(name="Our logo", source="file", upload=pdf))
    assert octets_of(ApiDocument.objects.get()) == FILES["guide.pdf"]


@pytest.mark.parametrize(
    ("changes", "field", "says"),
    [
        ({"name": ""}, "name", "needs a name"),
        ({"content": ""}, "content", "should not be empty"),
        ({"source": "url", "url": "javascript:alert(1)"}, "url", "http:// or https://"),
        ({"type": "public_forum"}, "content", "give its address"),
        ({"source": "file"}, "upload", "Choose a file."),
        ({"source": "file", "upload": file("logo.png", PAGE)}, "upload", "its content is no PNG image"),
        ({"source": "file", "upload": file("page.html", PAGE)}, "upload", "are not taken"),
        ({"source": "file", "upload": file("a.txt", b"")}, "upload", "The file is empty."),
        ({"source": "file", "upload": file("a.txt", b"x" * (FILE_LIMIT + 1))}, "upload", "at most 5 MiB"),
        ({"type": "poem"}, "type", ""),
        ({"visibility": "secret"}, "visibility", ""),
        ({"source": "air"}, "source", ""),
    ],
)
def test_what_does_not_fit_is_said_beside_its_field_and_the_text_is_kept(pia, chat, changes, field, says):
    before = everything()
    visit = Visit(pia)
    for one in changes.values():
        if isinstance(one, SimpleUploadedFile):
            one.seek(0)
    shown = visit.send(at(chat, "documents/new"), **fields(summary="My summary", **changes))
    assert shown.status == 400
    assert says in shown.beside(field)
    assert shown.beside(field)
    assert "My summary" in shown.html
    if "content" not in changes:
        assert "# Hi" in shown.html
    assert everything() == before


def test_a_name_that_is_taken_is_409_beside_the_name(pia, chat, guide):
    shown = Visit(pia).send(at(chat, "documents/new"), **fields(name="guide"))
    assert (shown.status, shown.beside("name")) == (409, "This API has a document named guide already.")


def test_who_was_slower_is_told_and_keeps_their_text(actor, paul, pia, chat, guide):
    seen = editions.newest(chat.pk)
    documents.document_update(actor=actor(paul), document=guide, content="# From paul", summary="From paul")
    visit, path = Visit(pia), at(chat, f"documents/{guide.pk}/edit")
    shown = visit.send(path, **fields(content="# From pia", summary="Read me", seen=seen))
    assert shown.status == 409
    assert "# From pia" in shown.html
    assert "From paul" in shown.words
    assert ApiDocument.objects.get().content == "# From paul"
    visit.do(path, **fields(content="# From pia", summary="From paul", seen=shown.value("seen")))
    assert ApiDocument.objects.get().content == "# From pia"
    assert visit.send(at(chat, f"documents/{guide.pk}/delete"), seen=seen, **YES).status == 409
    assert ApiDocument.objects.exists()


def test_a_preview_shows_what_is_typed(pia, chat):
    shown = Visit(pia).send(at(chat, "documents/preview"), script=True, content="# Hi <script>alert(1)</script>")
    assert "<h3>Hi &lt;script&gt;" in shown.html
    assert "Nothing to show yet" in Visit(pia).send(at(chat, "documents/preview"), content=" ").html


@pytest.mark.parametrize("tail", ["documents/", "documents/new", "documents/preview", "comments/"])
@pytest.mark.parametrize(("name", "status"), [("sam", 403), ("eve", 403), ("vic", 403), (None, 302)])
def test_the_publisher_portal_is_for_creators_and_publishers(people, chat, tail, name, status):
    visit = Visit(people[name] if name else None)
    assert visit.see(at(chat, tail)).status == status
    assert visit.send(at(chat, tail), **fields()).status == status
    assert not ApiDocument.objects.exists()


def test_documents_of_a_hidden_design_are_not_there(carol, chat, guide):
    chat.access_roles = ["publisher"]
    chat.save()
    visit = Visit(carol)
    for tail in ("", "edit", "delete", "content", "image"):
        assert visit.see(at(chat, f"documents/{guide.pk}/{tail}")).status == 404
    assert visit.send(at(chat, f"documents/{guide.pk}/delete"), **YES).status == 404
    assert ApiDocument.objects.exists()


def test_a_document_of_another_api_is_not_there(paul, draft, guide):
    assert Visit(paul).see(at(draft, f"documents/{guide.pk}/")).status == 404


# Developer portal ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["sam", "vic", "carol", None])
def test_everybody_reads_documents_of_a_public_api(people, chat, guide, logo, name):
    visit = Visit(people[name] if name else None)
    shown = visit.see(page_of(chat))
    assert "Guide" in shown.words
    assert "Read me" in shown.words
    shown = visit.see(page_of(chat, f"documents/{guide.pk}/"))
    assert "<strong>hello</strong>" in shown.html
    assert "Logo" in shown.words
    text = visit.client.get(page_of(chat, f"documents/{guide.pk}/content"))
    assert text.content.decode() == guide.content
    assert text["Content-Disposition"] == 'attachment; filename="Guide.md"'


def test_images_are_shown_in_a_cage_and_everything_else_is_saved(sam, chat, guide, logo, actor, paul):
    upload = Upload("page.txt", PAGE)
    text = documents.document_create(actor=actor(paul), api=chat, name="Text", upload=upload)
    visit = Visit(sam)
    for document, tail, shown in (
        (logo, "image", True), (logo, "content", False), (text, "image", False), (text, "content", False),
        (guide, "image", False),
    ):  # fmt: skip
        answer = visit.client.get(page_of(chat, f"documents/{document.pk}/{tail}"))
        assert answer.status_code == 200
        assert answer["Content-Disposition"].startswith("inline" if shown else "attachment")
        assert answer["X-Content-Type-Options"] == "nosniff"
        assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"
        assert "html" not in answer["Content-Type"]


def test_private_documents_and_those_of_drafts_are_not_in_the_developer_portal(actor, people, chat, guide, draft):
    documents.document_update(actor=actor(people["paul"]), document=guide, visibility="private")
    of_draft = documents.document_create(actor=actor(people["carol"]), api=draft, name="Draft", content="x")
    for name in ("sam", "vic", None):
        visit = Visit(people[name] if name else None)
        assert "Guide" not in visit.see(page_of(chat)).words
        for tail in ("", "content", "image"):
            assert visit.see(page_of(chat, f"documents/{guide.pk}/{tail}")).status == 404
            assert visit.see(page_of(draft, f"documents/{of_draft.pk}/{tail}")).status == 404
    assert "Guide" in Visit(people["carol"]).see(page_of(chat)).words


def test_an_api_for_some_roles_shows_its_documents_to_those_only(people, chat, guide):
    chat.visible_roles = ["creator"]
    chat.save()
    for name, status in (("sam", 404), ("vic", 404), (None, 404), ("carol", 200), ("adam", 200)):
        visit = Visit(people[name] if name else None)
        assert visit.see(page_of(chat, f"documents/{guide.pk}/")).status == status


def test_nothing_that_is_typed_is_run(actor, paul, sam, chat):
    document = documents.document_create(
        actor=actor(paul), api=chat, name=ALERT[:50], summary=ALERT, type="other", other_type=ALERT[:50],
        content=ALERT + "\n\n" + "\n\n".join(HOSTILE),
    )  # fmt: skip
    url = documents.document_create(actor=actor(paul), api=chat, name="Link", url="https://a.example/'><script>")
    pages = [
        Visit(paul).see(at(chat, "documents/")), Visit(paul).see(at(chat, f"documents/{document.pk}/")),
        Visit(paul).see(at(chat, f"documents/{document.pk}/edit")), Visit(paul).see(at(chat, f"documents/{url.pk}/")),
        Visit(paul).send(at(chat, f"documents/{document.pk}/delete")),
        Visit(sam).see(page_of(chat)), Visit(sam).see(page_of(chat, f"documents/{document.pk}/")),
        Visit(sam).see(page_of(chat, f"documents/{url.pk}/")), Visit(paul).see(at(chat, "history/")),
        Visit(paul).send(at(chat, "documents/preview"), content=document.content),
    ]  # fmt: skip
    for shown in pages:
        assert shown.status == 200
        assert "<script>alert" not in shown.html
        assert "<img src=x" not in shown.html
        assert ALERT not in shown.html
    reading = re.search(r'<div class="markdown">(.*?)</div>', pages[6].html, re.S)
    assert reading
    assert_harmless(reading[1])
