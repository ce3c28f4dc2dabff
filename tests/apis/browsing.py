"""Pages of a portal as a person in a browser (without script) reads them and sends their forms."""

from __future__ import annotations

import html
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from django.http import HttpResponse
from django.test import Client

from apis.models import Api, Application, Person
from apis.permissions import Actor
from apis.services import publishing

Browsers = Callable[..., Client]
YES: dict[str, Any] = {"confirmed": "yes"}


# Where pages are --------------------------------------------------------------------------------------------------


def at(api: Api, tail: str = "") -> str:
    """A page of the publisher portal about an API."""
    return f"/publisher/apis/{api.pk}/{tail}"


def page_of(api: Api, tail: str = "") -> str:
    """A page of the developer portal about an API."""
    return f"/devportal/apis/{api.pk}/{tail}"


def page(application: Application, tail: str = "") -> str:
    return f"/devportal/applications/{application.pk}/{tail}"


# What they say ----------------------------------------------------------------------------------------------------


def words(answer: HttpResponse) -> str:
    """What a page says: no tags, one space between words."""
    return _plain(re.sub(r"<(script|style|template|head)\b.*?</\1>", " ", answer.content.decode(), flags=re.S))


def _plain(markup: str) -> str:
    return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", markup)).split())


def source(answer: HttpResponse) -> str:
    return html.unescape(answer.content.decode())


def copied(answer: HttpResponse, slug: str) -> str:
    """The text that a copy button takes."""
    found = re.search(rf'<code id="{slug}">(.*?)</code>', answer.content.decode(), re.S)
    assert found, f"nothing to copy named {slug}"
    return html.unescape(found[1])


@dataclass
class Shown:
    """What came back."""

    response: HttpResponse

    @property
    def status(self) -> int:
        return self.response.status_code

    @property
    def html(self) -> str:
        return self.response.content.decode()

    @property
    def words(self) -> str:
        """What a person reads."""
        return words(self.response)

    @property
    def buttons(self) -> list[str]:
        """The words on all buttons and links, in order."""
        found = re.findall(r"<(button|a)\b[^>]*>(.*?)</\1>", self.html, flags=re.S)
        return [_plain(inner) for _, inner in found]

    def beside(self, name: str) -> str:
        """The problem that is shown beside a field."""
        found = re.search(rf'id="{name}-problem"[^>]*>(.*?)</div>', self.html, flags=re.S)
        assert found, f"no place for problems of {name}"
        return html.unescape(found[1]).strip()

    def value(self, name: str) -> str:
        """What stands in an input field."""
        found = re.search(rf'<input[^>]*\bname="{name}"[^>]*\bvalue="([^"]*)"', self.html, flags=re.S)
        assert found, f"no field {name}"
        return html.unescape(found[1])

    def is_checked(self, name: str, value: str) -> bool:
        found = re.search(rf'<input[^>]*name="{name}" value="{re.escape(value)}"([^>]*)>', self.html)
        assert found, f"no box {name}={value}"
        return "checked" in found[1]


# Who looks at them ------------------------------------------------------------------------------------------------


def browser_of(person: Person | None = None) -> Client:
    """A browser in which `person` has signed in, or nobody."""
    client = Client()
    if person is not None:
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def move(api: Api, paul: Person, *actions: str) -> None:
    for action in actions:
        publishing.api_transition(actor=Actor.of(paul), api=api, action=action)


@dataclass
class Visit:
    """One browser session; nobody signs in unless a person is given."""

    person: Person | None = None

    def __post_init__(self) -> None:
        self.client = browser_of(self.person)

    def see(self, path: str, **query: Any) -> Shown:
        return Shown(self.client.get(path, query))

    def send(self, path: str, *, script: bool = False, **values: Any) -> Shown:
        """Post a form; `script`: as htmx does. A redirect is not followed."""
        return Shown(self.client.post(path, values, headers={"HX-Request": "true"} if script else {}))

    def do(self, path: str, **values: Any) -> Shown:
        """Post a form and follow where it leads, which must be a page that works."""
        shown = Shown(self.client.post(path, values, follow=True))
        assert shown.status == 200, (shown.status, shown.words)
        assert shown.response.redirect_chain, shown.words  # type: ignore[attr-defined]
        return shown
