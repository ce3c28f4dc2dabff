"""YAML and JSON as definitions are read: safely, with the line of everything."""

from __future__ import annotations

import contextlib
import itertools
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.asyncapi.documents import SIZE_LIMIT, Unreadable, read_document
from apis.asyncapi.dumping import dumped


def problem(text: str | bytes) -> tuple[str, int, int]:
    with pytest.raises(Unreadable) as caught:
        read_document(text)
    found = caught.value.problem
    return found.text, found.line, found.column


def test_every_value_has_its_line_and_column() -> None:
    document = read_document("asyncapi: 3.0.0\ninfo:\n  title: A\ntags:\n  - name: b\n  - {name: c}\n")
    assert document.tree == {"asyncapi": "3.0.0", "info": {"title": "A"}, "tags": [{"name": "b"}, {"name": "c"}]}
    assert document.places["/info/title"] == (3, 3)
    assert document.places["/tags/1/name"] == (6, 6)
    assert document.syntax == "yaml"


def test_names_are_escaped_in_pointers() -> None:
    assert read_document("{'a/b': {'c~d': 1}}").places["/a~1b/c~0d"] == (1, 10)


@pytest.mark.parametrize(
    ("written", "means"),
    [
        ("no", "no"), ("on", "on"), ("1.0.0", "1.0.0"), ("1.10", 1.1), ("2026-11-24", "2026-11-24"), ("0x1f", 31),
        ("0o17", 15), ("017", 17), ("~", None), ("", None), ("true", True), ("'true'", "true"), ("1e3", 1000.0),
        ("12:30:45", "12:30:45"), ("1_000", "1_000"), ("!!str 1", "1"), ("|\n  a\n  b\n", "a\nb\n"),
    ],
)  # fmt: skip
def test_scalars_mean_what_yaml_1_2_says(written: str, means: Any) -> None:
    found = read_document(f"a: {written}").tree["a"]
    assert (found, type(found)) == (means, type(means))


def test_json_is_read_with_its_tabs_escapes_and_lines() -> None:
    document = read_document('{\n\t"asyncapi":"2.6.0",\n\t"x":"\\ud83d\\ude00\\/\\\\ud83d","y":[true,null,1.5]}')
    assert document.tree == {"asyncapi": "2.6.0", "x": "😀/\\ud83d", "y": [True, None, 1.5]}
    assert document.places["/y/1"][0] == 3
    assert document.syntax == "json"


def test_anchors_and_merges_are_written_out() -> None:
    document = read_document("a: &x {b: 1, c: 2}\nd:\n  <<: *x\n  c: 3\ne: *x\n")
    assert document.tree["d"] == {"c": 3, "b": 1}
    assert document.tree["e"] == {"b": 1, "c": 2}
    assert document.tree["e"] is not document.tree["a"]


@pytest.mark.parametrize(
    ("text", "says", "line"),
    [
        ("", "empty", 0),
        ("- a", "mapping", 1),
        ("a: 1\nb: 2\na: 3", "stands twice", 3),
        ('{"a": 1, "a": 2}', "stands twice", 1),
        ("a: !!python/object/apply:os.system ['true']", "tag", 1),
        ("a: !mine x", "tag", 1),
        ("a: *nobody", "leads nowhere", 1),
        ("a: &x [*x]", "leads nowhere", 1),
        ("a: 1\n---\nb: 2", "one document", 2),
        ("a: [1,\nb", "neither YAML nor JSON", 2),
        ("a:\n\t- b", "neither YAML nor JSON", 2),
        ("? [a]\n: b", "name should be a text", 1),
        ("a: .inf", "no number", 1),
        ("a: 1e999", "too large", 1),
        ("a: " + "9" * 50, "too long", 1),
        ('a: "\\0"', "NUL", 1),
        ("a: \x01", "characters", 0),
        ("a: " + "[" * 100, "deeper", 1),
        (b"a: 1\nb: \xff", "UTF-8", 2),
        ('{"a": "\\ud83d"}', "neither", 1),
    ],
)
def test_what_is_no_document_is_said_with_its_line(text: str | bytes, says: str, line: int) -> None:
    sentence, found, _ = problem(text)
    assert says in sentence
    assert found == line


def test_a_document_is_bounded_and_so_is_what_its_aliases_expand_to() -> None:
    assert "larger" in problem("a: " + "x" * SIZE_LIMIT)[0]
    assert "larger" in problem("a: " + "é" * (SIZE_LIMIT // 2))[0]
    names = "abcdefghij"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{new}: &{new} [{', '.join(['*' + old] * 9)}]\n" for old, new in itertools.pairwise(names)
    )
    assert "aliases" in problem(bomb)[0]


TREES = st.dictionaries(
    st.text(max_size=6),
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers(-(10**15), 10**15)
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(max_size=12)
        | st.sampled_from(
            ["no", "1e3", "0o17", "0x1f", "~", "null", ".inf", "- a", "a: b", " x ", "\n", "# no", "1.0"]
        ),
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
        max_leaves=12,
    ),
    min_size=1,
    max_size=4,
)


def printable(value: Any) -> bool:
    """Whether YAML can hold it: no control characters, no halves of characters; a name is short and no merge."""
    if isinstance(value, str):
        return value.isprintable() or all(char.isprintable() or char == "\n" for char in value)
    if isinstance(value, dict):
        return all(printable(key) and "\n" not in key and key != "<<" and printable(one) for key, one in value.items())
    return all(map(printable, value)) if isinstance(value, list) else True


@given(TREES.filter(printable), st.sampled_from(["yaml", "json"]))
def test_what_is_written_is_read_back_the_same(tree: dict[str, Any], syntax: str) -> None:
    assert json.dumps(read_document(dumped(tree, syntax)).tree) == json.dumps(tree)


@given(st.text(max_size=60) | st.binary(max_size=60))
def test_any_text_is_read_or_refused(text: str | bytes) -> None:
    with contextlib.suppress(Unreadable):
        read_document(text)
