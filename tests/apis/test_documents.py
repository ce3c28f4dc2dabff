"""Documents of an API: what carol and pia may write, what a file may be, and who finds it."""

from __future__ import annotations

import pytest

from apis import selectors_social
from apis.errors import Conflict, Forbidden, Invalid, Missing, Stale, Taken
from apis.file_kinds import FILE_LIMIT, KINDS, file_problem
from apis.models import ApiDocument, DocumentFile
from apis.selectors_social import octets_of
from apis.services import designs, documents, editions
from apis.services.documents import Upload, document_create, document_delete, document_update
from tests.apis.files import FILES, PAGE, PROGRAM, zipped
from tests.apis.world import everything, last_entry


@pytest.fixture
def guide(actor, paul, chat):
    return document_create(actor=actor(paul), api=chat, name="Guide", content="# Hello")


def refused(kind, **values):
    with pytest.raises(kind) as caught:
        document_create(**values)
    return caught.value.fields if isinstance(caught.value, Invalid) else caught.value.code


# Files -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_what_its_name_says_is_taken(name):
    assert file_problem(name, FILES[name]) == ""
    assert file_problem(name.upper(), FILES[name]) == ""


def test_there_is_a_real_file_of_every_kind():
    assert {name.rpartition(".")[2] for name in FILES} == set(KINDS)


TEXTS = {"notes.txt", "notes.md", "notes.markdown", "codes.csv", "asyncapi.yaml", "asyncapi.yml", "sample.json"}
ZIPS = {name for name, octets in FILES.items() if octets.startswith(b"PK")}


@pytest.mark.parametrize("name", FILES)
def test_a_file_that_is_something_else_is_refused(name):
    for other, octets in FILES.items():
        same = KINDS[name.rpartition(".")[2]] is KINDS[other.rpartition(".")[2]]
        related = {name, other} <= TEXTS or (name == "client.zip" and other in ZIPS)
        if not same and not related:
            assert "its content is no" in file_problem(name, octets), other
    for octets in (PROGRAM, b"\x00\x01\x02", "Grüße".encode("utf-16")):
        assert "its content is no" in file_problem(name, octets)


def test_a_page_is_text_at_most_and_never_an_image():
    assert file_problem("page.txt", PAGE) == ""
    for name in ("page.png", "page.pdf", "page.zip", "page.docx", "page.json"):
        assert "its content is no" in file_problem(name, PAGE)


@pytest.mark.parametrize(
    "name", ["a.html", "a.svg", "a.exe", "a.js", "a.xhtml", "a.xml", "a.docm", "a.pdf.html", "a.sh"]
)
def test_kinds_that_a_browser_or_a_system_would_run_are_not_taken(name):
    assert "are not taken" in file_problem(name, PAGE)


LONG = "x" * 117 + ".pdf"
ODD = ["", "pdf", ".pdf", "a/b.pdf", "a\\b.pdf", LONG, "a\u202efdp.pdf", "a\n.pdf", "a\x00.pdf", 'a".pdf', "a:b.pdf"]


@pytest.mark.parametrize("name", ODD)
def test_names_that_mislead_are_refused(name):
    assert "needs a name" in file_problem(name, FILES["guide.pdf"])


def test_an_office_file_with_macros_is_refused():
    macros = zipped({"[Content_Types].xml": "x", "word/document.xml": "x", "word/vbaProject.bin": "x"})
    assert "without macros" in file_problem("letter.docx", macros)


@pytest.mark.parametrize("octets", [b"PK\x03\x04", b"PK\x05\x06" + bytes(10), b"PK\x03\x04" + bytes(500)])
def test_a_broken_archive_is_refused(octets):
    assert "ZIP archive" in file_problem("client.zip", octets)


def test_size_is_limited_and_nothing_is_no_file():
    assert file_problem("a.txt", b"x" * FILE_LIMIT) == ""
    assert "at most 5 MiB" in file_problem("a.txt", b"x" * (FILE_LIMIT + 1))
    assert file_problem("a.txt", b"") == "The file is empty."
    assert "JSON" in file_problem("deep.json", b"[" * 100_000)


# Writing ---------------------------------------------------------------------------------------------------------


