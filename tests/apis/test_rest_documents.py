"""Documents, comments and ratings through REST."""

from __future__ import annotations

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from apis.file_kinds import FILE_LIMIT
from apis.models import ApiDocument, Comment
from apis.rest.uploads import FORM_LIMIT
from apis.services import comments, documents
from apis.services.attempts import Attempts
from apis.services.documents import Upload
from tests.apis.conftest import PROBLEM, Answer
from tests.apis.files import FILES, PAGE
from tests.apis.world import everything


@pytest.fixture
def guide(actor, paul, chat):
    return documents.document_create(actor=actor(paul), api=chat, name="Guide", content="# Hello")


@pytest.fixture
def logo(actor, paul, chat):
    upload = Upload("logo.png", FILES["logo.png"])
    return documents.document_create(actor=actor(paul), api=chat, name="Logo", upload=upload)


@pytest.fixture
def question(actor, sam, chat):
    return comments.comment_create(actor=actor(sam), api=chat, content="Is the order kept?")


def form(caller, method: str, path: str, *, file: str = "", octets: bytes = b"", **fields: object) -> Answer:
    """Send a form, with a file where one is named."""
    parts = {**fields, "file": SimpleUploadedFile(file, octets)} if file else fields
    boundary = "----a-boundary"
    body = b"".join(_part(boundary, name, value) for name, value in parts.items()) + f"--{boundary}--\r\n".encode()
    sent = getattr(caller.client, method)(
        "/api/v1" + path, body, content_type=f"multipart/form-data; boundary={boundary}", headers=caller.headers
    )
    return Answer(sent.status_code, sent.json() if sent.content else None, sent.headers)


def _part(boundary: str, name: str, value: object) -> bytes:
    is_file = isinstance(value, SimpleUploadedFile)
    what = f'; filename="{value.name}"' if is_file else ""
    head = f'--{boundary}\r\nContent-Disposition: form-data; name="{name}"{what}\r\n\r\n'.encode()
    return head + (value.read() if is_file else str(value).encode()) + b"\r\n"


def content(caller, path: str):
    return caller.client.get("/api/v1" + path, headers=caller.headers)


# Documents -------------------------------------------------------------------------------------------------------


def test_paul_writes_documents_and_sam_reads_them(rest, paul, sam, chat):
    pauls, path = rest(paul), f"/apis/{chat.pk}/documents"
    made = pauls.post(path, {"name": "Guide", "content": "# Hello", "summary": "Read me"})
    assert made.ok(201)["source"] == "inline"
    assert made.headers["Location"] == f"/api/v1{path}/{made.body['id']}"
    link = pauls.post(path, {"name": "Forum", "type": "public_forum", "url": "https://a.example"}).ok(201)
    file = form(pauls, "post", path, name="Logo", type="other", file="logo.png", octets=FILES["logo.png"]).ok(201)
    assert (file["source"], file["file_name"], file["media_type"]) == ("file", "logo.png", "image/png")
    sams = rest(sam)
    listed = sams.get(path).ok()
    assert [one["name"] for one in listed["results"]] == ["Forum", "Guide", "Logo"]
    assert sams.get(f"{path}/{link['id']}").ok() == link
    assert "content" not in link
    text = content(sams, f"{path}/{made.body['id']}/content")
    assert (text.status_code, text.content, text["Content-Type"]) == (200, b"# Hello", "text/markdown; charset=utf-8")
    octets = content(sams, f"{path}/{file['id']}/content")
    assert (octets.content, octets["Content-Type"]) == (FILES["logo.png"], "image/png")
    away = content(sams, f"{path}/{link['id']}/content")
    assert (away.status_code, away["Location"]) == (303, "https://a.example")


@pytest.mark.parametrize("name", ["guide", "logo"])
def test_content_is_saved_and_never_run(rest, sam, chat, request, name):
    document = request.getfixturevalue(name)
    answer = content(rest(sam), f"/apis/{chat.pk}/documents/{document.pk}/content")
    assert answer["Content-Disposition"].startswith("attachment")
    assert answer["X-Content-Type-Options"] == "nosniff"
    assert answer["Content-Security-Policy"] == "default-src 'none'; frame-ancestors 'none'; sandbox"


