"""REST as a client sees it: JSON over Django's test client, with a personal token."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from django.test import Client

from apis.checking import asking
from apis.models import Api, Application, Person
from apis.permissions import Actor
from apis.services import clients, designs, keys
from apis.services.people import personal_token_mint
from tests.apis.browsing import Browsers, browser_of
from tests.apis.programs import BACK, Program

PROBLEM = "application/problem+json"


@dataclass
class Answer:
    """What came back. `body` is the decoded JSON, or None."""

    status: int
    body: Any
    headers: Any

    def refused(self, status: int, code: str = "") -> dict[str, str]:
        """Check that it is a well-formed problem document. Returns: its errors, pointer (or parameter) -> detail."""
        assert self.status == status, (self.status, self.body)
        assert self.headers["Content-Type"] == PROBLEM
        assert {"type", "title", "status", "detail", "code"} <= self.body.keys()
        assert self.body["status"] == status
        assert not code or self.body["code"] == code, self.body
        return {one.get("pointer") or one["parameter"]: one["detail"] for one in self.body.get("errors", [])}

    def ok(self, status: int = 200) -> Any:
        assert self.status == status, (self.status, self.body)
        return self.body


@dataclass
class Rest:
    """One caller of /api/v1."""

    headers: dict[str, str] = field(default_factory=dict)
    client: Client = field(default_factory=lambda: Client(raise_request_exception=True))

    def send(self, method: str, path: str, body: Any = None, *, raw: bytes | None = None, **headers: str) -> Answer:
        options: dict[str, Any] = {"headers": {**self.headers, **headers}}
        if raw is not None:
            options |= {"data": raw, "content_type": "application/json"}
        elif body is not None:
            options |= {"data": body, "content_type": "application/json"}
        elif method in {"post", "put", "patch"}:
            options |= {"data": b"", "content_type": ""}  # as curl -X POST does
        sent = getattr(self.client, method)("/api/v1" + path, **options)
        decoded = sent.json() if "json" in sent.headers.get("Content-Type", "") and sent.content else None
        return Answer(sent.status_code, decoded, sent.headers)

    def get(self, path: str, **headers: str) -> Answer:
        return self.send("get", path, **headers)

    def post(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("post", path, body, **options)

    def put(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("put", path, body, **options)

    def patch(self, path: str, body: Any = None, **options: Any) -> Answer:
        return self.send("patch", path, body, **options)

    def delete(self, path: str) -> Answer:
        return self.send("delete", path)


@pytest.fixture
def rest() -> Callable[..., Rest]:
    """`rest(sam)` calls as sam, `rest(sam, ["api:read"])` with a narrowed token, `rest()` as nobody."""

    def caller(person: Person | None = None, scopes: Sequence[str] = ()) -> Rest:
        if person is None:
            return Rest()
        _, token = personal_token_mint(person=person, name="test", scopes=scopes)
        return Rest({"Authorization": f"Bearer {token}"})

    return caller


@pytest.fixture
def visit() -> Browsers:
    """`visit(sam)` is a browser in which sam has signed in, `visit()` one in which nobody has."""
    return browser_of


@pytest.fixture
def draft(carol: Person) -> Api:
    """An API of carol's in state created, with neither endpoint nor plan."""
    return designs.api_create(actor=Actor.of(carol), name="Draft", context="/draft", version="1.0.0")


@pytest.fixture
def program(sam: Person, phone: Application) -> Program:
    """The code of sam's application, with both grants."""
    pair, secret = keys.keys_generate(
        actor=Actor.of(sam), application=phone, key_type="production",
        grant_types=["client_credentials", "authorization_code"], redirect_uris=[BACK],
    )  # fmt: skip
    return Program(pair.client.client_id, secret)


@pytest.fixture
def manager(adam: Person) -> Program:
    """A confidential management client."""
    client, secret = clients.client_register(actor=Actor.of(adam), name="Deployer", redirect_uris=[BACK])
    return Program(client.client_id, secret)


@pytest.fixture(autouse=True)
def _nobody_is_dialled(monkeypatch: pytest.MonkeyPatch) -> None:
    """A look at whether upstreams can be reached finds nothing and asks nobody; tests/apis/test_reaching.py looks."""
    monkeypatch.setattr(asking, "lookers", [])