def test_a_document_is_a_text_a_link_or_a_file(actor, paul, chat):
    text = document_create(actor=actor(paul), api=chat, name="Text", content="# x", summary="Short")
    link = document_create(actor=actor(paul), api=chat, name="Forum", type="public_forum", url="https://a.example/#b")
    upload = Upload("C:\\docs\\guide.pdf", FILES["guide.pdf"])
    file = document_create(actor=actor(paul), api=chat, name="File", type="other", other_type="Poster", upload=upload)
    assert (text.source, text.content, text.type, text.visibility) == ("inline", "# x", "howto", "api")
    assert (link.source, link.url, link.type_label) == ("url", "https://a.example/#b", "Public forum")
    assert (file.source, file.file_name, file.media_type) == ("file", "guide.pdf", "application/pdf")
    assert file.type_label == "Poster"
    assert octets_of(file) == FILES["guide.pdf"]
    assert [entry.action for entry in chat.history.all()[:3]] == ["create_document"] * 3
    assert last_entry().detail["after"]["file"].startswith(f"guide.pdf, {len(FILES['guide.pdf'])} bytes, SHA-256 ")


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"content": "x"}, "name"),
        ({"name": " Guide", "content": "x"}, "name"),
        ({"name": "x" * 51, "content": "x"}, "name"),
        ({"name": "a\nb", "content": "x"}, "name"),
        ({"name": "Guide"}, "content"),
        ({"name": "Guide", "content": " \n"}, "content"),
        ({"name": "Guide", "content": "x" * 100_001}, "content"),
        ({"name": "Guide", "content": "x", "url": "https://a.example"}, "url"),
        ({"name": "Guide", "url": "javascript:alert(1)"}, "url"),
        ({"name": "Guide", "url": "data:text/html,x"}, "url"),
        ({"name": "Guide", "url": "//a.example"}, "url"),
        ({"name": "Guide", "url": "https://us:pw@a.example"}, "url"),
        ({"name": "Guide", "url": "https://a.example/#x y"}, "url"),
        ({"name": "Guide", "content": "x", "type": "poem"}, "type"),
        ({"name": "Guide", "content": "x", "type": "public_forum"}, "content"),
        ({"name": "Guide", "content": "x", "visibility": "secret"}, "visibility"),
        ({"name": "Guide", "content": "x", "summary": "x" * 501}, "summary"),
        ({"name": "Guide", "content": "x", "type": "other", "other_type": "x" * 51}, "other_type"),
        ({"name": "Guide", "upload": Upload("logo.png", PAGE)}, "upload"),
    ],
)
def test_what_does_not_fit_is_refused_by_field_and_changes_nothing(actor, paul, chat, values, field):
    before = everything()
    assert refused(Invalid, actor=actor(paul), api=chat, **values).keys() == {field}
    assert everything() == before


def test_names_are_taken_once_in_an_api_whatever_their_case(actor, paul, chat, guide):
    assert refused(Taken, actor=actor(paul), api=chat, name="GUIDE", content="x").keys() == {"name"}
    other = document_create(actor=actor(paul), api=chat, name="Other", content="x")
    with pytest.raises(Taken):
        document_update(actor=actor(paul), document=other, name="guide")
    document_update(actor=actor(paul), document=guide, name="guide")


def test_an_api_has_so_many_documents_and_no_more(actor, paul, chat, monkeypatch, guide):
    monkeypatch.setattr(documents, "DOCUMENTS_LIMIT", 1)
    assert refused(Conflict, actor=actor(paul), api=chat, name="More", content="x") == "too_many_documents"


def test_another_content_takes_the_place_of_the_one_before(actor, paul, guide):
    paul = actor(paul)
    upload = Upload("logo.png", FILES["logo.png"])
    guide = document_update(actor=paul, document=guide, upload=upload)
    assert (guide.source, guide.content, octets_of(guide)) == ("file", "", FILES["logo.png"])
    guide = document_update(actor=paul, document=guide, upload=Upload("a.pdf", FILES["guide.pdf"]))
    assert (guide.media_type, octets_of(guide)) == ("application/pdf", FILES["guide.pdf"])
    guide = document_update(actor=paul, document=guide, url="https://a.example/")
    guide.refresh_from_db()
    assert (guide.source, guide.url, guide.file_name, guide.size_bytes) == ("url", "https://a.example/", "", 0)
    assert not DocumentFile.objects.exists()
    guide = document_update(actor=paul, document=guide, content="# Again")
    assert (guide.source, guide.url, guide.content) == ("inline", "", "# Again")
    assert last_entry().detail["before"] == {"content": "", "url": "https://a.example/", "file": ""}


def test_changing_words_keeps_the_content_and_nothing_changed_writes_nothing(actor, paul, guide):
    guide = document_update(actor=actor(paul), document=guide, summary="Read me", visibility="private")
    assert (guide.content, guide.summary) == ("# Hello", "Read me")
    entry = last_entry()
    assert (entry.action, entry.detail["before"], entry.detail["after"]) == (
        "update_document",
        {"summary": "", "visibility": "api"},
        {"summary": "Read me", "visibility": "private"},
    )
    document_update(actor=actor(paul), document=guide, summary="Read me", content="# Hello")
    assert last_entry() == entry


def test_a_text_cannot_become_a_forum(actor, paul, guide):
    with pytest.raises(Invalid) as caught:
        document_update(actor=actor(paul), document=guide, type="support_forum")
    assert caught.value.fields.keys() == {"type"}


