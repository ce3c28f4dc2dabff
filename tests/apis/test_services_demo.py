"""The first start: a story that works, told once."""

from __future__ import annotations

from typing import Any

import pytest

from apis import selectors
from apis.models import (
    Api,
    Application,
    ApplicationPlan,
    BusinessPlan,
    Environment,
    HistoryEntry,
    Person,
    Subscription,
)
from apis.permissions import Actor
from apis.services import configuring, demo, designs, people
from tests.apis.world import everything

pytestmark = pytest.mark.django_db


def urls() -> list[str]:
    """Where the seeded API goes: as designed, then as deployed."""
    api = Api.objects.get(version="1.0.0")
    designed = [url for endpoint in api.endpoints.all() for url in endpoint.urls]
    deployed = [config["urls"][0]["url"] for config in api.deployments.get().endpoints.values()]
    return designed + deployed


def test_the_seed_is_what_the_contract_says() -> None:
    seeded = demo.seed()
    assert seeded is not None
    assert set(seeded.people) == {"admin", "creator", "publisher", "subscriber", "visitor"}
    assert {person.username: person.roles for person in Person.objects.all()} == {
        "admin": ["administrator"],
        "creator": ["creator"],
        "publisher": ["creator", "publisher"],
        "subscriber": ["subscriber"],
        "visitor": [],
    }
    assert all(person.check_password(person.username) for person in Person.objects.all())
    assert {plan.name: plan.limit_lines for plan in BusinessPlan.objects.all()} == {
        "Unlimited": ["unlimited"],
        "Gold": ["5,000 events per minute"],
        "Silver": ["2,000 events per minute"],
        "Bronze": ["1,000 events per minute"],
        "AsyncUnlimited": ["unlimited"],
        "AsyncGold": ["50,000 events per day"],
        "AsyncSilver": ["25,000 events per day"],
        "AsyncBronze": ["5,000 events per day"],
        "Subscriptionless": ["10,000 events per day"],
    }
    assert {plan.name: plan.limit_lines for plan in ApplicationPlan.objects.all()} == {
        "Unlimited": ["unlimited"],
        "50PerMin": ["50 events per minute"],
        "20PerMin": ["20 events per minute"],
        "10PerMin": ["10 events per minute"],
    }
    default = Environment.objects.get()
    assert (default.name, default.ws_port, default.wss_port) == ("Default", 9099, 8099)
    echo = Api.objects.get()
    assert (echo.name, echo.path, echo.state, echo.deployments.count()) == ("Echo", "/echo/1.0.0", "published", 1)
    assert urls() == ["ws://localhost:9998"] * 4
    assert {plan.name for plan in echo.business_plans.all()} == {"Unlimited", "Bronze"}
    subscription = Subscription.objects.get()
    assert (subscription.application.name, subscription.application.owner.username) == (
        "DefaultApplication",
        "subscriber",
    )
    assert (subscription.api, subscription.business_plan.name) == (echo, "Unlimited")


def test_it_happens_once_and_never_beside_people_who_are_there() -> None:
    demo.seed()
    before = everything()
    assert demo.seed() is None
    assert everything() == before


def test_nobody_is_added_to_a_database_with_people(vic: Person) -> None:
    assert demo.seed() is None
    assert not Api.objects.exists()
    demo.relocate(12345)


def test_what_people_deleted_does_not_come_back() -> None:
    demo.seed()
    Application.objects.all().delete()
    designs.api_delete(actor=Actor.of(Person.objects.get(username="publisher")), api=Api.objects.get())
    assert demo.seed() is None
    demo.relocate(10998)
    assert not Api.objects.exists()


def test_the_seeded_endpoint_follows_the_port_offset_back_and_forth() -> None:
    demo.seed()
    for port in (10998, 10998, 9998, 33998):
        demo.relocate(port)
        assert urls() == [f"ws://localhost:{port}"] * 4
    moves = HistoryEntry.objects.filter(action="endpoint").count()
    assert moves == 2 * 3  # two key types; the second start on one port changes nothing


def test_settings_beside_the_url_survive_the_move() -> None:
    demo.seed()
    publisher = Actor.of(Person.objects.get(username="publisher"))
    config: dict[str, Any] = {
        "urls": [{"url": "ws://localhost:9998"}, {"url": "wss://example.com"}],
        "timeouts": {"connect_ms": 777},
    }
    configuring.endpoint_configure(actor=publisher, api=Api.objects.get(), key_type="production", config=config)
    demo.relocate(10998)
    moved = Api.objects.get().endpoints.get(key_type="production").config
    assert [item["url"] for item in moved["urls"]] == ["ws://localhost:10998", "wss://example.com"]
    assert moved["timeouts"]["connect_ms"] == 777


def test_an_endpoint_that_somebody_chose_stays() -> None:
    demo.seed()
    publisher = Actor.of(Person.objects.get(username="publisher"))
    designs.api_update(actor=publisher, api=Api.objects.get(), endpoint="wss://example.com/own")
    demo.relocate(10998)
    assert set(urls()) == {"wss://example.com/own"}


def test_it_moves_even_when_the_publisher_has_lost_the_role() -> None:
    demo.seed()
    adam = Actor.of(Person.objects.get(username="admin"))
    people.person_update(actor=adam, person=Person.objects.get(username="publisher"), roles=[], disabled=True)
    demo.relocate(10998)
    assert urls() == ["ws://localhost:10998"] * 4


def test_the_addresses_shown_follow_the_offset(settings: Any) -> None:
    demo.seed()
    settings.PORT_OFFSET = 1000
    assert selectors.gateway_urls(Api.objects.get()) == [
        "ws://localhost:10099/echo/1.0.0",
        "wss://localhost:9099/echo/1.0.0",
    ]
