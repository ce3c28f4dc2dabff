"""What differs between two designs, and what of it breaks clients: how they connect, what they send and receive."""

from __future__ import annotations

import json
from typing import Any

import pytest

from apis.asyncapi.reading import read
from apis.differing import Change, Comparison, compare
from apis.differing.texts import side_by_side
from apis.shapes_endpoint import complete


def design(**parts: Any) -> dict[str, Any]:
    return {"topics": [{"name": "/*"}], "endpoints": {}, **parts}


def topics(old: list[dict[str, Any]], new: list[dict[str, Any]]) -> list[tuple[str, str, bool]]:
    """(what happened, where, does it break clients) between two lists of topics."""
    found = compare(design(topics=old), design(topics=new))
    return [(one.kind, one.where, one.breaking) for one in found.changes]


def only(found: Comparison) -> Change:
    assert len(found.changes) == 1, [one.where for one in found.changes]
    return found.changes[0]


class TestTopics:
    @pytest.mark.parametrize(
        ("old", "new", "told"),
        [
            ([{"name": "/a"}], [{"name": "/a"}], []),
            ([{"name": "/a"}], [], [("removed", "/a", True)]),
            ([], [{"name": "/a"}], [("added", "/a", False)]),
            ([{"name": "/a"}], [{"name": "/a", "publish": False}], [("changed", "/a, sending", True)]),
            ([{"name": "/a", "publish": False}], [{"name": "/a"}], [("changed", "/a, sending", False)]),
            ([{"name": "/a"}], [{"name": "/a", "subscribe": False}], [("changed", "/a, receiving", True)]),
            ([{"name": "/a"}], [{"name": "/a", "url_mapping": "/b"}], [("added", "/a, URL mapping", False)]),
            ([{"name": "/a", "security": "none"}], [{"name": "/a"}], [("changed", "/a, security", True)]),
            ([{"name": "/a"}], [{"name": "/a", "security": "none"}], [("changed", "/a, security", False)]),
            ([{"name": "/a"}], [{"name": "/a", "scopes": ["x"]}], [("added", "/a, scopes to connect", True)]),
            ([{"name": "/a", "scopes": ["x"]}], [{"name": "/a"}], [("removed", "/a, scopes to connect", False)]),
            ([{"name": "/a"}], [{"name": "/a", "api_plan": "Calm"}], [("added", "/a, API plan", True)]),
            ([{"name": "/a", "api_plan": "Calm"}], [{"name": "/a"}], [("removed", "/a, API plan", False)]),
        ],
    )
    def test_a_topic(self, old: Any, new: Any, told: Any) -> None:
        assert topics(old, new) == told

    def test_a_topic_that_a_wider_one_answers_for_is_no_loss(self) -> None:
        assert topics([{"name": "/*"}, {"name": "/a"}], [{"name": "/*"}]) == [("removed", "/a", False)]
        assert topics([{"name": "/rooms/7"}], [{"name": "/rooms/{id}"}])[0] == ("removed", "/rooms/7", False)

    def test_unless_the_wider_one_gives_less(self) -> None:
        narrow = {"name": "/*", "publish": False}
        assert ("removed", "/a", True) in topics([narrow, {"name": "/a"}], [narrow])

    def test_a_new_topic_that_takes_paths_from_a_wider_one_and_asks_for_more_breaks_clients(self) -> None:
        found = topics([{"name": "/*"}], [{"name": "/*"}, {"name": "/a", "scopes": ["x"]}])
        assert found == [("added", "/a", True)]


