"""Pages in German: who gets them, that nothing of them is left in English, and that programs never notice."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, Final

import pytest
from babel.messages.pofile import read_po
from django.test import Client

from apis.models import Api, Application, Person
from tests.apis import browsing
from tests.apis.browsing import Browsers, at
from tests.apis.conftest import Rest
from wsportal import catalogues

DE: Final[dict[str, Any]] = {"HTTP_ACCEPT_LANGUAGE": "de-AT,de;q=0.9,en;q=0.5"}
PUBLISHER: Final = (
    "", "info/", "business/", "plans/", "subscriptions/", "documents/", "comments/", "topics/", "scopes/",
    "endpoints/", "definition/", "security/", "runtime/", "properties/", "deployments/", "lifecycle/", "history/",
)  # fmt: skip


@pytest.fixture
def german(visit: Browsers) -> Browsers:
    """Browsers that ask for German."""

    def browser(person: Person | None = None) -> Client:
        client = visit(person)
        client.defaults |= DE
        return client

    return browser


def words(answer: Any) -> str:
    """What a page says; the test client's answers have a type of their own."""
    return browsing.words(answer)


def english_sentences() -> list[str]:
    """Sentences of templates without placeholders that are other ones in German: none of them may be left."""
    with (catalogues.folder("de") / "django.po").open("rb") as file:
        pairs = [(str(one.id), str(one.string)) for one in read_po(file, locale="de") if isinstance(one.id, str)]
    return [
        english
        for english, german in pairs
        if english.count(" ") >= 3 and german != english and not re.search(r"[%{<&]", english)
    ]


def left_in_english(page: str) -> list[str]:
    return [sentence for sentence in english_sentences() if sentence in page]


# Who gets which language -----------------------------------------------------------------------------------------


def test_a_browser_that_asks_for_german_gets_it(client: Client) -> None:
    answer = client.get("/login", **DE)
    assert '<html lang="de">' in answer.content.decode()
    assert "Benutzername" in words(answer)
    assert answer.headers["Content-Language"] == "de"
    assert "Accept-Language" in answer.headers["Vary"]


@pytest.mark.parametrize("asked", ["", "en-GB", "fr", "*", "de;q=0.1,en;q=0.9", "\x00", "x" * 3000])
def test_any_other_browser_gets_english(client: Client, asked: str) -> None:
    answer = client.get("/login", HTTP_ACCEPT_LANGUAGE=asked)
    assert '<html lang="en">' in answer.content.decode()
    assert "User name" in words(answer)


@pytest.mark.django_db
def test_vic_chooses_a_language_without_script_and_stays_where_he_is(client: Client) -> None:
    page = client.get("/devportal/?search=chat").content.decode()
    form = re.search(r'<form[^>]*action="/language">(.*?)</form>', page, re.S)
    assert form
    assert 'name="next" value="/devportal/?search=chat"' in form[1]
    assert re.search(r'<button[^>]*name="language" value="de" lang="de"[^>]*aria-label="Deutsch"', form[1])
    answer = client.post("/language", {"language": "de", "next": "/devportal/?search=chat"})
    assert (answer.status_code, answer.headers["Location"]) == (302, "/devportal/?search=chat")
    kept = client.cookies["wsportal_language"]
    assert (kept["samesite"], bool(kept["httponly"]), bool(kept["secure"])) == ("Lax", True, False)
    assert "Entwicklerportal" in words(client.get("/devportal/", HTTP_ACCEPT_LANGUAGE="en"))


def test_over_https_the_choice_is_kept_in_a_secure_cookie(client: Client) -> None:
    client.post("/language", {"language": "de", "next": "/login"}, secure=True)
    kept = client.cookies["__Host-wsportal_language"]
    assert kept["secure"]
    assert "wsportal_language" not in client.cookies
    assert "Anmelden" in words(client.get("/login", secure=True))


