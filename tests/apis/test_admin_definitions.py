"""AsyncAPI definitions, samples, hosts and ratings in the administration, and that it speaks German."""

from __future__ import annotations

import json
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile

from apis.models import Api, Environment, HistoryEntry, Person, Rating, Revision
from apis.permissions import Actor
from apis.services import ratings
from tests.apis.browsing import words
from tests.apis.office import at, buttons, desk
from tests.apis.world import everything

DOCUMENT = """asyncapi: 3.0.0
info: {title: Lamps, version: 1.2.0}
servers:
  backend: {host: lamps.example.com, protocol: wss}
channels:
  on:
    address: /on/{lampID}
    parameters: {lampID: {}}
operations:
  hear: {action: send, channel: {$ref: '#/channels/on'}}
"""
BROKEN = DOCUMENT.replace("action: send", "action: shout")
IMPORT = at(Api, "import")
PARTNERS = {"host": "partners.example.com", "ws_port": None, "wss_port": 443, "description": ""}


# The definition of an API -----------------------------------------------------------------------------------------


def test_carol_reads_checks_and_saves_the_definition(carol: Person, chat: Api) -> None:
    office = desk(carol)
    address = at(chat, "definition")
    assert "asyncapi: 3" in office.open(address).context["adminform"].form.initial["definition"]
    before = everything()
    checked = office.press(address, "_check", definition=DOCUMENT)
    assert checked.status_code == 200
    assert "This is a valid document of AsyncAPI 3.0.0." in words(checked)
    assert "/on/{lampID}" in words(checked)
    assert everything() == before  # checking saves nothing
    saved = office.done(office.press(address, definition=DOCUMENT))
    assert "The definition of Chat 1.0.0 is saved. Topics of the design now: 1." in saved
    assert [topic.name for topic in chat.topics.all()] == ["/on/{lampID}"]


def test_a_wrong_definition_names_line_and_place_and_stays_in_the_field(carol: Person, chat: Api) -> None:
    office = desk(carol)
    before = everything()
    for button, status in (("_check", 200), ("_save", 400)):
        page = office.press(at(chat, "definition"), button, definition=BROKEN)
        assert page.status_code == status
        assert "Line 10, column" in words(page)
        assert "/operations/hear/action" in words(page)
        assert "action: shout" in page.content.decode()
    assert everything() == before


def test_two_people_at_one_definition_are_told(carol: Person, paul: Person, chat: Api) -> None:
    address = at(chat, "definition")
    seen = desk(carol).open(address).context["seen"]
    desk(paul).done(desk(paul).press(address, definition=DOCUMENT))
    theirs = DOCUMENT.replace("Lamps", "Lanterns")
    late = desk(carol).client.post(address, {"definition": theirs, "seen": seen})
    assert late.status_code == 409
    assert "Somebody else changed this meanwhile" in words(late)
    assert "Lanterns" in late.content.decode()


def test_pia_reads_the_definition_and_does_not_write_it(pia: Person, chat: Api) -> None:
    office = desk(pia)
    page = office.open(at(chat, "definition"))
    assert "Download as YAML" in words(page)
    assert "Save definition" not in words(page)
    assert office.client.post(at(chat, "definition"), {"definition": DOCUMENT}).status_code == 403


def test_a_written_definition_is_made_of_the_design_again(carol: Person, chat: Api) -> None:
    office = desk(carol)
    office.done(office.press(at(chat, "definition"), definition=DOCUMENT))
    assert any("Make it of the design" in text for text in buttons(office.open(at(chat, "definition"))))
    assert "made of the design again" in office.done(office.client.post(at(chat, "definition_drop")))
    chat.refresh_from_db()
    assert chat.definition == ""
    assert "already" in str(office.refused(office.client.post(at(chat, "definition_drop")), 409))


# Ways to begin ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("how", ["text", "file"])
def test_an_api_of_a_document(carol: Person, how: str) -> None:
    office = desk(carol)
    sent: dict[str, Any] = {"definition": DOCUMENT}
    if how == "file":
        sent = {"file": SimpleUploadedFile("lamps.yaml", DOCUMENT.encode())}
    page = office.done(office.client.post(IMPORT, {**sent, "context": "/lamps", "business_plans": []}))
    assert "Lamps 1.2.0 is created of the document." in page
    made = Api.objects.get(version="1.2.0")
    assert [topic.name for topic in made.topics.all()] == ["/on/{lampID}"]
    assert made.endpoints.get(key_type="production").urls == ["wss://lamps.example.com"]


