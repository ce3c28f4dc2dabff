"""A creator begins with an API that is there already: whole, working, and under a name that is free."""

from __future__ import annotations

from typing import Any

import pytest

from apis.errors import Forbidden, Missing, Taken
from apis.models import Api, Person, Scope
from apis.permissions import Actor
from apis.services import demo, publishing, samples, topics
from tests.apis.world import everything

SLUGS = [sample.slug for sample in samples.SAMPLES]


@pytest.mark.parametrize("slug", SLUGS)
def test_every_sample_becomes_an_api_that_can_be_published_as_it_is(slug: str, paul: Person) -> None:
    api = samples.sample_create(actor=Actor.of(paul), sample=samples.sample_get(slug))
    assert api.state == "created"
    published = publishing.api_transition(actor=Actor.of(paul), api=api, action="publish")
    assert published.state == "published"
    assert {row.key_type for row in api.endpoints.all()} == {"production", "sandbox"}


@pytest.mark.parametrize("slug", SLUGS)
def test_the_same_sample_twice_has_a_name_a_context_and_scopes_of_its_own(slug: str, carol: Person) -> None:
    sample = samples.sample_get(slug)
    first = samples.sample_create(actor=Actor.of(carol), sample=sample)
    assert samples.proposal(sample) == {
        "name": f"{sample.api_name} 2", "context": f"{sample.context}-2", "version": "1.0.0"
    }  # fmt: skip
    second = samples.sample_create(actor=Actor.of(carol), sample=sample)
    assert second.name == f"{sample.api_name} 2"
    assert second.path == f"{sample.context}-2/1.0.0"
    mine, theirs = ({row.name for row in api.version_set.local_scopes.all()} for api in (first, second))
    assert len(mine) == len(theirs) == len(sample.scopes)
    assert not mine & theirs


def test_chat_rooms_ask_each_reader_and_each_writer_for_a_scope(carol: Person) -> None:
    api = samples.sample_create(actor=Actor.of(carol), sample=samples.sample_get("chat"))
    rooms = api.topics.get(name="/rooms/{roomID}")
    assert (rooms.subscribe_scopes, rooms.publish_scopes) == (["chat.read"], ["chat.write"])
    assert rooms.url_mapping == "/rooms?room={uri.var.roomID}"
    assert set(Scope.objects.values_list("name", flat=True)) == {"chat.read", "chat.write"}


def test_somebody_elses_scopes_are_not_taken_over(carol: Person) -> None:
    Scope.objects.create(name="chat.read")
    api = samples.sample_create(actor=Actor.of(carol), sample=samples.sample_get("chat"))
    assert {row.name for row in api.version_set.local_scopes.all()} == {"chat-2.read", "chat-2.write"}


def test_a_name_that_is_taken_makes_nothing_at_all(carol: Person) -> None:
    samples.sample_create(actor=Actor.of(carol), sample=samples.sample_get("chat"), name="Mine", context="/mine")
    before = everything()
    with pytest.raises(Taken) as refused:
        samples.sample_create(actor=Actor.of(carol), sample=samples.sample_get("feed"), name="Mine", context="/other")
    assert refused.value.fields == {"name": ["Name Mine already exists."]}
    assert everything() == before


def broken(**_: Any) -> None:
    raise RuntimeError("it broke")


def test_a_failure_on_the_way_leaves_nothing_behind(carol: Person, monkeypatch: pytest.MonkeyPatch) -> None:
    before = everything()
    monkeypatch.setattr(topics, "topics_replace", broken)
    with pytest.raises(RuntimeError):
        samples.sample_create(actor=Actor.of(carol), sample=samples.sample_get("chat"))
    assert everything() == before


def test_pia_who_designs_nothing_makes_no_sample(pia: Person) -> None:
    with pytest.raises(Forbidden):
        samples.sample_create(actor=Actor.of(pia), sample=samples.sample_get("echo"))


def test_nobody_knows_a_sample_of_another_name() -> None:
    with pytest.raises(Missing):
        samples.sample_get("nothing")


def test_in_production_there_is_no_demo_backend_to_lead_to(settings: Any, carol: Person) -> None:
    settings.MODE = "serve"
    api = samples.sample_create(actor=Actor.of(carol), sample=samples.sample_get("ticker"))
    assert not api.endpoints.exists()


def test_samples_follow_the_demo_backend_to_another_port(db: None) -> None:
    demo.seed()
    creator = Api.objects.get().provider
    api = samples.sample_create(actor=Actor.of(creator), sample=samples.sample_get("feed"))
    demo.relocate(10_998)
    assert [row.urls for row in api.endpoints.order_by("key_type")] == [
        ["ws://localhost:10998/ticker"], ["ws://localhost:10998/silent"]
    ]  # fmt: skip
