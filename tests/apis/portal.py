"""A portal page as somebody signed in sees it, over Django's test client (no script)."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass, field
from typing import Any

from django.http import HttpResponse
from django.test import Client

from apis.models import Api, Person

YES = {"confirmed": "yes"}
PLAIN_BACKEND = "django.contrib.auth.backends.ModelBackend"


def at(api: Api, page: str = "") -> str:
    """A page of the publisher portal about an API."""
    return f"/publisher/apis/{api.pk}/{page}"


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
        """What a person reads, with single spaces."""
        text = re.sub(r"<(script|style|template)\b.*?</\1>", " ", self.html, flags=re.S)
        return " ".join(html.unescape(re.sub(r"<[^>]+>", " ", text)).split())

    @property
    def buttons(self) -> list[str]:
        """The words on all buttons and links, in order."""
        found = re.findall(r"<(button|a)\b[^>]*>(.*?)</\1>", self.html, flags=re.S)
        return [" ".join(html.unescape(re.sub(r"<[^>]+>", " ", inner)).split()) for _, inner in found]

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


@dataclass
class Visit:
    """One browser session; nobody signs in unless a person is given."""

    person: Person | None = None
    client: Client = field(default_factory=Client)

    def __post_init__(self) -> None:
        if self.person is not None:
            self.client.force_login(self.person, backend=PLAIN_BACKEND)

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