def test_what_is_wrong_with_a_document_is_said_and_the_file_is_kept_as_text(carol: Person) -> None:
    office = desk(carol)
    for button, status in (("_check", 200), ("_save", 400)):
        sent = {"file": SimpleUploadedFile("lamps.yaml", BROKEN.encode()), "context": "/lamps", button: "x"}
        page = office.client.post(IMPORT, sent)
        assert page.status_code == status
        assert "Line 10, column" in words(page)
        assert "action: shout" in page.content.decode()
    nothing = office.client.post(IMPORT, {})
    assert "Choose a file, name an address, or paste a document." in office.refused(nothing)[""]
    assert not Api.objects.exists()


def test_an_api_of_a_sample(carol: Person, chat: Api) -> None:
    office = desk(carol)
    assert "Start from a sample…" in buttons(office.open(at(Api, "changelist")))
    assert "Chat rooms" in words(office.open(at(Api, "samples")))
    address = at(Api, "sample", "chat")
    assert office.refused(office.press(address, name=chat.name), 409).keys() == {"name"}
    assert "is created from the sample Chat rooms." in office.done(office.press(address, name="Talk", context="/talk"))
    assert office.client.get(at(Api, "sample", "nothing")).status_code == 404


# Hosts --------------------------------------------------------------------------------------------------------------


@pytest.fixture
def partners() -> Environment:
    return Environment.objects.create(name="Europe", host="eu.example.com", wss_port=443, vhosts=[PARTNERS])


def test_a_revision_is_made_and_deployed_on_a_chosen_host(pia: Person, chat: Api, partners: Environment) -> None:
    office = desk(pia)
    field = f"vhost-{partners.pk}"
    made = office.press(
        at(chat, "revision_create"), environments=["Europe"], **{field: "partners.example.com"}, description="x"
    )
    assert "Revision 2 was made and is deployed on Europe." in office.done(made)
    assert chat.deployments.get(environment=partners).vhost == "partners.example.com"
    back = office.press(at(chat, "revision", 2, "deploy"), environments=["Europe"], **{field: "eu.example.com"})
    assert "Revision 2 is deployed on Europe." in office.done(back)
    assert chat.deployments.get(environment=partners).vhost == ""


def test_a_host_that_is_none_makes_nothing(pia: Person, chat: Api, partners: Environment) -> None:
    office = desk(pia)
    sent: dict[str, Any] = {"environments": ["Europe"], f"vhost-{partners.pk}": "evil.example.com"}
    assert office.refused(office.press(at(chat, "revision_create"), **sent)).keys() == {f"vhost-{partners.pk}"}
    assert Revision.objects.count() == 1


def test_the_publisher_portal_makes_a_revision_on_a_chosen_host(pia: Person, chat: Api, partners: Environment) -> None:
    page = desk(pia).client.post(
        f"/publisher/apis/{chat.pk}/deployments/",
        {"do": "create", "description": "", "environments": ["Europe"], f"vhost-{partners.pk}": "partners.example.com"},
    )
    assert page.status_code == 302
    assert chat.deployments.get(environment=partners).vhost == "partners.example.com"


# Ratings ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def rated(sam: Person, chat: Api) -> Rating:
    return ratings.rating_set(actor=Actor.of(sam), api=chat, rating=2)


def test_pia_takes_a_rating_away_and_it_is_written_down(pia: Person, carol: Person, rated: Rating) -> None:
    assert desk(carol).client.get(at(Rating, "changelist")).status_code == 403
    office = desk(pia)
    assert "★★☆☆☆" in words(office.open(at(Rating, "changelist")))
    assert office.client.post(at(rated, "delete"), {"post": "yes"}).status_code == 302
    assert not Rating.objects.exists()
    assert HistoryEntry.objects.order_by("-id")[0].action == "delete_rating"


# German ---------------------------------------------------------------------------------------------------------------


def test_the_administration_is_german_and_its_history_is_not(adam: Person, chat: Api) -> None:
    office = desk(adam)
    office.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    page = words(office.open(at(chat)))
    for text in ("Der Entwurf", "Anzeigename", "Lebenszyklus", "Laufzeitgrenzen", "Angelegt", "API-Verwaltung"):
        assert text in page, text
    listed = words(office.open(at(Api, "changelist")))
    assert "VERÖFFENTLICHT" in listed.upper()
    assert "AsyncAPI-Definition importieren" in listed
    assert "Deployed on" not in listed
    assert "Die Laufzeitgrenzen von Chat 1.0.0 sind gespeichert." in office.done(office.press(at(chat, "runtime")))
    entry = HistoryEntry.objects.order_by("-id")[0]
    assert "Laufzeit" not in json.dumps([entry.subject, entry.detail])


def test_a_refusal_in_the_administration_is_german(carol: Person, chat: Api) -> None:
    office = desk(carol)
    office.client.defaults["HTTP_ACCEPT_LANGUAGE"] = "de"
    refused = office.refused(office.press(at(chat, "version_create"), version="1.0.0"), 409)
    assert refused["version"] == ["Version 1.0.0 von Chat gibt es schon."]
