"""AsyncAPI in the two portals: importing, the Definition page, and what developers read."""

from __future__ import annotations

import html
import json
import re

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import defining, publishing, topics
from tests.apis.browsing import YES, Visit, at, page_of
from tests.core.asyncapi_samples import LAMPS_2, ROOMS_3

IMPORT = "/publisher/create/import/"


def field_of(markup: str) -> str:
    """What stands in the field for the document."""
    found = re.search(r'<textarea[^>]*name="definition"[^>]*>\n?(.*?)</textarea>', markup, re.S)
    assert found, "no field for a document"
    return html.unescape(found[1])


@pytest.mark.parametrize("how", ["paste", "file"])
def test_carol_imports_a_document_in_two_steps(carol: Person, how: str) -> None:
    visit = Visit(carol)
    assert "Import an AsyncAPI definition" in visit.see("/publisher/create/").buttons
    assert "Read it" in visit.see(IMPORT).buttons
    given = {"definition": LAMPS_2} if how == "paste" else {"file": SimpleUploadedFile("a.yaml", LAMPS_2.encode())}
    shown = visit.send(IMPORT, do="read", **given)
    assert shown.status == 200
    assert (shown.value("name"), shown.value("context"), shown.value("version")) == (
        "Street lamps", "/street-lamps", "1.2.0",
    )  # fmt: skip
    assert "wss://eu.lamps.example.com:443/v1" in shown.words
    assert "/lamps/{lampID}/turn" in shown.words
    assert "mqtt is no WebSocket" in shown.words
    assert not Api.objects.exists()
    done = visit.do(
        IMPORT, do="create", name="Lamps", context="/lamps", version="1.2.0", definition=field_of(shown.html),
        business_plans=["Bronze"],
    )  # fmt: skip
    assert "is created with 2 topics" in done.words
    api = Api.objects.get()
    assert (api.name, api.definition) == ("Lamps", LAMPS_2)
    assert [plan.name for plan in api.business_plans.all()] == ["Bronze"]


def test_what_is_wrong_stands_with_its_line_and_nothing_typed_is_lost(carol: Person, chat: Api) -> None:
    visit = Visit(carol)
    assert "Choose a file, name an address, or paste a document." in visit.send(IMPORT, do="read").words
    assert (
        "with http:// for an address that an operator has allowed"
        in visit.send(IMPORT, do="read", url="ftp://a/x").words
    )
    inside = visit.send(IMPORT, do="read", url="http://localhost:1/x")
    assert inside.status == 400
    assert inside.beside("url")
    assert inside.value("url") == "http://localhost:1/x"
    wrong = LAMPS_2.replace("lamps/{lampID}/turn:", "lamps/{lampID/turn:")
    shown = visit.send(IMPORT, do="read", definition=wrong)
    assert "cannot be a topic" in shown.words
    line = wrong.splitlines().index("  lamps/{lampID/turn:") + 1
    assert f"Line {line}" in shown.words
    typed = {"name": "Chat", "context": "/chat", "version": "1 0", "definition": wrong}
    refused = visit.send(IMPORT, do="create", **typed)
    assert refused.status in {400, 409}
    assert refused.beside("name")
    assert refused.beside("version")
    assert (refused.value("context"), field_of(refused.html)) == ("/chat", wrong)
    again = visit.send(IMPORT, do="check", **{**typed, "definition": LAMPS_2})
    assert "This is a valid document of AsyncAPI 2.6.0." in again.words
    assert again.value("name") == "Chat"
    assert Api.objects.count() == 1


def test_a_context_that_is_left_empty_is_asked_for(carol: Person) -> None:
    refused = Visit(carol).send(IMPORT, do="create", name="A", context="", version="1", definition=ROOMS_3)
    assert refused.status == 400
    assert "Context should not be empty." in refused.beside("context")


def test_pia_reads_the_definition_and_does_not_write_it(pia: Person, paul: Person, chat: Api) -> None:
    visit = Visit(pia)
    shown = visit.see(at(chat, "definition/"))
    assert "made of the design" in shown.words
    assert "Edit" not in shown.buttons
    assert visit.see(at(chat, "definition/edit")).status == 403
    assert visit.send(at(chat, "definition/check"), definition=LAMPS_2).status == 403
    assert visit.send(at(chat, "definition/drop"), **YES).status == 403
    assert visit.see(IMPORT).status == 403
    assert visit.see(at(chat, "definition.json")).response["Content-Type"] == "application/json"


def test_paul_edits_the_definition(paul: Person, chat: Api) -> None:
    visit = Visit(paul)
    form = visit.see(at(chat, "definition/edit"))
    assert "address: /*" in field_of(form.html)
    wrong = LAMPS_2.replace("title: Street lamps", "title: [Street lamps]")
    refused = visit.send(at(chat, "definition/edit"), definition=wrong, seen=form.value("seen"))
    assert refused.status == 400
    assert "This should be a text." in refused.words
    assert field_of(refused.html) == wrong
    done = visit.do(at(chat, "definition/edit"), definition=LAMPS_2.replace("\n", "\r\n"), seen=form.value("seen"))
    assert "the design has its 2 topics now" in done.words
    assert "# What a lamp says" in done.words
    assert "mqtt is no WebSocket" in done.words
    assert Api.objects.get(pk=chat.pk).definition == LAMPS_2
    saved = visit.see(at(chat, "definition.yaml"))
    assert saved.html == LAMPS_2
    assert "Chat-1.0.0.asyncapi.yaml" in saved.response["Content-Disposition"]
    assert json.loads(visit.see(at(chat, "definition.json")).html)["asyncapi"] == "2.6.0"


