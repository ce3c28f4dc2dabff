"""The lifecycle as a picture: boxes and arrows with their places, worked out from the table of transitions.

Numbers are texts already, so that no language writes its own decimal point into an SVG.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import hypot
from typing import Final

from apis.lifecycle import ACTION_LABELS, LABELS, TRANSITIONS, State, Transition
from apis.words import phrase

WIDTH: Final = 1040
HEIGHT: Final = 340
BOX: Final = (132.0, 44.0)
BEND: Final = 34.0  # how far an arrow leaves the straight line, so that there and back are two
GAP: Final = 4.0  # between an arrow and the box it comes to

# Where the middle of each box is. A state that is not here would be drawn nowhere: a test compares.
PLACES: Final[dict[State, tuple[float, float]]] = {
    State.CREATED: (80.0, 215.0),
    State.PRERELEASED: (300.0, 60.0),
    State.PUBLISHED: (520.0, 215.0),
    State.BLOCKED: (760.0, 60.0),
    State.DEPRECATED: (760.0, 285.0),
    State.RETIRED: (960.0, 285.0),
}

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Box:
    """A state: its upper left corner, its middle, and whether the API is in it."""

    state: str
    label: str
    x: str
    y: str
    middle_x: str
    middle_y: str
    is_present: bool
    was: bool


@dataclass(frozen=True, slots=True)
class Arrow:
    """A transition: the path of its line, where its label stands, and whether it can be taken from here."""

    path: str
    label: str
    x: str
    y: str
    leaves_here: bool


@dataclass(frozen=True, slots=True)
class Diagram:
    """All of it, and the same in sentences for those who cannot see it."""

    boxes: list[Box]
    arrows: list[Arrow]
    sentences: list[str]
    width: int = WIDTH
    height: int = HEIGHT
    box_width: int = int(BOX[0])
    box_height: int = int(BOX[1])


def drawn(present: State, before: frozenset[State] = frozenset()) -> Diagram:
    """The lifecycle with `present` marked, and the states in which the API has been."""
    steps = [step for step in TRANSITIONS if step.source != step.target]
    boxes = [_box(state, present, before) for state in PLACES]
    sentences = [
        phrase(
            "{action_labels} leads from {labels} to {labels_2}.",
            action_labels=ACTION_LABELS[step.action],
            labels=LABELS[step.source],
            labels_2=LABELS[step.target],
        )
        for step in steps
    ]
    return Diagram(boxes, [_arrow(step, present) for step in steps], sentences)


def _box(state: State, present: State, before: frozenset[State]) -> Box:
    x, y = PLACES[state]
    return Box(
        state.value,
        LABELS[state],
        _text(x - BOX[0] / 2),
        _text(y - BOX[1] / 2),
        _text(x),
        _text(y),
        state == present,
        state in before,
    )


def _arrow(step: Transition, present: State) -> Arrow:
    start, end = PLACES[step.source], PLACES[step.target]
    bend = _bend(start, end)
    begin, tip = _edge(start, bend, 0.0), _edge(end, bend, GAP)
    path = f"M{_text(begin[0])} {_text(begin[1])} Q{_text(bend[0])} {_text(bend[1])} {_text(tip[0])} {_text(tip[1])}"
    # The middle of a quadratic curve: a quarter of each end and half of what bends it.
    x, y = ((begin[axis] + 2 * bend[axis] + tip[axis]) / 4 for axis in (0, 1))
    return Arrow(path, ACTION_LABELS[step.action], _text(x), _text(y), step.source == present)


def _bend(start: Point, end: Point) -> Point:
    """A point beside the middle of the line, always on its left, so that two opposite arrows lie apart."""
    dx, dy = end[0] - start[0], end[1] - start[1]
    length = hypot(dx, dy)
    return (start[0] + end[0]) / 2 + dy / length * BEND, (start[1] + end[1]) / 2 - dx / length * BEND


def _edge(centre: Point, towards: Point, gap: float) -> Point:
    """Where the line from the middle of a box towards a point leaves the box, and `gap` further."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    half = BOX[0] / 2 + gap, BOX[1] / 2 + gap
    scale = min(half[0] / abs(dx) if dx else 9e9, half[1] / abs(dy) if dy else 9e9)
    return centre[0] + dx * scale, centre[1] + dy * scale


def _text(number: float) -> str:
    return f"{number:.1f}"
