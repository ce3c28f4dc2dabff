"""What was before a change is put back: by the same rights and checks, and as an entry that names the one it undoes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from apis.differences import differences
from apis.errors import Conflict, Forbidden, Invalid, ServiceError, Stale
from apis.happenings import sides
from apis.models import Api, HistoryEntry, Person, Scope, Topic
from apis.models.history import Unalterable
from apis.permissions import ADMINISTRATION, Actor, token_way
from apis.services import configuring, designs, documents, publishing, restoring, scopes, securing, topics, versions
from apis.services.editions import newest
from apis.stories import changes_of, story
from tests.apis.world import everything, last_entry, whole_database
from tests.conftest import CHAT

pytestmark = pytest.mark.django_db
CONFIG = {"urls": [{"url": "wss://chat.example.com/socket"}]}
SECRET = "open-sesame-1"


@pytest.fixture
def api(carol: Person) -> Api:
    design: dict[str, Any] = {**CHAT}
    return designs.api_create(actor=Actor.of(carol), **design)


def fresh(api: Api) -> Api:
    return Api.objects.select_related("version_set").get(pk=api.pk)


def undo(person: Person, api: Api, entry: HistoryEntry | None = None, **options: Any) -> HistoryEntry:
    """Restore the newest entry, or a given one. Returns: the entry that this left."""
    entry = entry or last_entry()
    restoring.entry_restore(actor=Actor.of(person), api=fresh(api), entry=entry, **options)
    assert last_entry().detail["restored"] == entry.pk
    return last_entry()


def now(api: Api) -> dict[str, Any]:
    names = ("description", "tags", "display_name", "business_plans", "business", "properties", "categories")
    return restoring.now_of(fresh(api), (*names, *restoring._PRESENT))


def _basic(actor: Actor, api: Api) -> None:
    designs.api_update(
        actor=actor, api=api, description="New words\nin two lines", tags=["new"], display_name="Chatter"
    )


def _plans(actor: Actor, api: Api) -> None:
    designs.api_update(actor=actor, api=api, business_plans=["Gold"])


def _about(actor: Actor, api: Api) -> None:
    owner = {"business_owner": "Jo", "business_owner_email": "jo@example.com"}
    designs.api_update(
        actor=actor, api=api, business=owner, properties=[{"name": "team", "value": "blue", "show_in_devportal": True}]
    )


def _topics(actor: Actor, api: Api) -> None:
    topics.topics_replace(actor=actor, api=api, topics=[{"name": "/news", "publish": False}])


def _scope_new(actor: Actor, api: Api) -> None:
    scopes.scope_create(actor=actor, api=api, name="chat:new", roles=["creator"])


def _scope_changed(actor: Actor, api: Api) -> None:
    scopes.scope_update(actor=actor, api=api, scope=Scope.objects.get(name="chat:old"), roles=[], description="Other")


def _scope_gone(actor: Actor, api: Api) -> None:
    scopes.scope_delete(actor=actor, api=api, scope=Scope.objects.get(name="chat:old"))


def _endpoint(actor: Actor, api: Api) -> None:
    config = {"urls": [{"url": "wss://other.example.com"}], "strategy": "failover", "headers": {"X-A": "b"}}
    configuring.endpoint_configure(actor=actor, api=api, key_type="production", config=config)


def _endpoint_gone(actor: Actor, api: Api) -> None:
    configuring.endpoint_remove(actor=actor, api=api, key_type="sandbox")


def _runtime(actor: Actor, api: Api) -> None:
    configuring.runtime_configure(actor=actor, api=api, limits={"idle_s": 60, "max_sessions": 5})


def _security(actor: Actor, api: Api) -> None:
    securing.security_configure(
        actor=actor, api=api, settings={"schemes": ["api_key"], "origins": ["https://a.example"]}
    )


def _document_new(actor: Actor, api: Api) -> None:
    documents.document_create(actor=actor, api=api, name="New", content="# New")


def _document_changed(actor: Actor, api: Api) -> None:
    document = api.documents.get(name="Old")
    documents.document_update(actor=actor, document=document, content="# Other", summary="other")


def _document_linked(actor: Actor, api: Api) -> None:
    documents.document_update(actor=actor, document=api.documents.get(name="Old"), url="https://docs.example.com/")


def _document_gone(actor: Actor, api: Api) -> None:
    documents.document_delete(actor=actor, document=api.documents.get(name="Old"))


KINDS: dict[str, Callable[[Actor, Api], None]] = {
    name.removeprefix("_"): change
    for name, change in list(globals().items())
    if name.startswith("_") and getattr(change, "__module__", "") == __name__
}


@pytest.mark.parametrize("kind", KINDS)
def test_what_was_before_is_back_and_history_says_so(api: Api, carol: Person, kind: str) -> None:
    actor = Actor.of(carol)
    scopes.scope_create(actor=actor, api=api, name="chat:old", description="Old", roles=["subscriber"])
    documents.document_create(actor=actor, api=api, name="Old", content="# Old\nwords", summary="old")
    before = now(api)
    KINDS[kind](actor, fresh(api))
    entry = last_entry()
    assert now(api) != before
    assert restoring.why_not(entry) == ""
    assert restoring.preview(fresh(api), entry)
    left = undo(carol, api, entry)
    assert now(api) == before
    assert (left.actor_name, story(left).restored) == ("carol", entry.pk)
    with pytest.raises(Conflict, match="so already"):
        restoring.entry_restore(actor=actor, api=fresh(api), entry=entry)


def test_a_restored_revision_is_undone_section_by_section(chat: Api, paul: Person) -> None:
    actor, revision = Actor.of(paul), chat.revisions.get()
    _topics(actor, fresh(chat))
    _runtime(actor, fresh(chat))
    _endpoint(actor, fresh(chat))
    before = now(chat)
    publishing.revision_restore(actor=actor, revision=revision)
    entry = last_entry()
    assert now(chat) != before
    undo(paul, chat, entry)
    assert now(chat) == before


def test_the_default_version_goes_back(chat: Api, paul: Person) -> None:
    versions.default_version_set(actor=Actor.of(paul), api=fresh(chat), is_default=True)
    undo(paul, chat)
    assert fresh(chat).version_set.default_api is None


def test_what_was_changed_since_elsewhere_stays(api: Api, carol: Person, paul: Person) -> None:
    designs.api_update(actor=Actor.of(carol), api=api, description="First", tags=["one"])
    entry = last_entry()
    designs.api_update(actor=Actor.of(paul), api=fresh(api), display_name="Pauls", tags=["two"])
    undo(carol, api, entry)
    done = fresh(api)
    assert (done.description, done.tags, done.display_name) == ("", [], "Pauls")


def test_secrets_stay_sealed_as_they_are_and_are_told_nowhere(api: Api, carol: Person) -> None:
    def save(**config: Any) -> None:
        configuring.endpoint_configure(
            actor=Actor.of(carol), api=fresh(api), key_type="production", config={**CONFIG, **config}
        )

    save(security={"type": "basic", "username": "first", "password": SECRET})
    save(security={"type": "basic", "username": "second", "password": SECRET + "2"})
    stored = api.endpoints.get(key_type="production").config["security"]["password"]
    entry = last_entry()
    assert restoring.keeps_secrets(entry)
    told = repr([changes_of(entry), [(one.before, one.after) for one in restoring.preview(fresh(api), entry)]])
    assert "another one" in told
    undo(carol, api, entry)
    security = api.endpoints.get(key_type="production").config["security"]
    assert (security["username"], security["password"]) == ("first", stored)
    assert SECRET not in whole_database() + told


def test_an_endpoint_whose_secret_is_gone_says_what_is_missing(api: Api, carol: Person) -> None:
    security = {"type": "bearer", "token": SECRET}
    configuring.endpoint_configure(
        actor=Actor.of(carol), api=fresh(api), key_type="sandbox", config={**CONFIG, "security": security}
    )
    configuring.endpoint_remove(actor=Actor.of(carol), api=fresh(api), key_type="sandbox")
    before = everything()
    with pytest.raises(Invalid) as refused:
        undo(carol, api)
    assert set(refused.value.fields) == {"security/token"}
    assert everything() == before


@pytest.mark.parametrize(
    ("name", "kind", "refusal"),
    [
        ("pia", "basic", Forbidden), ("sam", "basic", Forbidden), ("vic", "topics", Forbidden),
        ("pia", "plans", None), ("paul", "basic", None), ("adam", "topics", None),
    ],
)  # fmt: skip
def test_only_who_may_change_it_puts_it_back(
    chat: Api, people: dict[str, Person], name: str, kind: str, refusal: type[ServiceError] | None
) -> None:
    KINDS[kind](Actor.of(people["paul"]), fresh(chat))
    entry, person = last_entry(), people[name]
    assert restoring.may_restore(Actor.of(person), entry) is (refusal is None)
    if refusal is None:
        undo(person, chat, entry)
        return
    before = everything()
    with pytest.raises(refusal):
        restoring.entry_restore(actor=Actor.of(person), api=fresh(chat), entry=entry)
    assert everything() == before


def test_somebody_who_changed_it_while_the_question_was_read_is_not_run_over(
    api: Api, carol: Person, paul: Person
) -> None:
    _basic(Actor.of(carol), api)
    entry, seen = last_entry(), newest(api.pk)
    designs.api_update(actor=Actor.of(paul), api=fresh(api), description="By paul")
    with pytest.raises(Stale):
        restoring.entry_restore(actor=Actor.of(carol), api=fresh(api), entry=entry, seen=seen)
    assert fresh(api).description == "By paul"


def test_what_cannot_be_put_back_says_why(chat: Api, paul: Person, carol: Person) -> None:
    publishing.api_transition(actor=Actor.of(paul), api=fresh(chat), action="block")
    publishing.revision_create(actor=Actor.of(paul), api=fresh(chat))
    for entry in chat.history.all():
        assert restoring.why_not(entry), entry
        with pytest.raises(Conflict) as refused:
            restoring.entry_restore(actor=Actor.of(paul), api=fresh(chat), entry=entry)
        assert refused.value.code == "not_restorable"
    reasons = {entry.action: restoring.why_not(entry) for entry in chat.history.all()}
    assert "Lifecycle page" in reasons["block"]
    assert "Deployments page" in reasons["create_revision"]


def test_a_scope_in_use_again_and_a_topic_that_needs_a_lost_scope_are_refused(api: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    _scope_new(actor, api)
    entry = last_entry()
    topics.topics_replace(actor=actor, api=fresh(api), topics=[{"name": "/*", "scopes": ["chat:new"]}])
    with pytest.raises(Conflict) as refused:
        undo(carol, api, entry)
    assert refused.value.code == "in_use"
    topics.topics_replace(actor=actor, api=fresh(api), topics=[{"name": "/*"}])
    replaced = last_entry()
    scopes.scope_delete(actor=actor, api=fresh(api), scope=Scope.objects.get(name="chat:new"))
    with pytest.raises(Invalid):
        undo(carol, api, replaced)
    assert [topic.scopes for topic in Topic.objects.filter(api=api)] == [[]]


# The record itself ------------------------------------------------------------------------------------------------


def test_an_entry_says_by_which_way_somebody_came(api: Api, carol: Person) -> None:
    for way in (ADMINISTRATION, token_way("nightly"), token_way("Deployer", client=True), ""):
        designs.api_update(actor=Actor.of(carol, via=way), api=fresh(api), description=f"by {way}")
        assert (last_entry().via, story(last_entry()).via) == (way, way)
    assert token_way("nightly") == "REST, token nightly"


def test_history_is_written_once(api: Api, carol: Person, paul: Person) -> None:
    entry = last_entry()
    for change in (
        entry.delete, entry.save,
        HistoryEntry.objects.all().delete, lambda: HistoryEntry.objects.update(actor_name="paul"),
        lambda: api.history.all().delete(),
    ):  # fmt: skip
        with pytest.raises(Unalterable):
            change()
    designs.api_delete(actor=Actor.of(paul), api=api)
    kept = HistoryEntry.objects.get(pk=entry.pk)
    assert (kept.api, kept.actor_name, kept.subject) == (None, "carol", "Chat 1.0.0")


def test_every_kind_of_change_is_told_field_by_field(api: Api, carol: Person) -> None:
    actor = Actor.of(carol)
    scopes.scope_create(actor=actor, api=api, name="chat:old", description="Old", roles=["subscriber"])
    documents.document_create(actor=actor, api=api, name="Old", content="# Old", summary="old")
    for kind in (
        "basic",
        "plans",
        "about",
        "topics",
        "scope_changed",
        "endpoint",
        "runtime",
        "security",
        "document_changed",
    ):
        KINDS[kind](actor, fresh(api))
        entry = last_entry()
        told = changes_of(entry)
        assert len(told) == len([one for one in told if one.before != one.after]) > 0, kind
        assert not any(mark in one.before + one.after + one.label for one in told for mark in "{}'\""), told
        assert len(told) >= len(list(differences(*sides(entry.action, entry.detail)))) > 0, kind
