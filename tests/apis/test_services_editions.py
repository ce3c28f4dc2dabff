"""Two people change one API: other fields are put together, the same one is told who changed it from what to what."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis.errors import Stale
from apis.models import Api, Person, Topic
from apis.permissions import Actor
from apis.services import configuring, designs, publishing, scopes, securing, topics, versions
from apis.services.editions import newest
from tests.apis.world import everything
from tests.conftest import CHAT

pytestmark = pytest.mark.django_db
CONFIG = {"urls": [{"url": "wss://chat.example.com/socket"}]}
BASIC = {**CONFIG, "security": {"type": "basic", "username": "gateway", "password": "open-sesame"}}


@pytest.fixture
def api(carol: Person) -> Api:
    design: dict[str, Any] = {**CHAT}
    return designs.api_create(actor=Actor.of(carol), **design)


def fresh(api: Api) -> Api:
    return Api.objects.select_related("version_set").get(pk=api.pk)


def test_carol_and_paul_change_different_fields_of_one_form_and_both_hold(
    api: Api, carol: Person, paul: Person
) -> None:
    seen = newest(api.pk)
    form = {"display_name": api.display_name, "description": api.description, "tags": list(api.tags)}
    designs.api_update(actor=Actor.of(carol), api=fresh(api), seen=seen, **{**form, "description": "By carol"})
    designs.api_update(actor=Actor.of(paul), api=fresh(api), seen=seen, **{**form, "tags": ["fast"]})
    now = fresh(api)
    assert (now.description, now.tags) == ("By carol", ["fast"])


def test_paul_is_told_what_carol_changed_in_the_same_field_and_nothing_is_saved(
    api: Api, carol: Person, paul: Person
) -> None:
    designs.api_update(actor=Actor.of(carol), api=api, description="Old words")
    seen = newest(api.pk)
    designs.api_update(actor=Actor.of(carol), api=fresh(api), description="By carol", tags=["new"])
    before = everything()
    with pytest.raises(Stale) as refused:
        designs.api_update(
            actor=Actor.of(paul),
            api=fresh(api),
            seen=seen,
            description="By paul",
            tags=list(api.tags),
            display_name="P",
        )
    assert everything() == before
    told = {one.field: (one.who, one.before, one.after, one.clashes) for one in refused.value.changes}
    assert told["description"] == ("carol", "Old words", "By carol", True)
    assert told["tags"][3] is False
    assert refused.value.merged == {"description": "By paul", "tags": ["new"], "display_name": "P"}
    designs.api_update(actor=Actor.of(paul), api=fresh(api), seen=refused.value.seen, **refused.value.merged)
    now = fresh(api)
    assert (now.description, now.tags, now.display_name) == ("By paul", ["new"], "P")


def test_other_sections_do_not_meet(api: Api, carol: Person, paul: Person) -> None:
    seen, actor = newest(api.pk), Actor.of(carol)
    designs.api_update(actor=actor, api=api, description="By carol")
    configuring.runtime_configure(actor=Actor.of(paul), api=fresh(api), limits={"idle_s": 60}, seen=seen)
    securing.security_configure(
        actor=Actor.of(paul), api=fresh(api), settings={"schemes": ["api_key"]}, seen=seen
    )  # fmt: skip
    topics.topic_save(actor=Actor.of(paul), api=fresh(api), topic={"name": "/news"}, seen=seen)
    scopes.scope_create(actor=Actor.of(paul), api=fresh(api), name="chat:read")
    assert fresh(api).runtime["idle_s"] == 60


@pytest.mark.parametrize("section", ["runtime", "security"])
def test_a_section_is_put_together_member_by_member(api: Api, carol: Person, paul: Person, section: str) -> None:
    sections: dict[str, tuple[Callable[..., None], dict[str, Any], dict[str, Any]]] = {
        "runtime": (_runtime, {"idle_s": 60}, {"keepalive_s": 30}),
        "security": (_security, {"origins": ["https://a.example"]}, {"query_credentials": True}),
    }
    save, first, second = sections[section]
    seen, stored = newest(api.pk), dict(getattr(api, section))
    save(Actor.of(carol), fresh(api), {**stored, **first}, seen)
    save(Actor.of(paul), fresh(api), {**stored, **second}, seen)
    assert getattr(fresh(api), section) == {**stored, **first, **second}
    clash = {name: [*value, "https://b.example"] if isinstance(value, list) else 7 for name, value in first.items()}
    with pytest.raises(Stale) as refused:
        save(Actor.of(paul), fresh(api), {**stored, **clash}, seen)
    assert [one.field for one in refused.value.changes if one.clashes] == [f"{section}/{next(iter(first))}"]


def _runtime(actor: Actor, api: Api, values: dict[str, Any], seen: int) -> None:
    configuring.runtime_configure(actor=actor, api=api, limits=values, seen=seen)


def _security(actor: Actor, api: Api, values: dict[str, Any], seen: int) -> None:
    securing.security_configure(actor=actor, api=api, settings=values, seen=seen)


def test_topics_are_put_together_by_name_and_field(api: Api, carol: Person, paul: Person) -> None:
    topics.topics_replace(actor=Actor.of(carol), api=api, topics=[{"name": "/a"}, {"name": "/b"}])
    seen, rows = newest(api.pk), [topic.design for topic in Topic.objects.filter(api=api)]
    mine = [{**row, "publish": False} if row["name"] == "/a" else row for row in rows]
    topics.topic_save(actor=Actor.of(carol), api=fresh(api), topic={"name": "/c"}, seen=seen)
    topics.topic_save(
        actor=Actor.of(carol), api=fresh(api), topic={**rows[0], "url_mapping": "/x"}, was="/a", seen=seen
    )
    topics.topics_replace(actor=Actor.of(paul), api=fresh(api), topics=mine, seen=seen)
    now = {topic.name: topic for topic in Topic.objects.filter(api=api)}
    assert set(now) == {"/a", "/b", "/c"}
    assert (now["/a"].publish, now["/a"].url_mapping) == (False, "/x")


def test_a_topic_that_carol_removed_or_changed_is_not_removed_or_changed_by_paul(
    api: Api, carol: Person, paul: Person
) -> None:
    topics.topics_replace(actor=Actor.of(carol), api=api, topics=[{"name": "/a"}, {"name": "/b"}])
    seen = newest(api.pk)
    topics.topic_save(actor=Actor.of(carol), api=fresh(api), topic={"name": "/a", "publish": False}, was="/a")
    with pytest.raises(Stale):
        topics.topic_remove(actor=Actor.of(paul), api=fresh(api), name="/a", seen=seen)
    topics.topic_remove(actor=Actor.of(carol), api=fresh(api), name="/a")
    with pytest.raises(Stale) as refused:
        topics.topic_save(actor=Actor.of(paul), api=fresh(api), topic={"name": "/a"}, was="/a", seen=seen)
    assert "carol" in refused.value.detail


def test_endpoints_are_put_together_and_their_secrets_stay_or_clash(api: Api, carol: Person, paul: Person) -> None:
    def save(person: Person, config: dict[str, Any], seen: int | None = None) -> None:
        configuring.endpoint_configure(
            actor=Actor.of(person), api=fresh(api), key_type="production", config=config, seen=seen
        )

    save(carol, BASIC)
    stored, seen = api.endpoints.get(key_type="production").config["security"]["password"], newest(api.pk)
    kept = {**CONFIG, "security": {"type": "basic", "username": "gateway"}}
    save(carol, {**kept, "headers": {"X-Tenant": "blue"}}, seen)
    save(paul, {**kept, "timeouts": {"connect_ms": 900}}, seen)
    config = api.endpoints.get(key_type="production").config
    assert (config["headers"], config["timeouts"]["connect_ms"]) == ({"X-Tenant": "blue"}, 900)
    assert config["security"]["password"] == stored
    save(carol, {**BASIC, "security": {**BASIC["security"], "password": "new-one"}}, None)  # type: ignore[dict-item]
    with pytest.raises(Stale) as refused:
        save(paul, {**BASIC, "security": {**BASIC["security"], "password": "my-one"}}, seen)  # type: ignore[dict-item]
    shown = repr([refused.value.changes, refused.value.merged, refused.value.detail])
    assert not any(secret in shown for secret in ("open-sesame", "new-one", "my-one", stored))
    assert ("another one", "a new one") in {(one.before, one.after) for one in refused.value.changes}


def test_who_takes_the_second_step_of_the_lifecycle_is_told_of_the_first(chat: Api, paul: Person, pia: Person) -> None:
    seen = newest(chat.pk)
    publishing.api_transition(actor=Actor.of(paul), api=fresh(chat), action="block")
    with pytest.raises(Stale) as refused:
        publishing.api_transition(actor=Actor.of(pia), api=fresh(chat), action="demote", seen=seen)
    assert [(one.who, one.field, one.before, one.after) for one in refused.value.changes] == [
        ("paul", "state", "published", "blocked")
    ]


def test_a_revision_is_not_restored_over_what_somebody_changed_since(chat: Api, paul: Person, carol: Person) -> None:
    seen = newest(chat.pk)
    revision = chat.revisions.get()
    designs.api_update(actor=Actor.of(carol), api=fresh(chat), description="elsewhere")
    publishing.revision_restore(actor=Actor.of(paul), revision=revision, seen=seen)
    seen = newest(chat.pk)
    configuring.runtime_configure(actor=Actor.of(carol), api=fresh(chat), limits={"idle_s": 77})
    with pytest.raises(Stale):
        publishing.revision_restore(actor=Actor.of(paul), revision=revision, seen=seen)
    assert fresh(chat).runtime["idle_s"] == 77


def test_deploying_and_moving_the_default_version_ask_too(chat: Api, paul: Person, pia: Person) -> None:
    seen = newest(chat.pk)
    publishing.revision_create(actor=Actor.of(paul), api=fresh(chat))
    first, second = chat.revisions.order_by("number")
    publishing.revision_deploy(actor=Actor.of(paul), revision=second)
    with pytest.raises(Stale) as refused:
        publishing.revision_deploy(actor=Actor.of(pia), revision=first, seen=seen)
    assert [(one.field, one.before, one.after) for one in refused.value.changes] == [("deployments/Default", "1", "2")]
    versions.default_version_set(actor=Actor.of(paul), api=fresh(chat), is_default=True)
    with pytest.raises(Stale):
        versions.default_version_set(actor=Actor.of(pia), api=fresh(chat), is_default=False, seen=seen)


def test_without_an_edition_the_last_one_wins_as_before(api: Api, carol: Person, paul: Person) -> None:
    designs.api_update(actor=Actor.of(carol), api=fresh(api), description="By carol")
    designs.api_update(actor=Actor.of(paul), api=fresh(api), description="By paul")
    assert fresh(api).description == "By paul"