def test_a_page_that_calls_itself_text_is_served_as_text(rest, paul, chat):
    pauls, path = rest(paul), f"/apis/{chat.pk}/documents"
    file = form(pauls, "post", path, name="Page", file="page.md", octets=PAGE).ok(201)
    answer = content(pauls, f"{path}/{file['id']}/content")
    assert answer["Content-Type"] == "text/plain; charset=utf-8"
    assert answer["Content-Disposition"] == 'attachment; filename="page.md"'


def test_the_content_of_a_document_is_replaced_by_another(rest, paul, chat, guide):
    pauls, path = rest(paul), f"/apis/{chat.pk}/documents/{guide.pk}"
    assert pauls.put(f"{path}/content", {"content": "# Bye"}).ok()["source"] == "inline"
    done = form(pauls, "put", f"{path}/content", file="guide.pdf", octets=FILES["guide.pdf"]).ok()
    assert (done["source"], done["size_bytes"]) == ("file", len(FILES["guide.pdf"]))
    assert pauls.patch(path, {"url": "https://a.example", "name": "Link"}).ok()["source"] == "url"
    form(pauls, "patch", path, name="x").refused(415)
    assert pauls.delete(path).status == 204
    pauls.get(path).refused(404)


def test_a_file_that_is_something_else_is_refused_at_its_field(rest, paul, chat, guide):
    pauls, path = rest(paul), f"/apis/{chat.pk}/documents"
    before = everything()
    for method, where, fields in (("post", path, {"name": "Logo"}), ("put", f"{path}/{guide.pk}/content", {})):
        for file, octets in (("logo.png", PAGE), ("logo.html", PAGE), ("a.txt", b"")):
            errors = form(pauls, method, where, file=file, octets=octets, **fields).refused(400, "invalid")
            assert errors.keys() == {"#/file"}
    assert everything() == before


def test_forms_are_as_strict_as_json(rest, paul, chat):
    pauls, path = rest(paul), f"/apis/{chat.pk}/documents"
    before = everything()
    png = {"file": "logo.png", "octets": FILES["logo.png"]}
    assert form(pauls, "post", path, name="x").refused(400).keys() == {"#/file"}
    assert form(pauls, "post", path, **png).refused(400).keys() == {"#/name"}
    assert form(pauls, "post", path, name="x", surprise="y", **png).refused(400).keys() == {"#/surprise"}
    assert form(pauls, "post", path, name="x\x00", **png).refused(400).keys() == {"#/name"}
    assert form(pauls, "post", path, name="x", type="poem", **png).refused(400).keys() == {"#/type"}
    assert pauls.post(path, {"name": "x", "file": "logo.png"}).refused(400).keys() == {"#/file"}
    twice = b"".join(_part("b", "name", value) for value in "xy") + b"--b--\r\n"
    kind = "multipart/form-data; boundary=b"
    sent = pauls.client.post(f"/api/v1{path}", twice, content_type=kind, headers=pauls.headers)
    assert (sent.status_code, sent.json()["errors"][0]["pointer"]) == (400, "#/name")
    for body in (b"", b"--b", b"--b\r\n\r\n", b"\xff" * 100):
        sent = pauls.client.post(f"/api/v1{path}", body, content_type=kind, headers=pauls.headers)
        assert (sent.status_code, sent["Content-Type"]) == (400, PROBLEM), body
    sent = pauls.client.post(f"/api/v1{path}", b"x", content_type="multipart/form-data", headers=pauls.headers)
    assert (sent.status_code, sent["Content-Type"]) == (400, PROBLEM)
    assert everything() == before


def test_a_file_that_is_too_large_is_413_before_it_is_read_and_400_by_name(rest, paul, chat):
    pauls, path = rest(paul), f"/apis/{chat.pk}/documents"
    before = everything()
    form(pauls, "post", path, name="x", file="a.txt", octets=b"x" * FORM_LIMIT).refused(413)
    errors = form(pauls, "post", path, name="x", file="a.txt", octets=b"x" * (FILE_LIMIT + 1)).refused(400)
    assert "at most 5 MiB" in errors["#/file"]
    assert everything() == before
    form(pauls, "post", path, name="x", file="a.txt", octets=b"x" * FILE_LIMIT).ok(201)