def test_two_people_at_one_document_are_put_together_or_told(actor, paul, pia, chat, guide):
    seen = editions.newest(chat.pk)
    document_update(actor=actor(pia), document=guide, content="# Hello from pia", seen=seen)
    whole = {"name": "Guide", "summary": "Mine", "content": "# Hello"}
    guide = document_update(actor=actor(paul), document=guide, seen=seen, **whole)
    assert (guide.content, guide.summary) == ("# Hello from pia", "Mine")
    with pytest.raises(Stale):
        document_update(actor=actor(paul), document=guide, content="# Hello from paul", seen=seen)
    with pytest.raises(Stale):
        document_delete(actor=actor(paul), document=guide, seen=seen)
    document_delete(actor=actor(paul), document=guide, seen=editions.newest(chat.pk))


def test_what_is_deleted_is_gone_with_its_file(actor, paul, chat):
    upload = Upload("logo.png", FILES["logo.png"])
    logo = document_create(actor=actor(paul), api=chat, name="Logo", upload=upload)
    document_delete(actor=actor(paul), document=logo)
    assert not ApiDocument.objects.exists()
    assert not DocumentFile.objects.exists()
    assert (last_entry().action, last_entry().detail["after"]) == ("delete_document", None)


def test_a_new_version_has_the_documents_too(actor, paul, chat, guide):
    upload = Upload("logo.png", FILES["logo.png"])
    logo = document_create(actor=actor(paul), api=chat, name="Logo", upload=upload, visibility="private")
    copy = designs.api_version_create(actor=actor(paul), api=chat, version="2.0.0")
    names = {document.name: document for document in copy.documents.all()}
    assert names.keys() == {"Guide", "Logo"}
    assert octets_of(names["Logo"]) == FILES["logo.png"]
    assert (names["Logo"].visibility, names["Guide"].content) == ("private", "# Hello")
    document_delete(actor=actor(paul), document=logo)
    assert octets_of(copy.documents.get(name="Logo")) == FILES["logo.png"]


# Rights ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["carol", "pia", "paul", "adam"])
def test_creators_and_publishers_write_documents(actor, people, chat, name):
    document = document_create(actor=actor(people[name]), api=chat, name="Guide", content="x")
    document_update(actor=actor(people[name]), document=document, content="y")
    document_delete(actor=actor(people[name]), document=document)


@pytest.mark.parametrize("name", ["sam", "eve", "vic"])
def test_nobody_else_does(actor, people, chat, guide, name):
    before = everything()
    stranger = actor(people[name])
    assert refused(Forbidden, actor=stranger, api=chat, name="Mine", content="x") == "forbidden"
    with pytest.raises(Forbidden):
        document_update(actor=stranger, document=guide, content="x")
    with pytest.raises(Forbidden):
        document_delete(actor=stranger, document=guide)
    assert everything() == before


def test_somebody_who_may_not_see_the_design_writes_nothing(actor, carol, chat, guide):
    chat.access_roles = ["publisher"]
    chat.save()
    assert refused(Forbidden, actor=actor(carol), api=chat, name="Mine", content="x") == "forbidden"


def test_private_documents_are_found_only_by_who_sees_the_design(actor, people, chat, guide):
    private = document_create(actor=actor(people["paul"]), api=chat, name="Secret", content="x", visibility="private")
    for name in ("sam", "eve", "vic", None):
        reader = actor(people[name]) if name else None
        assert [one.name for one in selectors_social.documents_of(reader, chat)] == ["Guide"]
        with pytest.raises(Missing):
            selectors_social.document_get(reader, chat, private.pk)
    for name in ("carol", "pia", "paul", "adam"):
        assert selectors_social.document_get(actor(people[name]), chat, private.pk) == private


def test_a_search_finds_documents_that_their_reader_finds(rest, visit, actor, paul, sam, carol, chat, guide):
    document_update(actor=actor(paul), document=guide, summary="For beginners", content="Mind the marmalade.")
    document_create(actor=actor(paul), api=chat, name="Runbook", content="Restart the toaster.", visibility="private")

    def found(person, words):
        count = rest(person).get(f"/apis?search={words}").ok()["count"]
        shown = visit(person).get("/devportal/", {"q": words.replace("%20", " ")}).content.decode()
        return count, f"/devportal/apis/{chat.pk}/" in shown

    assert found(sam, "beginners") == (1, True)
    assert found(sam, "doc:marmalade") == (1, True)
    assert found(sam, "marmalade") == (0, False)  # a whole text is looked through only where it is asked for
    assert found(sam, "document:toaster") == (0, False)
    assert found(sam, "Runbook") == (0, False)
    assert found(carol, "document:toaster")[0] == 1
