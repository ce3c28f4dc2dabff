"""paul the publisher walks APIs through their lives; whatever the table does not allow changes nothing."""

from __future__ import annotations

from typing import Any

import pytest

from apis import checking
from apis.errors import Conflict, Forbidden, Invalid
from apis.frozen import served_of
from apis.lifecycle import Action, CheckItem, State, arrow
from apis.models import Api, Application, Person, Subscription
from apis.permissions import Actor
from apis.services import designs, publishing, subscribing
from tests.apis.world import everything, last_entry, walk
from tests.conftest import CHAT


@pytest.fixture
def draft(paul: Person) -> Api:
    """Chat as carol would leave it: complete, in state created."""
    return designs.api_create(actor=Actor.of(paul), **CHAT)


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_every_state_and_action_either_moves_or_is_a_conflict_that_changes_nothing(
    draft: Api, paul: Person, state: State, action: Action
) -> None:
    actor = Actor.of(paul)
    api = walk(draft, state, actor)
    step = arrow(state, action)
    if step is None:
        before = everything()
        with pytest.raises(Conflict) as refused:
            publishing.api_transition(actor=actor, api=api, action=action)
        assert refused.value.code == "illegal_action"
        assert everything() == before
        return
    moved = publishing.api_transition(actor=actor, api=api, action=action)
    assert moved.state == Api.objects.get(pk=api.pk).state == step.target
    entry = api.history.filter(action=action).first()
    assert entry is not None
    assert (entry.actor_name, entry.detail["before"], entry.detail["after"]) == ("paul", state, step.target)


@pytest.mark.parametrize("state", State)
def test_where_an_api_is_deployed_in_each_state(draft: Api, paul: Person, state: State) -> None:
    api = walk(draft, state, Actor.of(paul))
    assert api.deployments.exists() == (state not in {State.CREATED, State.RETIRED})


