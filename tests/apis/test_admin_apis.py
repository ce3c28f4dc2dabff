"""Admin-based publishing: carol designs, paul publishes, with the same rules and sentences as everywhere."""

from __future__ import annotations

from typing import Any

import pytest

from apis.lifecycle import State
from apis.models import Api, BusinessPlan, HistoryEntry, Person, Subscription
from apis.permissions import Actor
from apis.services import designs, publishing
from tests.apis.browsing import words
from tests.apis.office import at, desk
from tests.apis.world import everything
from tests.conftest import CHAT

ADD = {"name": "Chat", "context": "chat", "version": "1.0.0", "endpoint": CHAT["endpoint"]}


def plans(*names: str) -> list[str]:
    return [str(BusinessPlan.objects.get(name=name).pk) for name in names]


@pytest.fixture
def draft(carol: Person) -> Api:
    return designs.api_create(actor=Actor.of(carol), **CHAT)


# The list ---------------------------------------------------------------------------------------------------------


def test_the_list_says_where_everything_stands(carol: Person, subscription: Subscription) -> None:
    page = words(desk(carol).open(at(Api, "changelist")))
    for fact in ("Chat", "1.0.0", "Published", "paul", "Default (revision 1)"):
        assert fact in page


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("q=chat", True),
        ("q=/chat", True),
        ("q=1.0.0", True),
        ("q=nothing", False),
        ("state__exact=published", True),
        ("state__exact=created", False),
    ],
)
def test_the_list_is_searched_and_filtered(carol: Person, chat: Api, query: str, found: bool) -> None:
    page = desk(carol).client.get(f"{at(Api, 'changelist')}?{query}")
    assert (at(chat) in page.content.decode()) == found


# Create -----------------------------------------------------------------------------------------------------------


def test_carol_designs_an_api_and_lands_on_its_page(carol: Person) -> None:
    office = desk(carol)
    page = office.done(office.press(at(Api, "add"), business_plans=plans("Bronze", "Gold"), **ADD))
    api = Api.objects.get()
    assert (api.path, api.state, api.provider) == ("/chat/1.0.0", State.CREATED, carol)
    assert [plan.name for plan in api.business_plans.all()] == ["Bronze", "Gold"]
    assert "Chat 1.0.0 was created." in page
    assert "Created" in page


def test_create_and_publish_is_for_those_who_may_both(people: dict[str, Person]) -> None:
    shown = {
        name: "Create &amp; publish" in desk(people[name]).open(at(Api, "add")).content.decode()
        for name in ("carol", "paul", "adam")
    }
    assert shown == {"carol": False, "paul": True, "adam": True}
    office = desk(people["carol"])
    refused = office.press(at(Api, "add"), "_publish", business_plans=plans("Bronze"), **ADD)
    assert office.refused(refused, 403) == {
        "": ["Creating and publishing in one step needs the creator and the publisher role."]
    }
    assert not Api.objects.exists()


def test_create_and_publish_does_all_of_it(paul: Person) -> None:
    office = desk(paul)
    page = office.done(office.press(at(Api, "add"), "_publish", business_plans=plans("Bronze"), **ADD))
    assert "Chat 1.0.0 was created and published." in page
    assert "revision 1 deployed on Default" in page
    assert Api.objects.get().state == State.PUBLISHED


@pytest.mark.parametrize(
    ("button", "change", "status", "fields"),
    [
        ("_save", {"name": "", "context": "", "version": ""}, 400, {"name", "context", "version"}),
        ("_save", {"name": " Chat", "endpoint": "http://x"}, 400, {"name", "endpoint"}),
        ("_save", {"context": "/other"}, 409, {"context"}),
        ("_save", {"name": "other"}, 409, {"name"}),
        ("_save", {"tags": "a/b", "display_name": "x/"}, 400, {"tags", "display_name"}),
        ("_save", {"description": "a\x07b"}, 400, {"description"}),
        ("_save", {"name": "a\x00b"}, 400, {"name"}),
        ("_save", {"business_plans": ["00000000-0000-0000-0000-000000000000"]}, 400, {"business_plans"}),
        ("_save", {"business_plans": ["Bronze"]}, 400, {"business_plans"}),
        ("_publish", {"endpoint": ""}, 400, {"endpoint", "business_plans"}),
        ("_publish", {"endpoint": "", "name": "a/b"}, 400, {"name", "endpoint", "business_plans"}),
    ],
)
def test_what_is_refused_stands_beside_its_field_and_nothing_is_half_done(
    paul: Person, button: str, change: dict[str, Any], status: int, fields: set[str]
) -> None:
    designs.api_create(actor=Actor.of(paul), **{**CHAT, "name": "Other", "context": "/other"})
    before = everything()
    office = desk(paul)
    response = office.press(at(Api, "add"), button, **{**ADD, **change})
    assert set(office.refused(response, status)) == fields
    assert response.context["adminform"].form["version"].value() == {**ADD, **change}["version"]
    assert everything() == before