class TestSettings:
    @pytest.mark.parametrize(
        ("name", "before", "after", "breaking"),
        [
            ("max_message_bytes", 200, 100, True),
            ("max_message_bytes", 100, 200, False),
            ("max_message_bytes", None, 100, True),
            ("max_message_bytes", 2_000_000, None, True),
            ("max_message_bytes", 100, None, False),
            ("max_session_s", None, 60, True),
            ("max_session_s", 60, None, False),
            ("idle_s", 0, 60, True),
            ("idle_s", 60, 0, False),
            ("idle_s", 60, 90, False),
            ("keepalive_s", 0, 5, False),
            ("max_sessions_per_ip", 5, 4, True),
        ],
    )
    def test_a_runtime_limit(self, name: str, before: Any, after: Any, breaking: bool) -> None:
        one = only(compare(design(runtime={name: before}), design(runtime={name: after})))
        assert (one.breaking, one.before, one.after, one.pointer) == (breaking, before, after, f"/runtime/{name}")

    @pytest.mark.parametrize(
        ("name", "before", "after", "breaking"),
        [
            ("schemes", ["oauth", "api_key"], ["oauth"], True),
            ("schemes", ["oauth"], ["oauth", "api_key"], False),
            ("origins", [], ["https://a.example"], True),
            ("origins", ["https://a.example"], [], False),
            ("origins", ["https://a.example"], ["https://a.example", "https://b.example"], False),
            ("origins", ["https://a.example", "https://b.example"], ["https://a.example"], True),
            ("key_managers", [], ["Resident"], True),
            ("query_credentials", True, False, True),
            ("query_credentials", False, True, False),
            ("backend_jwt", False, True, False),
        ],
    )
    def test_security(self, name: str, before: Any, after: Any, breaking: bool) -> None:
        one = only(compare(design(security={name: before}), design(security={name: after})))
        assert (one.breaking, one.pointer) == (breaking, f"/security/{name}")

    def test_an_endpoint(self) -> None:
        one = complete({"urls": [{"url": "ws://a.example", "weight": 1}]})
        other = complete({"urls": [{"url": "ws://b.example", "weight": 1}]})
        impatient = {**one, "timeouts": {**one["timeouts"], "idle_s": 9}}
        both = {"production": one, "sandbox": one}
        assert only(compare(design(endpoints=both), design(endpoints={"production": one}))).breaking
        assert not only(compare(design(endpoints={"production": one}), design(endpoints=both))).breaking
        assert not only(
            compare(design(endpoints={"production": one}), design(endpoints={"production": other}))
        ).breaking
        assert only(
            compare(design(endpoints={"production": one}), design(endpoints={"production": impatient}))
        ).breaking

    def test_another_secret_is_told_without_it(self) -> None:
        config = complete({"urls": [{"url": "ws://a.example", "weight": 1}]})
        same = design(endpoints={"production": config})
        one = only(compare(same, same, secrets=["production/proxy/password"]))
        assert (one.before, one.after, one.breaking) == (None, None, False)


def document(sends: bool, payload: Any, **more: Any) -> str:
    """A channel on which clients send (or receive) one message."""
    action = "receive" if sends else "send"  # what the application does
    message = {"payload": payload, **more}
    return json.dumps({
        "asyncapi": "3.0.0", "info": {"title": "A", "version": "1"},
        "channels": {"a": {"address": "/*", "messages": {"m": message}}},
        "operations": {"o": {"action": action, "channel": {"$ref": "#/channels/a"},
                             "messages": [{"$ref": "#/channels/a/messages/m"}]}},
    })  # fmt: skip


def payloads(sends: bool, old: Any, new: Any) -> list[bool]:
    """Whether each change breaks clients."""
    readings = read(document(sends, old)), read(document(sends, new))
    assert all(reading.is_valid for reading in readings), [row.problems for row in readings]
    return [one.breaking for one in compare(design(), design(), readings).changes]