@pytest.mark.parametrize("to", ["https://elsewhere.example/", "//elsewhere.example/", "javascript:alert(1)"])
def test_the_switch_leads_nowhere_else(client: Client, to: str) -> None:
    answer = client.post("/language", {"language": "de", "next": to})
    assert "elsewhere" not in answer.headers["Location"]
    assert "javascript" not in answer.headers["Location"]


@pytest.mark.parametrize("code", ["xx", "", "../de", "fr"])
def test_a_language_that_is_not_there_is_not_shown(client: Client, code: str) -> None:
    client.post("/language", {"language": code, "next": "/login"})
    assert "User name" in words(client.get("/login"))


# Pages ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("tail", PUBLISHER)
def test_no_page_of_an_api_is_left_in_english(german: Browsers, paul: Person, chat: Api, tail: str) -> None:
    answer = german(paul).get(at(chat, tail))
    assert answer.status_code == 200
    assert left_in_english(words(answer)) == []


@pytest.mark.parametrize(
    "address",
    ["/publisher/", "/publisher/create/", "/publisher/apis/new", "/publisher/create/import/", "/publisher/scopes/",
     "/devportal/", "/devportal/applications/", "/publisher/plan-simulator/"],
)  # fmt: skip
def test_no_page_of_a_portal_is_left_in_english(german: Browsers, adam: Person, chat: Api, address: str) -> None:
    answer = german(adam).get(address)
    assert answer.status_code == 200, address
    assert left_in_english(words(answer)) == []


def test_carol_reads_the_menu_the_lifecycle_and_the_checks(german: Browsers, carol: Person, chat: Api) -> None:
    page = words(german(carol).get(at(chat)))
    for word in ("Übersicht", "Grunddaten", "Tarife", "Endpunkte", "Bereitstellungen", "Lebenszyklus", "Verlauf"):
        assert word in page, word
    assert "Veröffentlicht" in page
    assert "Es gibt keine Beschreibung: Entwickler sehen nur ihren Namen." in page


def test_carol_reads_in_german_what_is_wrong(german: Browsers, carol: Person, chat: Api) -> None:
    form = {"name": "", "context": f"/{chat.version_set.context.strip('/')}", "version": "", "endpoint": "http://x"}
    page = words(german(carol).post("/publisher/apis/new", form))
    assert "Die Version darf nicht leer sein." in page
    assert "Ungültig (WebSocket-URL)" in page
    assert "should not" not in page


def test_numbers_and_dates_are_written_as_in_german(german: Browsers, carol: Person, chat: Api) -> None:
    page = german(carol).get(at(chat)).content.decode()
    assert re.search(r">\d\d\.\d\d\.\d{4} \d\d:\d\d</time>", page)
    assert re.search(r'datetime="\d{4}-\d\d-\d\dT', page)  # what programs read stays


def test_an_error_page_is_german(client: Client) -> None:
    assert "Eine solche Seite gibt es nicht" in words(client.get("/devportal/nothing/", **DE))


def test_the_administration_is_german(german: Browsers, adam: Person) -> None:
    assert '<html lang="de"' in german(adam).get("/admin/").content.decode()


# Programs ---------------------------------------------------------------------------------------------------------


def test_rest_stays_english_whatever_is_asked_for(rest: Callable[..., Rest], carol: Person) -> None:
    carols = rest(carol)
    asked: dict[str, Any] = {"Accept-Language": "de", "Cookie": "wsportal_language=de"}
    refused = carols.send("post", "/apis", {"name": "", "context": "/a b", "version": ""}, **asked)
    errors = refused.refused(400)
    assert errors["#/version"] == "Version should not be empty."
    assert "Content-Language" not in refused.headers
    assert carols.get("/apis/nothing", **asked).refused(404) == {}


def test_what_people_wrote_is_never_translated(german: Browsers, carol: Person, chat: Api) -> None:
    chat.version_set.name = "Overview"
    chat.version_set.save()
    assert "Overview" in words(german(carol).get(at(chat)))


def test_an_application_keeps_its_name(german: Browsers, sam: Person, phone: Application) -> None:
    assert phone.name in words(german(sam).get("/devportal/applications/"))
