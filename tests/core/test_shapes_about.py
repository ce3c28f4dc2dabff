"""What is said about an API beside its design: which owners, properties and names are taken."""

from __future__ import annotations

from typing import Any

import pytest

from apis.shapes_about import PROPERTIES_LIMIT, business, names_problem, no_owners, properties

BO = {"business_owner": "Bo Bridges", "business_owner_email": "bo.b+x@mail.example.com"}


def test_owners_that_are_left_out_are_empty() -> None:
    assert business(BO) == ({**no_owners(), **BO}, {})
    assert business({}) == (no_owners(), {})


@pytest.mark.parametrize(
    ("value", "places"),
    [
        ([], {""}),
        (None, {""}),
        ("Bo", {""}),
        ({"owner": "Bo"}, {"owner"}),
        ({"business_owner": 7}, {"business_owner"}),
        ({"business_owner": "x" * 121}, {"business_owner"}),
        ({"business_owner": "two\nlines"}, {"business_owner"}),
        ({"technical_owner": "\x00"}, {"technical_owner"}),
        *[
            ({"business_owner_email": address}, {"business_owner_email"})
            for address in ("bo", "bo@", "@example.com", "bo@exa mple.com", "bo@@a.example", "a@b\n", "a@-b.com", None)
        ],
        ({"technical_owner_email": "x" * 65 + "@example.com"}, {"technical_owner_email"}),
        ({"technical_owner_email": "a@" + "b" * 260}, {"technical_owner_email"}),
        ({"business_owner": [], "technical_owner_email": "no"}, {"business_owner", "technical_owner_email"}),
    ],
)
def test_what_is_wrong_with_owners_is_told_by_field(value: Any, places: set[str]) -> None:
    done, problems = business(value)
    assert problems.keys() == places
    assert all(problems.values())
    assert done.keys() == no_owners().keys()


def test_a_property_is_shown_here_only_unless_it_says_so() -> None:
    shown = {"name": "region", "value": "Berlin", "show_in_devportal": True}
    assert properties([shown, {"name": "cost centre"}]) == (
        [shown, {"name": "cost centre", "value": "", "show_in_devportal": False}],
        {},
    )


@pytest.mark.parametrize(
    ("value", "place"),
    [
        ({}, ""),
        ("region", ""),
        ([{"name": f"p{n}"} for n in range(PROPERTIES_LIMIT + 1)], ""),
        (["region"], "0"),
        ([{"value": "x"}], "0/name"),
        ([{"name": "a"}, {"name": " b"}], "1/name"),
        ([{"name": "a" * 81}], "0/name"),
        ([{"name": "a\tb"}], "0/name"),
        ([{"name": 7}], "0/name"),
        ([{"name": "a", "value": 7}], "0/value"),
        ([{"name": "a", "value": "x" * 901}], "0/value"),
        ([{"name": "a", "show_in_devportal": "yes"}], "0/show_in_devportal"),
        ([{"name": "a", "colour": "red"}], "0/colour"),
        ([{"name": "Region"}, {"name": "region"}], "1/name"),
    ],
)
def test_what_is_wrong_with_properties_is_told_by_place(value: Any, place: str) -> None:
    _, problems = properties(value)
    assert list(problems) == [place]


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (["a", "b"], ""),
        ([], ""),
        ("a", "This should be a list of names of roles."),
        ([7], "This should be a list of names of roles."),
        (["a", "king", "queen"], "Unknown roles: king, queen. Known are: a, b."),
        (["king"], "Unknown role: king. Known are: a, b."),
        (["a", "a"], "A role is named twice."),
    ],
)
def test_unknown_names_are_named(value: Any, words: str) -> None:
    assert names_problem(value, ["a", "b"], "role", "roles") == words