def test_a_demoted_api_stays_deployed_and_moves_on_again(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    api = publishing.api_transition(actor=actor, api=chat, action="demote")
    assert api.deployments.count() == 1
    api = publishing.api_transition(actor=actor, api=api, action="publish")
    assert (api.state, api.revisions.count()) == (State.PUBLISHED, 1)


def test_publish_makes_and_deploys_the_first_revision(draft: Api, paul: Person) -> None:
    api = publishing.api_transition(actor=Actor.of(paul), api=draft, action="publish")
    deployment = api.deployments.get()
    assert (deployment.revision.number, deployment.revision.description) == (1, "Initial Revision")
    assert deployment.environment.name == "Default"
    assert deployment.design == served_of(deployment.revision.design)


def test_publish_deploys_the_newest_revision_where_there_are_some_but_none_is_deployed(
    draft: Api, paul: Person
) -> None:
    actor = Actor.of(paul)
    for text in ("first", "second"):
        publishing.revision_create(actor=actor, api=draft, description=text)
    api = publishing.api_transition(actor=actor, api=draft, action="publish")
    assert api.deployments.get().revision.description == "second"
    assert api.revisions.count() == 2


def test_publish_leaves_a_deployed_revision_where_it_is(draft: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    first = publishing.revision_create(actor=actor, api=draft)
    publishing.revision_deploy(actor=actor, revision=first)
    publishing.revision_create(actor=actor, api=draft)
    api = publishing.api_transition(actor=actor, api=draft, action="publish")
    assert api.deployments.get().revision == first


@pytest.mark.parametrize(
    ("lacking", "action", "missing"),
    [
        ({"endpoint": ""}, "publish", ["endpoint"]),
        ({"business_plans": []}, "publish", ["business_plans"]),
        ({"endpoint": "", "business_plans": []}, "publish", ["endpoint", "business_plans"]),
        ({"endpoint": ""}, "prerelease", ["endpoint"]),
    ],
)
def test_what_is_missing_is_named_and_nothing_moves(
    paul: Person, lacking: dict[str, Any], action: str, missing: list[str]
) -> None:
    actor = Actor.of(paul)
    api = designs.api_create(actor=actor, **{**CHAT, **lacking})
    listed = {step.action: names for step, _, names in checking.transitions_of(actor, api)}
    assert listed[Action(action)] == missing
    before = everything()
    with pytest.raises(Conflict, match=", ".join(missing)) as refused:
        publishing.api_transition(actor=actor, api=api, action=action)
    assert refused.value.code == "requirements_missing"
    assert everything() == before


def test_a_prerelease_needs_no_business_plan(paul: Person) -> None:
    actor = Actor.of(paul)
    api = designs.api_create(actor=actor, **{**CHAT, "business_plans": []})
    assert publishing.api_transition(actor=actor, api=api, action="prerelease").state == State.PRERELEASED


@pytest.mark.parametrize("name", ["carol", "sam", "vic"])
def test_only_publishers_move_apis(people: dict[str, Person], draft: Api, name: str) -> None:
    before = everything()
    with pytest.raises(Forbidden, match="publisher role"):
        publishing.api_transition(actor=Actor.of(people[name]), api=draft, action="publish")
    assert everything() == before


@pytest.mark.parametrize("name", ["pia", "paul", "adam"])
def test_publishers_and_administrators_move_apis(people: dict[str, Person], draft: Api, name: str) -> None:
    actor = Actor.of(people[name])
    assert all(allowed for _, allowed, _ in checking.transitions_of(actor, draft))
    assert publishing.api_transition(actor=actor, api=draft, action="publish").state == State.PUBLISHED


def test_a_token_without_the_publish_scope_moves_nothing(draft: Api, paul: Person) -> None:
    with pytest.raises(Forbidden) as refused:
        publishing.api_transition(actor=Actor.of(paul, ["api:create"]), api=draft, action="publish")
    assert refused.value.code == "insufficient_scope"


@pytest.mark.parametrize(
    ("action", "checklist"), [("unpublish", None), ("", None), ("publish", {"notify_subscribers": True})]
)
def test_words_that_are_not_in_the_tables_are_invalid(
    draft: Api, paul: Person, action: str, checklist: dict[str, bool] | None
) -> None:
    with pytest.raises(Invalid):
        publishing.api_transition(actor=Actor.of(paul), api=draft, action=action, checklist=checklist)


def test_check_items_go_with_the_first_publish_only(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    with pytest.raises(Conflict) as refused:
        publishing.api_transition(
            actor=actor, api=chat, action="publish", checklist={CheckItem.DEPRECATE_OLD_VERSIONS: True}
        )
    assert refused.value.code == "no_checklist"
    unticked = {CheckItem.DEPRECATE_OLD_VERSIONS: False}
    assert publishing.api_transition(actor=actor, api=chat, action="publish", checklist=unticked) == chat


# Check items ------------------------------------------------------------------------------------------------------


def publish_next(api: Api, paul: Person, version: str, **checklist: bool) -> Api:
    actor = Actor.of(paul)
    copy = designs.api_version_create(actor=actor, api=api, version=version)
    return publishing.api_transition(actor=actor, api=copy, action="publish", checklist=checklist)


def test_old_versions_stay_published_unless_asked(chat: Api, paul: Person) -> None:
    publish_next(chat, paul, "2.0.0")
    chat.refresh_from_db()
    assert chat.state == State.PUBLISHED


def test_old_published_versions_are_deprecated_on_request_and_others_left_alone(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    blocked = publish_next(chat, paul, "1.1.0")
    publishing.api_transition(actor=actor, api=blocked, action="block")
    draft = designs.api_version_create(actor=actor, api=chat, version="1.2.0")
    stranger = publishing.api_create_and_publish(actor=actor, **{**CHAT, "name": "Other", "context": "/other"})
    newest = publish_next(chat, paul, "2.0.0", deprecate_old_versions=True)
    states = {api.pk: api.state for api in Api.objects.all()}
    assert states[chat.pk] == State.DEPRECATED
    assert states[blocked.pk] == State.BLOCKED
    assert states[draft.pk] == State.CREATED
    assert states[newest.pk] == states[stranger.pk] == State.PUBLISHED
    assert chat.history.filter(action="deprecate", actor_name="paul").count() == 1


def test_subscribers_of_the_version_before_are_subscribed_too(
    chat: Api, paul: Person, subscription: Subscription
) -> None:
    subscription.state = Subscription.State.PRODUCTION_BLOCKED
    subscription.save()
    newer = publish_next(chat, paul, "2.0.0")
    copy = newer.subscriptions.get()
    assert (copy.application, copy.business_plan) == (subscription.application, subscription.business_plan)
    assert copy.state == Subscription.State.PRODUCTION_BLOCKED
    assert newer.history.get(action="inherit_subscriptions").detail == {"inherited_from": "Chat 1.0.0"}


def test_a_plan_that_is_not_offered_any_more_is_replaced_by_the_first_that_is(
    chat: Api, paul: Person, subscription: Subscription
) -> None:
    actor = Actor.of(paul)
    copy = designs.api_version_create(actor=actor, api=chat, version="2.0.0")
    designs.api_update(actor=actor, api=copy, business_plans=["Gold", "Silver"])
    newer = publishing.api_transition(actor=actor, api=copy, action="publish")
    assert newer.subscriptions.get().business_plan.name == "Gold"


def test_with_re_subscription_nobody_is_subscribed_to_the_new_version(
    chat: Api, paul: Person, subscription: Subscription
) -> None:
    newer = publish_next(chat, paul, "2.0.0", require_resubscription=True)
    assert newer.subscriptions.count() == 0
    assert chat.subscriptions.count() == 1


def test_who_subscribed_to_the_pre_release_keeps_that_subscription(
    chat: Api, paul: Person, sam: Person, phone: Application, subscription: Subscription
) -> None:
    actor = Actor.of(paul)
    copy = designs.api_version_create(actor=actor, api=chat, version="2.0.0")
    publishing.api_transition(actor=actor, api=copy, action="prerelease")
    early = subscribing.subscription_create(
        actor=Actor.of(sam), api=Api.objects.get(pk=copy.pk), application=phone, business_plan="Unlimited"
    )
    newer = publishing.api_transition(actor=actor, api=copy, action="publish")
    assert newer.subscriptions.get() == early


def test_subscribers_come_from_the_nearest_version_that_serves_them(
    chat: Api, paul: Person, subscription: Subscription
) -> None:
    draft = designs.api_version_create(actor=Actor.of(paul), api=chat, version="1.5.0")
    newer = publish_next(chat, paul, "2.0.0")
    assert newer.subscriptions.count() == 1
    assert draft.subscriptions.count() == 0


def test_publishing_an_older_version_later_deprecates_nothing_newer(chat: Api, paul: Person) -> None:
    actor = Actor.of(paul)
    older = designs.api_version_create(actor=actor, api=chat, version="0.9.0")
    newer = publish_next(chat, paul, "2.0.0")
    publishing.api_transition(actor=actor, api=older, action="publish", checklist={"deprecate_old_versions": True})
    newer.refresh_from_db()
    chat.refresh_from_db()
    assert (chat.state, newer.state) == (State.DEPRECATED, State.PUBLISHED)


# Create and publish in one step -----------------------------------------------------------------------------------


def test_create_and_publish_needs_both_roles(people: dict[str, Person]) -> None:
    before = everything()
    for name in ("carol", "pia", "sam", "vic"):
        with pytest.raises(Forbidden):
            publishing.api_create_and_publish(actor=Actor.of(people[name]), **CHAT)
    assert everything() == before
    assert publishing.api_create_and_publish(actor=Actor.of(people["adam"]), **CHAT).state == State.PUBLISHED
    assert last_entry().action == "deploy"


@pytest.mark.parametrize(
    ("change", "fields"),
    [
        ({"endpoint": ""}, {"endpoint"}),
        ({"business_plans": []}, {"business_plans"}),
        ({"endpoint": "", "name": "Bad/"}, {"endpoint", "name"}),
        ({"version": "1 0"}, {"version"}),
        ({"business_plans": ["Lead"]}, {"business_plans"}),
    ],
)
def test_create_and_publish_is_all_or_nothing_and_names_every_mistake(
    paul: Person, change: dict[str, Any], fields: set[str]
) -> None:
    before = everything()
    with pytest.raises(Invalid) as refused:
        publishing.api_create_and_publish(actor=Actor.of(paul), **{**CHAT, **change})
    assert set(refused.value.fields) == fields
    assert everything() == before
