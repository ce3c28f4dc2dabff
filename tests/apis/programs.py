"""An OAuth client as its own code sees it, and the person who is asked."""

from __future__ import annotations

import base64
import hashlib
import secrets
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, urlencode, urlsplit

from django.test import Client

from apis.models import Person

BACK = "https://phone.example.com/back"


@dataclass
class Program:
    """An OAuth client as its own code sees it."""

    key: str
    secret: str
    verifier: str = field(default_factory=lambda: secrets.token_urlsafe(40))

    def post(self, where: str, how: str = "basic", **form: str) -> Any:
        headers = {}
        if how == "basic":
            headers["Authorization"] = "Basic " + base64.b64encode(f"{self.key}:{self.secret}".encode()).decode()
        elif how == "post":
            form |= {"client_id": self.key, "client_secret": self.secret}
        elif how == "public":
            form |= {"client_id": self.key}
        return Client().post(
            f"/oauth2/{where}", urlencode(form), content_type="application/x-www-form-urlencoded", headers=headers
        )

    def question(self, **changes: str | None) -> str:
        """The address to send a person to."""
        challenge = base64.urlsafe_b64encode(hashlib.sha256(self.verifier.encode()).digest()).decode().rstrip("=")
        query = {
            "response_type": "code", "client_id": self.key, "redirect_uri": BACK, "state": "st&1",
            "code_challenge": challenge, "code_challenge_method": "S256", **changes,
        }  # fmt: skip
        return "/oauth2/authorize?" + urlencode({name: value for name, value in query.items() if value is not None})

    def code(self, person: Person, **changes: str | None) -> str:
        """What comes back when the person allows it."""
        response = signed_in(person).post(self.question(**changes), {"allow": "yes"})
        return answer_of(response)["code"]

    def redeem(self, code: str, how: str = "basic", **changes: str) -> Any:
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "code_verifier": self.verifier}
        return self.post("token", how, **{**form, **changes})

    def refresh(self, token: str, how: str = "basic") -> Any:
        return self.post("token", how, grant_type="refresh_token", refresh_token=token)


def signed_in(person: Person) -> Client:
    client = Client()
    client.force_login(person, "django.contrib.auth.backends.ModelBackend")
    return client


def answer_of(response: Any) -> dict[str, str]:
    """The parameters of a redirect to the program."""
    assert response.status_code == 302, response.content
    assert response.headers["Location"].startswith(BACK)
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["Location"]).query).items()}


def refused(response: Any, status: int, error: str) -> None:
    assert (response.status_code, response.json()["error"]) == (status, error)
    assert response.headers["Cache-Control"] == "no-store"