@pytest.mark.parametrize("script", [False, True])
def test_validate_says_what_it_would_become_and_saves_nothing(paul: Person, chat: Api, script: bool) -> None:
    shown = Visit(paul).send(at(chat, "definition/check"), script=script, definition=LAMPS_2)
    assert shown.status == 200
    assert "This is a valid document of AsyncAPI 2.6.0." in shown.words
    assert "/lamps/{lampID}/measured" in shown.words
    assert ("<html" in shown.html) is not script
    assert Api.objects.get(pk=chat.pk).definition == ""


def test_the_second_of_two_people_is_told_and_keeps_the_text(paul: Person, carol: Person, chat: Api) -> None:
    visit = Visit(paul)
    seen = visit.see(at(chat, "definition/edit")).value("seen")
    topics.topic_save(actor=Actor.of(carol), api=chat, topic={"name": "/news"})
    late = visit.send(at(chat, "definition/edit"), definition=LAMPS_2, seen=seen)
    assert late.status == 409
    assert "carol" in late.words
    assert field_of(late.html) == LAMPS_2
    assert "is saved" in visit.do(at(chat, "definition/edit"), definition=LAMPS_2, seen=late.value("seen")).words


def test_a_written_definition_is_given_up_after_a_question(paul: Person, chat: Api) -> None:
    defining.definition_replace(actor=Actor.of(paul), api=chat, text=LAMPS_2)
    visit = Visit(paul)
    assert "Make the definition of the design again?" in visit.send(at(chat, "definition/drop")).words
    done = visit.do(at(chat, "definition/drop"), **YES)
    assert "made of the design" in done.words
    assert "/lamps/{lampID}/turn" in done.words
    assert visit.send(at(chat, "definition/drop"), **YES).status == 409


def test_a_revision_shows_the_definition_it_froze(paul: Person, chat: Api) -> None:
    actor = Actor.of(paul)
    defining.definition_replace(actor=actor, api=chat, text=LAMPS_2)
    number = publishing.revision_create(actor=actor, api=chat).number
    defining.definition_replace(actor=actor, api=chat, text=ROOMS_3)
    visit = Visit(paul)
    assert "AsyncAPI 3.0.0" in visit.see(at(chat, "definition/")).words
    frozen = visit.see(at(chat, "definition/"), revision=number)
    assert "AsyncAPI 2.6.0" in frozen.words
    assert "Edit" not in frozen.buttons
    assert visit.see(at(chat, "definition.yaml"), revision=number).html == LAMPS_2
    for odd in ("x", "99", "1" * 30):
        assert visit.see(at(chat, "definition/"), revision=odd).status == 404


def test_a_definition_is_text_and_never_markup(paul: Person, chat: Api) -> None:
    evil = LAMPS_2.replace("Lamps of a city", "<script>alert(1)</script>").replace("Which lamp", "<b>x</b>")
    defining.definition_replace(actor=Actor.of(paul), api=chat, text=evil)
    for path in ("definition/", "definition/edit"):
        assert "<script>alert" not in Visit(paul).see(at(chat, path)).html
    number = publishing.revision_create(actor=Actor.of(paul), api=chat)
    publishing.revision_deploy(actor=Actor.of(paul), revision=number)
    shown = Visit().see(page_of(chat, "definition/"))
    assert "<b>x</b>" not in shown.html


def test_developers_read_topics_directions_and_payloads(paul: Person, chat: Api) -> None:
    actor = Actor.of(paul)
    defining.definition_replace(actor=actor, api=chat, text=LAMPS_2)
    publishing.revision_deploy(actor=actor, revision=publishing.revision_create(actor=actor, api=chat))
    visit = Visit()
    assert "AsyncAPI definition" in visit.see(page_of(chat)).buttons
    shown = visit.see(page_of(chat, "definition/"))
    assert "Clients receive" in shown.words
    assert "lumens integer How bright at least 0" in shown.words
    assert "to required string one of on, off" in shown.words
    assert "Which lamp" in shown.words
    assert "lamps.example.com" not in shown.html
    assert json.loads(visit.see(page_of(chat, "definition.json")).html)["info"]["title"] == "Chat"
    assert visit.see(page_of(chat, "definition.yaml")).html.startswith("asyncapi: 3.0.0")


def test_what_is_not_on_offer_has_no_definition_for_developers(draft: Api) -> None:
    for tail in ("definition/", "definition.yaml", "definition.json"):
        assert Visit().see(page_of(draft, tail)).status == 404
