"""The people of every test, and the little they start with.

carol creates, pia publishes, paul does both, sam subscribes, eve subscribes too but has nothing to do with sam,
vic has no role at all, adam administers. The password of each is PASSWORD.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import hypothesis
import pytest
from django.test.client import ClientHandler

from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.roles import Role
from apis.services import attempts, demo, publishing, subscribing

# A machine that has other things to do is slow; speed is shown in benchmarks/, never asserted.
hypothesis.settings.register_profile("wsportal", deadline=None)
hypothesis.settings.load_profile("wsportal")

PASSWORD = "walks-the-dog-7"
ROLES: dict[str, tuple[Role, ...]] = {
    "carol": (Role.CREATOR,),
    "pia": (Role.PUBLISHER,),
    "paul": (Role.CREATOR, Role.PUBLISHER),
    "sam": (Role.SUBSCRIBER,),
    "eve": (Role.SUBSCRIBER,),
    "vic": (),
    "adam": (Role.ADMINISTRATOR,),
}
CHAT = {
    "name": "Chat",
    "context": "/chat",
    "version": "1.0.0",
    "endpoint": "wss://chat.example.com/socket",
    "business_plans": ["Bronze", "Unlimited"],
}


@pytest.fixture(autouse=True, scope="session")
def _one_chain_of_middleware() -> Iterator[None]:
    """All test clients share one chain: loading it looks at every static file, 30 ms a client and test."""
    load = ClientHandler.load_middleware
    loaded: dict[str, Any] = {}

    def load_once(self: ClientHandler, is_async: bool = False) -> None:
        if not loaded:
            load(self, is_async=is_async)
            loaded.update({name: value for name, value in vars(self).items() if "middleware" in name})
        vars(self).update(loaded)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ClientHandler, "load_middleware", load_once)
        yield


@pytest.fixture
def people(db: None) -> dict[str, Person]:
    """Everybody, in a database with plans and the Default environment."""
    found = {
        name: Person.objects.create_user(name, f"{name}@example.com", PASSWORD, roles=[role.value for role in roles])
        for name, roles in ROLES.items()
    }
    demo.seed_essentials(Actor.of(found["adam"]))
    return found


@pytest.fixture
def carol(people: dict[str, Person]) -> Person:
    return people["carol"]


@pytest.fixture
def pia(people: dict[str, Person]) -> Person:
    return people["pia"]


@pytest.fixture
def paul(people: dict[str, Person]) -> Person:
    return people["paul"]


@pytest.fixture
def sam(people: dict[str, Person]) -> Person:
    return people["sam"]


@pytest.fixture
def eve(people: dict[str, Person]) -> Person:
    return people["eve"]


@pytest.fixture
def vic(people: dict[str, Person]) -> Person:
    return people["vic"]


@pytest.fixture
def adam(people: dict[str, Person]) -> Person:
    return people["adam"]


@pytest.fixture
def actor() -> Callable[[Person], Actor]:
    """A person as services take them: by session, with everything their roles allow."""
    return Actor.of


@pytest.fixture
def chat(paul: Person) -> Api:
    """A published API of paul's with the plans Bronze and Unlimited."""
    return publishing.api_create_and_publish(actor=Actor.of(paul), **CHAT)


@pytest.fixture(autouse=True)
def _no_minute_ends_while_tries_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """Failed tries are counted by the minute, in the test's own database: no test meets a minute's end."""
    monkeypatch.setattr(attempts, "time", lambda: 1_800_000_030.0)


@pytest.fixture
def phone(sam: Person) -> Application:
    """sam's application."""
    return subscribing.application_create(actor=Actor.of(sam), name="Phone")


@pytest.fixture
def subscription(sam: Person, phone: Application, chat: Api) -> Subscription:
    """sam's subscription to Chat under Bronze."""
    return subscribing.subscription_create(actor=Actor.of(sam), api=chat, application=phone, business_plan="Bronze")
