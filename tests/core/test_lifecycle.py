"""The lifecycle: paul the publisher moves an API along WSO2's arrows and no others."""

from __future__ import annotations

import pytest

from apis.lifecycle import (
    ACTION_LABELS,
    CHECK_ITEM_LABELS,
    LABELS,
    SERVED,
    SUBSCRIBABLE,
    TRANSITIONS,
    VISIBLE_TO_DEVELOPERS,
    Action,
    CheckItem,
    Requirement,
    State,
    actions_from,
    arrow,
)

# Written down from section 3.1 of the WSO2 reference, not from the code: state -> {action: next state}.
REFERENCE = {
    "created": {"publish": "published", "prerelease": "prereleased"},
    "prereleased": {"publish": "published", "prerelease": "prereleased", "demote": "created"},
    "published": {
        "block": "blocked",
        "prerelease": "prereleased",
        "demote": "created",
        "deprecate": "deprecated",
        "publish": "published",
    },
    "blocked": {"deprecate": "deprecated", "republish": "published"},
    "deprecated": {"retire": "retired"},
    "retired": {},
}


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("action", Action)
def test_every_state_and_action_is_as_in_the_reference(state: State, action: Action) -> None:
    found = arrow(state, action)
    assert (found.target if found else None) == REFERENCE[state].get(action)


@pytest.mark.parametrize("state", State)
def test_the_buttons_of_a_state_are_the_arrows_that_leave_it(state: State) -> None:
    assert {step.action for step in actions_from(state)} == set(REFERENCE[state])
    assert all(step.source == state for step in actions_from(state))


def test_no_arrow_is_in_the_table_twice() -> None:
    assert len({(step.source, step.action) for step in TRANSITIONS}) == len(TRANSITIONS)


def test_every_state_can_be_reached_from_created_and_only_retired_is_the_end() -> None:
    reached = {State.CREATED}
    while new := {step.target for step in TRANSITIONS if step.source in reached} - reached:
        reached |= new
    assert reached == set(State)
    assert [state for state in State if not actions_from(state)] == [State.RETIRED]


def test_what_goes_on_sale_needs_an_endpoint_and_plans_and_what_is_shown_needs_an_endpoint() -> None:
    for step in TRANSITIONS:
        if step.target == State.PUBLISHED:
            assert step.requires == (Requirement.ENDPOINT, Requirement.BUSINESS_PLANS)
        elif step.target == State.PRERELEASED:
            assert step.requires == (Requirement.ENDPOINT,)
        else:
            assert step.requires == ()


def test_check_items_are_offered_by_the_first_publish_only() -> None:
    offering = {(step.source, step.action) for step in TRANSITIONS if step.checklist}
    assert offering == {(State.CREATED, Action.PUBLISH), (State.PRERELEASED, Action.PUBLISH)}


def test_whatever_takes_something_from_people_or_cannot_be_undone_asks_first() -> None:
    harmless = {(step.source, step.action) for step in TRANSITIONS if not step.hurts}
    assert harmless == {
        (State.CREATED, Action.PUBLISH),
        (State.CREATED, Action.PRERELEASE),
        (State.PRERELEASED, Action.PUBLISH),
        (State.PRERELEASED, Action.PRERELEASE),
        (State.PUBLISHED, Action.PUBLISH),
        (State.BLOCKED, Action.REPUBLISH),
    }


def test_every_word_has_a_label() -> None:
    assert set(LABELS) == set(State)
    assert set(ACTION_LABELS) == set(Action)
    assert set(CHECK_ITEM_LABELS) == set(CheckItem)
    assert all([*LABELS.values(), *ACTION_LABELS.values(), *CHECK_ITEM_LABELS.values()])


def test_what_takes_subscriptions_is_visible_and_what_is_visible_is_served() -> None:
    assert SUBSCRIBABLE < VISIBLE_TO_DEVELOPERS
    assert VISIBLE_TO_DEVELOPERS == SERVED == {State.PRERELEASED, State.PUBLISHED, State.DEPRECATED}
