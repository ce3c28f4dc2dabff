"""paul compares revisions, versions and the working copy; developers read what changed, and nothing of the backend."""

from __future__ import annotations

from typing import Any

import pytest

from apis.models import Api, Person
from apis.permissions import Actor
from apis.services import configuring, designs, publishing, topics
from tests.apis.browsing import YES, Visit, at, page_of


@pytest.fixture
def changed(chat: Api, paul: Person) -> Api:
    """The published Chat, whose working copy has lost a direction and has a smaller message since."""
    actor = Actor.of(paul)
    topics.topics_replace(actor=actor, api=chat, topics=[{"name": "/*", "publish": False}, {"name": "/news"}])
    return chat


class TestPage:
    def test_it_compares_what_is_deployed_with_what_is_seen(self, changed: Api, paul: Person) -> None:
        page = Visit(paul).see(at(changed, "deployments/compare/"))
        assert "breaks clients" in page.words
        assert "What clients send on /* is left out." in page.words
        assert "/news" in page.words

    def test_any_two_can_be_chosen_by_their_address(self, changed: Api, paul: Person) -> None:
        page = Visit(paul).see(at(changed, "deployments/compare/?from=working&to=1"))
        assert "Clients may send on /*, too." in page.words
        assert "Nothing differs." in Visit(paul).see(at(changed, "deployments/compare/?from=1&to=1")).words

    @pytest.mark.parametrize("key", ["9", "x", "²", "00000000-0000-0000-0000-000000000000", "1" * 40, "\x00"])
    def test_what_is_not_there_is_404(self, changed: Api, paul: Person, visit: Any, key: str) -> None:
        assert visit(paul).get(at(changed, "deployments/compare/"), {"from": key}).status_code == 404

    def test_an_api_without_any_revision_says_so(self, draft: Api, carol: Person) -> None:
        assert "no revision and no other version yet" in Visit(carol).see(at(draft, "deployments/compare/")).words


class TestAsking:
    def test_deploying_asks_where_clients_would_break(self, changed: Api, paul: Person) -> None:
        publishing.revision_create(actor=Actor.of(paul), api=changed)
        page = at(changed, "deployments/")
        asked = Visit(paul).send(page, do="deploy", number="2", environments="Default")
        assert "Breaks clients: /*, sending. What clients send on /* is left out." in asked.words
        assert changed.deployments.get().revision.number == 1
        Visit(paul).do(page, do="deploy", number="2", environments="Default", **YES)
        assert changed.deployments.get().revision.number == 2

    def test_deploying_what_breaks_nobody_does_not_ask(self, chat: Api, paul: Person) -> None:
        topics.topics_replace(actor=Actor.of(paul), api=chat, topics=[{"name": "/*"}, {"name": "/news"}])
        publishing.revision_create(actor=Actor.of(paul), api=chat)
        Visit(paul).do(at(chat, "deployments/"), do="deploy", number="2", environments="Default")
        assert chat.deployments.get().revision.number == 2

    def test_restoring_says_what_it_would_do(self, changed: Api, paul: Person) -> None:
        asked = Visit(paul).send(at(changed, "deployments/"), do="restore", number="1")
        assert "/*, sending: Clients may send on /*, too." in asked.words
        assert "What deployed stays" not in asked.words
        assert "What is deployed stays as it is." in asked.words


class TestVersions:
    @pytest.fixture
    def second(self, chat: Api, paul: Person) -> Api:
        new = designs.api_version_create(actor=Actor.of(paul), api=chat, version="2.0.0")
        topics.topics_replace(
            actor=Actor.of(paul), api=new, topics=[{"name": "/*", "publish": False, "url_mapping": "/s"}]
        )
        configuring.runtime_configure(actor=Actor.of(paul), api=new, limits={"max_message_bytes": 1000})
        return new

    def test_the_lifecycle_says_that_a_new_version_breaks_clients(self, second: Api, paul: Person) -> None:
        assert (
            "Compared with version 1.0.0: 3 changes, 2 break clients."
            in Visit(paul).see(at(second, "lifecycle/")).words
        )
        asked = Visit(paul).send(at(second, "lifecycle/"), action="publish")
        assert "What clients send on /* is left out." in asked.words

    def test_developers_read_what_changed_and_nothing_of_the_backend(
        self, second: Api, paul: Person, sam: Person
    ) -> None:
        publishing.api_transition(actor=Actor.of(paul), api=second, action="publish")
        assert "What changed" in Visit(sam).see(page_of(second)).buttons
        page = Visit(sam).see(page_of(second, "changes/"))
        assert "What clients send on /* is left out." in page.words
        assert "largest message" in page.words
        assert "URL mapping" not in page.words
        assert "/s" not in page.words.split()

    def test_a_first_version_has_nothing_before_it(self, chat: Api, sam: Person) -> None:
        assert "There is no version before this one" in Visit(sam).see(page_of(chat, "changes/")).words


class TestRest:
    def test_a_revision_against_the_working_copy_what_is_deployed_and_another_one(
        self, changed: Api, paul: Person, rest: Any
    ) -> None:
        publishing.revision_create(actor=Actor.of(paul), api=changed)
        diff = f"/apis/{changed.pk}/revisions/2/diff"
        assert rest(paul).get(diff).ok()["changes"] == []
        for against in ("deployed", "1"):
            found = rest(paul).get(f"{diff}?against={against}").ok()
            assert found["breaking"] == 1
            assert found["changes"][0] == {
                "section": "topics", "kind": "changed", "where": "/*, sending", "pointer": "/topics/0/publish",
                "before": True, "after": False, "breaking": True, "why": "What clients send on /* is left out.",
            }  # fmt: skip

    @pytest.mark.parametrize(
        ("query", "status"),
        [("against=x", 400), ("against=9", 404), ("api=x", 400), ("api=00000000-0000-0000-0000-000000000000", 404)],
    )
    def test_what_is_asked_wrongly(self, changed: Api, paul: Person, rest: Any, query: str, status: int) -> None:
        assert rest(paul).get(f"/apis/{changed.pk}/revisions/1/diff?{query}").status == status

    def test_secrets_are_never_told(self, chat: Api, paul: Person, rest: Any) -> None:
        for secret in ("first", "second"):
            config = {
                "urls": [{"url": "ws://a.example"}],
                "security": {"type": "basic", "username": "u", "password": secret},
            }
            configuring.endpoint_configure(actor=Actor.of(paul), api=chat, key_type="production", config=config)
            publishing.revision_create(actor=Actor.of(paul), api=chat)
        found = rest(paul).get(f"/apis/{chat.pk}/revisions/3/diff?against=2").ok()
        assert [row["why"] for row in found["changes"]] == ["Another secret is kept."]
        assert "first" not in str(found)
        assert "sealed" not in str(found)