# Change -----------------------------------------------------------------------------------------------------------


def test_saving_without_a_change_changes_nothing(paul: Person, chat: Api) -> None:
    before = everything()
    office = desk(paul)
    office.done(office.press(at(chat)))
    assert everything() == before


def test_the_design_is_edited_and_the_history_shows_it(paul: Person, chat: Api) -> None:
    office = desk(paul)
    office.done(office.press(at(chat), description="One\r\ntwo", tags="fun, live", business_plans=plans("Gold")))
    chat.refresh_from_db()
    assert (chat.description, chat.tags) == ("One\ntwo", ["fun", "live"])
    assert [plan.name for plan in chat.business_plans.all()] == ["Gold"]
    page = words(office.open(at(chat)))
    assert "paul Changed the design Chat 1.0.0" in page
    assert "paul Publish Chat 1.0.0 Created → Published" in page


def test_name_context_and_version_can_be_edited_until_there_is_a_revision(paul: Person, draft: Api) -> None:
    office = desk(paul)
    office.done(office.press(at(draft), name="Talk", context="/talk", version="2"))
    draft = Api.objects.get()
    assert (draft.name, draft.path) == ("Talk", "/talk/2")
    publishing.revision_create(actor=Actor.of(paul), api=draft)
    assert not {"name", "context", "version"} & set(office.open(at(draft)).context["adminform"].form.fields)
    office.done(office.press(at(draft), name="Chat", description="new"))
    draft = Api.objects.get()
    assert (draft.name, draft.description) == ("Talk", "new")


def test_a_taken_name_is_refused_on_the_page(paul: Person, draft: Api) -> None:
    designs.api_create(actor=Actor.of(paul), **{**CHAT, "name": "Other", "context": "/other"})
    before = everything()
    office = desk(paul)
    response = office.press(at(draft), name="Other", description="half")
    assert office.refused(response, 409) == {"name": ["Name Other already exists."]}
    assert everything() == before


def test_a_publisher_who_is_no_creator_changes_plans_only(pia: Person, chat: Api) -> None:
    office = desk(pia)
    assert set(office.open(at(chat)).context["adminform"].form.fields) == {"business_plans", "api_plan"}
    office.done(office.press(at(chat), business_plans=plans("Silver"), description="smuggled", name="Smuggled"))
    chat.refresh_from_db()
    assert ([plan.name for plan in chat.business_plans.all()], chat.description) == (["Silver"], "")
    assert chat.name == "Chat"


def test_a_creator_chooses_plans_until_it_is_published(carol: Person, draft: Api, paul: Person) -> None:
    office = desk(carol)
    office.done(office.press(at(draft), business_plans=plans("Silver")))
    publishing.api_transition(actor=Actor.of(paul), api=draft, action="publish")
    assert "business_plans" not in office.open(at(draft)).context["adminform"].form.fields
    office.done(office.press(at(draft), business_plans=plans("Gold"), description="text"))
    assert [plan.name for plan in draft.business_plans.all()] == ["Silver"]


def test_deleting_asks_first_and_is_refused_while_there_are_subscriptions(
    paul: Person, subscription: Subscription
) -> None:
    api = subscription.api
    office = desk(paul)
    assert "Revisions: 1" in words(office.open(at(api, "delete")))
    before = everything()
    page = office.done(office.client.post(at(api, "delete"), {"post": "yes"}))
    assert "has 1 subscription(s); they must be removed first." in page
    assert everything() == before
    subscription.delete()
    office.done(office.client.post(at(api, "delete"), {"post": "yes"}))
    assert not Api.objects.exists()
    assert HistoryEntry.objects.filter(action="delete", actor_name="paul").exists()


@pytest.mark.parametrize("name", ["pia"])
def test_publishers_do_not_delete(people: dict[str, Person], name: str, chat: Api) -> None:
    assert desk(people[name]).client.post(at(chat, "delete"), {"post": "yes"}).status_code == 403
    assert Api.objects.exists()
