"""The picture of the lifecycle shows what the table says, and nothing lies on top of anything."""

from __future__ import annotations

import itertools

from apis.lifecycle import TRANSITIONS, State
from apis.publisher.diagram import BOX, HEIGHT, PLACES, WIDTH, drawn


def test_every_state_has_a_place_inside_the_picture_and_apart_from_the_others() -> None:
    assert set(PLACES) == set(State)
    for x, y in PLACES.values():
        assert BOX[0] / 2 <= x <= WIDTH - BOX[0] / 2
        assert BOX[1] / 2 <= y <= HEIGHT - BOX[1] / 2
    for (x, y), (other_x, other_y) in itertools.combinations(PLACES.values(), 2):
        assert abs(x - other_x) > BOX[0] or abs(y - other_y) > BOX[1]


def test_every_transition_is_an_arrow_and_a_sentence() -> None:
    diagram = drawn(State.PUBLISHED)
    moves = [step for step in TRANSITIONS if step.source != step.target]
    assert len(diagram.arrows) == len(diagram.sentences) == len(moves)
    assert "Retire leads from Deprecated to Retired." in diagram.sentences


def test_there_and_back_are_two_lines() -> None:
    paths = [arrow.path for arrow in drawn(State.CREATED).arrows]
    assert len(set(paths)) == len(paths)
    words = [(float(arrow.x), float(arrow.y)) for arrow in drawn(State.CREATED).arrows]
    for (x, y), (other_x, other_y) in itertools.combinations(words, 2):
        assert abs(x - other_x) > 20 or abs(y - other_y) > 14, "two words on one place"


def test_the_present_state_and_its_ways_out_are_marked() -> None:
    diagram = drawn(State.DEPRECATED, frozenset({State.PUBLISHED}))
    assert [box.state for box in diagram.boxes if box.is_present] == ["deprecated"]
    assert [box.state for box in diagram.boxes if box.was] == ["published"]
    assert [arrow.label for arrow in diagram.arrows if arrow.leaves_here] == ["Retire"]