class TestPayloads:
    @pytest.mark.parametrize(
        ("old", "new", "sent", "received"),
        [
            ({"type": "number"}, {"type": "string"}, True, True),
            ({"type": "number"}, {"type": "integer"}, True, False),
            ({"type": "integer"}, {"type": "number"}, False, True),
            ({"type": "string"}, {"type": ["string", "null"]}, False, True),
            ({"enum": ["a", "b"]}, {"enum": ["a"]}, True, False),
            ({"enum": ["a"]}, {"enum": ["a", "b"]}, False, True),
            ({"enum": ["a"]}, {}, False, True),
            ({"const": 1}, {"const": 2}, True, True),
            ({"properties": {"a": {}}}, {"properties": {}}, False, True),
            ({"properties": {"a": {}}}, {"properties": {"a": {}, "b": {}}}, False, False),
            ({"properties": {"a": {}}, "required": []}, {"properties": {"a": {}}, "required": ["a"]}, True, False),
            ({"properties": {"a": {}}, "required": ["a"]}, {"properties": {"a": {}}}, False, True),
            ({"properties": {"a": {"type": "string"}}}, {"properties": {"a": {"type": "number"}}}, True, True),
            ({"items": {"type": "number"}}, {"items": {"type": "integer"}}, True, False),
            ({"maxLength": 9}, {"maxLength": 5}, True, False),
            ({"maxLength": 5}, {"maxLength": 9}, False, True),
            ({"minimum": 1}, {"minimum": 2}, True, False),
            ({}, {"pattern": "a"}, True, False),
            ({"pattern": "a"}, {"pattern": "b"}, True, True),
            ({}, {"additionalProperties": False}, True, False),
            ({"oneOf": [{"type": "string"}, {"type": "null"}]}, {"oneOf": [{"type": "string"}]}, True, False),
            ({"oneOf": [{"type": "string"}]}, {"oneOf": [{"type": "string"}, {"type": "null"}]}, False, True),
        ],
    )
    def test_the_direction_decides(self, old: Any, new: Any, sent: bool, received: bool) -> None:
        assert payloads(True, old, new) == [sent]
        assert payloads(False, old, new) == [received]

    def test_the_same_is_no_change_and_words_are_none(self) -> None:
        assert payloads(True, {"type": "string"}, {"type": "string", "description": "A name"}) == []

    def test_a_place_is_named_in_words_and_by_a_pointer(self) -> None:
        old = {"properties": {"a": {"properties": {"b/c": {"type": "string"}}}}}
        new = {"properties": {"a": {"properties": {"b/c": {"type": "number"}}}}}
        readings = read(document(False, old)), read(document(False, new))
        one = only(compare(design(), design(), readings))
        assert one.where == "/*, clients receive: message m, a.b/c, type"
        assert one.pointer == "/channels/a/messages/m/payload/properties/a/properties/b~1c/type"

    def test_a_schema_that_refers_to_itself_comes_to_an_end(self) -> None:
        def text(kind: str) -> str:
            tree = json.loads(document(True, {"$ref": "#/components/schemas/T"}))
            inner = {"$ref": "#/components/schemas/T"}
            tree["components"] = {"schemas": {"T": {"properties": {"next": inner, "name": {"type": kind}}}}}
            return json.dumps(tree)

        found = compare(design(), design(), (read(text("string")), read(text("number"))))
        assert [one.breaking for one in found.changes] == [True]

    def test_a_reference_that_leads_nowhere_is_compared_as_it_is(self) -> None:
        found = payloads(True, {"properties": {"a": {"$ref": "other.json"}}}, {"properties": {"a": {"type": "string"}}})
        assert found == [True]

    def test_another_format_breaks_clients(self) -> None:
        texts = [document(True, {}, contentType=kind) for kind in ("application/json", "application/cbor")]
        assert only(compare(design(), design(), (read(texts[0]), read(texts[1])))).breaking


class TestMessages:
    def with_messages(self, sends: bool, *names: str) -> str:
        tree = json.loads(document(sends, {}))
        tree["channels"]["a"]["messages"] = {name: {"payload": {"title": name}} for name in names}
        tree["operations"]["o"]["messages"] = [{"$ref": f"#/channels/a/messages/{name}"} for name in names]
        return json.dumps(tree)

    @pytest.mark.parametrize("sends", [True, False])
    def test_one_more_breaks_nobody_and_one_less_does(self, sends: bool) -> None:
        one, two = read(self.with_messages(sends, "a")), read(self.with_messages(sends, "a", "b"))
        assert not only(compare(design(), design(), (one, two))).breaking
        assert only(compare(design(), design(), (two, one))).breaking


class TestTogether:
    def test_what_breaks_clients_comes_first_and_is_counted(self) -> None:
        old = design(topics=[{"name": "/a"}, {"name": "/b"}])
        new = design(topics=[{"name": "/a", "url_mapping": "/x"}], runtime={"keepalive_s": 5})
        found = compare(old, new)
        assert [one.breaking for one in found.changes] == [True, False, False]
        assert found.summary == "3 changes, 1 breaks clients."
        assert [key for key, _, _ in found.sections] == ["topics", "runtime"]
        assert compare(old, old).summary == "Nothing differs."

    def test_a_design_from_before_a_part_existed_has_its_defaults(self) -> None:
        assert compare({"topics": []}, design(topics=[], runtime={}, security={})).changes == ()


class TestTexts:
    def test_lines_have_their_numbers_and_what_is_the_same_is_left_out(self) -> None:
        old = "\n".join(f"line {number}" for number in range(1, 30))
        rows = side_by_side(old, old.replace("line 20", "line twenty") + "\nend")
        assert rows is not None
        assert [(row.kind, row.number, row.other) for row in rows if row.kind not in {"same", "gap"}] == [
            ("changed", 20, 20),
            ("added", None, 30),
        ]
        assert rows[0].kind == "gap"

    def test_equal_texts_have_no_rows_and_endless_ones_are_not_compared(self) -> None:
        assert side_by_side("a", "a") == []
        assert side_by_side("a\n" * 7_000, "b") is None