def test_a_portal_session_uploads_with_its_token_only(paul, chat):
    browser = Client(enforce_csrf_checks=True)
    browser.force_login(paul, backend="django.contrib.auth.backends.ModelBackend")
    path = f"/api/v1/apis/{chat.pk}/documents"
    file = SimpleUploadedFile("logo.png", FILES["logo.png"])
    assert browser.post(path, {"name": "Logo", "file": file}).status_code == 403
    browser.get("/devportal/")
    browser.get(f"/devportal/apis/{chat.pk}/")
    token = browser.cookies["wsportal_csrf"].value
    file.seek(0)
    sent = browser.post(path, {"name": "Logo", "file": file}, headers={"X-CSRFToken": token})
    assert sent.status_code == 201, sent.content


def test_private_documents_and_those_of_drafts_are_not_there_for_sam(rest, paul, sam, vic, carol, chat, draft, actor):
    hidden = documents.document_create(actor=actor(paul), api=chat, name="Secret", content="x", visibility="private")
    path = f"/apis/{chat.pk}/documents"
    for person in (sam, vic):
        caller = rest(person)
        assert caller.get(path).ok()["count"] == 0
        caller.get(f"{path}/{hidden.pk}").refused(404)
        assert content(caller, f"{path}/{hidden.pk}/content").status_code == 404
        caller.patch(f"{path}/{hidden.pk}", {"name": "x"}).refused(404)
        caller.delete(f"{path}/{hidden.pk}").refused(404)
        caller.get(f"/apis/{draft.pk}/documents").refused(404)
        caller.post(path, {"name": "Mine", "content": "x"}).refused(403)
    rest().get(path).refused(401)
    assert rest(carol).get(path).ok()["count"] == 1


def test_a_document_belongs_to_one_api(rest, paul, draft, chat, guide):
    rest(paul).get(f"/apis/{draft.pk}/documents/{guide.pk}").refused(404)


def test_a_token_that_may_only_read_writes_nothing(rest, paul, chat, guide):
    reader, path = rest(paul, ["api:read"]), f"/apis/{chat.pk}/documents"
    reader.post(path, {"name": "x", "content": "y"}).refused(403, "insufficient_scope")
    reader.put(f"{path}/{guide.pk}/content", {"content": "y"}).refused(403, "insufficient_scope")
    reader.post(f"/apis/{chat.pk}/comments", {"content": "y"}).refused(403, "insufficient_scope")
    reader.put(f"/apis/{chat.pk}/rating", {"rating": 3}).refused(403)


def test_who_was_slower_is_told(rest, paul, pia, chat, guide):
    pauls, path = rest(paul), f"/apis/{chat.pk}/documents/{guide.pk}"
    tag = pauls.get(path).headers["ETag"]
    rest(pia).put(f"{path}/content", {"content": "# From pia"}).ok()
    pauls.send("put", f"{path}/content", {"content": "# From paul"}, **{"If-Match": tag}).refused(412)
    tag = pauls.get(path).headers["ETag"]
    pauls.send("put", f"{path}/content", {"content": "# From paul"}, **{"If-Match": tag}).ok()
    assert ApiDocument.objects.get().content == "# From paul"


# Comments and ratings --------------------------------------------------------------------------------------------


def test_people_talk(rest, sam, paul, chat):
    sams, pauls, path = rest(sam), rest(paul), f"/apis/{chat.pk}/comments"
    asked = sams.post(path, {"content": "Is the order kept?"})
    first = asked.ok(201)
    assert asked.headers["Location"] == f"/api/v1{path}/{first['id']}"
    assert (first["author"], first["replies"], first["edited_at"]) == ("sam", [], None)
    pauls.post(path, {"content": "It is.", "reply_to": first["id"]}).ok(201)
    better = sams.patch(f"{path}/{first['id']}", {"content": "Is the order of messages kept?"}).ok()
    assert better["edited_at"] is not None
    (shown,) = sams.get(path).ok()["results"]
    assert shown["content"] == "Is the order of messages kept?"
    assert [(reply["author"], reply["content"]) for reply in shown["replies"]] == [("paul", "It is.")]
    assert sams.get(f"{path}/{first['id']}").ok() == shown
    sams.delete(f"{path}/{first['id']}")
    (left,) = sams.get(path).ok()["results"]
    assert (left["is_removed"], left["content"], len(left["replies"])) == (True, "", 1)


