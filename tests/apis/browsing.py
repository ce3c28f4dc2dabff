"""Pages of a portal as a person in a browser reads them."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

from django.http import HttpResponse
from django.test import Client

from apis.models import Api, Application, Person
from apis.permissions import Actor
from apis.services import publishing

Visit = Callable[..., Client]
TAGS = re.compile(r"<[^>]+>")


def browser_of(person: Person | None = None) -> Client:
    """A browser in which `person` has signed in, or nobody."""
    client = Client()
    if person is not None:
        client.force_login(person, backend="django.contrib.auth.backends.ModelBackend")
    return client


def words(answer: HttpResponse) -> str:
    """What a page says: no tags, one space between words."""
    source = re.sub(r"<(script|style|head).*?</\1>", " ", answer.content.decode(), flags=re.S)
    return " ".join(html.unescape(TAGS.sub(" ", source)).split())


def source(answer: HttpResponse) -> str:
    return html.unescape(answer.content.decode())


def copied(answer: HttpResponse, slug: str) -> str:
    """The text that a copy button takes."""
    found = re.search(rf'<code id="{slug}">(.*?)</code>', answer.content.decode(), re.S)
    assert found, f"nothing to copy named {slug}"
    return html.unescape(found[1])


def move(api: Api, paul: Person, *actions: str) -> None:
    for action in actions:
        publishing.api_transition(actor=Actor.of(paul), api=api, action=action)


def page_of(api: Api, tail: str = "") -> str:
    return f"/devportal/apis/{api.pk}/{tail}"


def page(application: Application, tail: str = "") -> str:
    return f"/devportal/applications/{application.pk}/{tail}"
