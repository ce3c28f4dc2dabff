"""The administration as somebody at its desk uses it: open a page, change what is filled in, press a button."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from django.db.models import Model
from django.http import HttpResponse
from django.test import Client
from django.urls import reverse

from apis.admin.fields import RowsWidget
from apis.models import Person
from tests.apis.browsing import browser_of, words


def at(row: Model | type[Model], page: str = "change", *more: Any) -> str:
    """The address of a page about a row, or of a kind of rows."""
    meta = row._meta
    args = [row.pk, *more] if isinstance(row, Model) else list(more)
    return reverse(f"admin:{meta.app_label}_{meta.model_name}_{page}", args=args)


def filled_in(form: Any) -> dict[str, Any]:
    """What a browser would send if nothing was touched."""
    data: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if isinstance(bound.field.widget, RowsWidget):
            for index, row in enumerate(value or []):
                data |= {f"{bound.html_name}-{index}-{key}": str(cell) for key, cell in row.items()}
        elif value is None and getattr(bound.field.widget, "allow_multiple_selected", False):
            continue
        elif isinstance(value, bool):
            data |= {bound.html_name: "on"} if value else {}
        elif isinstance(value, str) or not hasattr(value, "__iter__"):
            data[bound.html_name] = "" if value is None else str(getattr(value, "pk", value))
        else:
            data[bound.html_name] = [str(getattr(one, "pk", one)) for one in value]
    return data


@dataclass
class Desk:
    """One person in the administration."""

    client: Client

    def open(self, address: str, status: int = 200) -> HttpResponse:
        response = self.client.get(address)
        assert response.status_code == status, (address, response.status_code)
        return response

    def press(self, address: str, button: str = "_save", **changes: Any) -> HttpResponse:
        """Open a page, change some fields, press a button. None as a value leaves a field out of what is sent."""
        page = self.open(address)
        form = page.context["adminform"].form
        data = {**filled_in(form), **changes, button: "x"}
        return self.client.post(address, {key: value for key, value in data.items() if value is not None})

    def refused(self, response: HttpResponse, status: int = 400) -> dict[str, list[str]]:
        """Check that the form came back. Returns: the sentences beside each field, "" for those above the form."""
        assert response.status_code == status, (response.status_code, response.headers.get("Location"))
        errors = response.context["adminform"].form.errors
        page = words(response)
        for sentences in errors.values():
            assert all(sentence in page for sentence in sentences), sentences
        return {"" if name == "__all__" else name: list(sentences) for name, sentences in errors.items()}

    def done(self, response: HttpResponse) -> str:
        """Check that the write succeeded and led to another page. Returns: what that page says."""
        assert response.status_code == 302, (response.status_code, sentences_of(response))
        return words(self.open(response.headers["Location"]))


def sentences_of(response: HttpResponse) -> Any:
    """Why a form came back, for the message of a failed check."""
    return response.context["adminform"].form.errors if response.context and "adminform" in response.context else ""


def buttons(response: HttpResponse) -> list[str]:
    """The words on the buttons of our own panels."""
    found = re.findall(r'<(a|button)\b[^>]*class="portal-button[^>]*>(.*?)</\1>', response.content.decode(), re.S)
    return [" ".join(text.split()) for _, text in found]


def desk(person: Person | None = None) -> Desk:
    return Desk(browser_of(person))