def test_comments_come_by_the_page(rest, sam, chat, actor, monkeypatch):
    monkeypatch.setattr(comments, "SPEECH", Attempts("much", limit=100))
    for number in range(3):
        comments.comment_create(actor=actor(sam), api=chat, content=str(number))
    answer = rest(sam).get(f"/apis/{chat.pk}/comments?page_size=2").ok()
    assert (answer["count"], [one["content"] for one in answer["results"]]) == (3, ["2", "1"])


def test_rights_of_everybody_on_what_sam_said(rest, people, chat, question):
    path = f"/apis/{chat.pk}/comments"
    for name in ("vic", "eve", "carol"):
        caller = rest(people[name])
        assert caller.get(path).ok()["count"] == 1
        caller.patch(f"{path}/{question.pk}", {"content": "x"}).refused(403)
        caller.delete(f"{path}/{question.pk}").refused(403)
    rest(people["vic"]).post(path, {"content": "x"}).refused(403)
    rest().get(path).refused(401)
    rest(people["pia"]).patch(f"{path}/{question.pk}", {"content": "x"}).refused(403)
    assert rest(people["pia"]).delete(f"{path}/{question.pk}").status == 204
    assert not Comment.objects.exists()


def test_who_writes_too_fast_is_told_when_to_go_on(rest, sam, chat, monkeypatch):
    monkeypatch.setattr(comments, "SPEECH", Attempts("comment", limit=1))
    sams, path = rest(sam), f"/apis/{chat.pk}/comments"
    sams.post(path, {"content": "x"}).ok(201)
    answer = sams.post(path, {"content": "x"})
    answer.refused(429, "throttled")
    assert int(answer.headers["Retry-After"]) > 0


def test_stars_are_given_changed_and_taken_back(rest, sam, eve, paul, vic, chat):
    sams, path = rest(sam), f"/apis/{chat.pk}/rating"
    assert sams.get(path).ok() == {"average": None, "count": 0, "mine": None}
    assert sams.put(path, {"rating": 4}).ok() == {"average": 4.0, "count": 1, "mine": 4}
    assert rest(eve).put(path, {"rating": 5}).ok() == {"average": 4.5, "count": 2, "mine": 5}
    assert sams.get(f"/apis/{chat.pk}").ok()["rating"] == {"average": 4.5, "count": 2}
    assert sams.get("/apis").ok()["results"][0]["rating"] == {"average": 4.5, "count": 2}
    for person in (paul, vic):
        rest(person).put(path, {"rating": 1}).refused(403)
        rest(person).delete(path).refused(403)
        assert rest(person).get(path).ok() == {"average": 4.5, "count": 2, "mine": None}
    rest().get(path).refused(401)
    assert sams.delete(path).status == 204
    assert sams.get(path).ok() == {"average": 5.0, "count": 1, "mine": None}


def test_an_api_that_sam_does_not_see_has_none_of_this(rest, sam, draft):
    sams = rest(sam)
    for tail in ("documents", "comments", "rating"):
        sams.get(f"/apis/{draft.pk}/{tail}").refused(404)
    sams.put(f"/apis/{draft.pk}/rating", {"rating": 5}).refused(404)
    sams.post(f"/apis/{draft.pk}/comments", {"content": "x"}).refused(404)


def test_a_list_of_apis_asks_for_all_stars_at_once(rest, sam, chat, django_assert_max_num_queries):
    sams = rest(sam)
    sams.get("/apis").ok()
    with django_assert_max_num_queries(14):
        sams.get("/apis").ok()
