"""Designs as AsyncAPI 3.0.0, the way there and back, and documents that follow their topics."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from apis.asyncapi.dumping import dumped
from apis.asyncapi.facts import Facts
from apis.asyncapi.model import Reading
from apis.asyncapi.patching import Unpatchable, patched, retitled, same
from apis.asyncapi.reading import read
from apis.asyncapi.showing import shown_message
from apis.asyncapi.writing import document_of
from apis.shapes_topics import pattern_of, topic_of
from tests.core.asyncapi_samples import LAMPS_2, MANY_3, ROOMS_3

FACTS = Facts(
    urls=(("Default", "ws://gw.example:9099/a/1"), ("Default", "wss://gw.example:8099/a/1")),
    token_url="https://portal.example/oauth2/token",
    schemes=("oauth", "api_key"),
    query_credentials=True,
    scopes={"a": "About a", "b": ""},
    contact={"name": "Ann"},
    close_codes=({"code": 4401, "means": "x", "advice": "y"},),
)


def design_of(reading: Reading) -> dict[str, Any]:
    assert reading.design is not None
    assert reading.is_valid, [problem.sentence for problem in reading.problems]
    said = reading.design
    return {
        "name": said.name, "version": said.version, "description": said.description, "tags": list(said.tags),
        "context": said.context, "topics": [dict(topic) for topic in said.topics],
    }  # fmt: skip


SEGMENT = st.from_regex(r"[a-z0-9_-]{1,6}", fullmatch=True) | st.sampled_from(["{a}", "{b_1}"])
NAMES = st.lists(SEGMENT, min_size=1, max_size=3).map(lambda parts: "/" + "/".join(parts)) | st.sampled_from(
    ["/*", "/"]
)
SCOPES = st.lists(st.sampled_from(["a", "b", "c:d"]), unique=True, max_size=3)


@st.composite
def designed_topics(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Topics as a design may have them, each pattern once."""
    found: dict[str, dict[str, Any]] = {}
    for name in draw(st.lists(NAMES, min_size=1, max_size=5)):
        if name.count("{a}") > 1 or name.count("{b_1}") > 1:
            continue
        publish, subscribe = draw(st.sampled_from([(True, True), (True, False), (False, True)]))
        scopes = {field: draw(SCOPES) for field in ("scopes", "subscribe_scopes", "publish_scopes")}
        is_open = draw(st.booleans()) and draw(st.booleans())
        found[pattern_of(name)] = topic_of(
            {
                "name": name, "publish": publish, "subscribe": subscribe,
                "url_mapping": draw(st.sampled_from(["", "/m"])),
                "security": "none" if is_open else "oauth", **({} if is_open else scopes),
            }
        )  # fmt: skip
    return list(found.values()) or [topic_of({"name": "/x"})]


@given(
    designed_topics(),
    st.from_regex(r"[A-Za-z][A-Za-z0-9]{0,8}", fullmatch=True),
    st.text(st.characters(min_codepoint=32, max_codepoint=0x2FF, exclude_categories=["Cc"]), max_size=30),
    st.sampled_from([FACTS, Facts()]),
    st.sampled_from(["yaml", "json"]),
)
def test_what_is_written_reads_back_as_the_same_design(
    topics: list[dict[str, Any]], name: str, description: str, facts: Facts, syntax: str
) -> None:
    design = {
        "name": name,
        "version": "1.0",
        "description": description,
        "tags": ["x"],
        "context": "/a",
        "topics": topics,
    }
    document = document_of(design, facts)
    reading = read(dumped(document, syntax))
    again = design_of(reading)
    assert same(again["topics"], topics)
    assert {key: value for key, value in again.items() if key != "topics"} == {
        key: value for key, value in design.items() if key != "topics"
    }
    assert document_of(again, facts, reading) == document


@pytest.mark.parametrize("text", [LAMPS_2, ROOMS_3, MANY_3])
def test_messages_and_words_go_along_and_the_second_time_nothing_changes(text: str) -> None:
    first = read(text)
    document = document_of(design_of(first), FACTS, first)
    second = read(dumped(document, "yaml"))
    assert document_of(design_of(second), FACTS, second) == document
    assert same(design_of(second)["topics"], design_of(first)["topics"])
    payloads = {
        message.payload_pointer for channel in second.channels for one in channel.operations for message in one.messages
    }
    assert payloads
    assert "lamps.example.com" not in str(document)
    assert "chat.example.com" not in str(document)


def test_the_gateway_is_a_server_and_never_an_endpoint() -> None:
    document = document_of({"name": "A", "version": "1", "topics": [topic_of({"name": "/*"})]}, FACTS)
    assert document["servers"]["Default-wss"] == {
        "host": "gw.example:8099", "protocol": "wss", "pathname": "/a/1",
        "description": "The gateway, environment Default", "x-gateway": True,
        "security": [{"$ref": f"#/components/securitySchemes/{name}"}
                     for name in ("oauth2", "apiKeyHeader", "apiKeyQuery")],
    }  # fmt: skip
    assert read(dumped(document, "json")).design.endpoints == {}  # type: ignore[union-attr]
    query = document["channels"]["everything"]["bindings"]["ws"]["query"]["properties"]
    assert set(query) == {"access_token", "apikey"}
    assert document["x-close-codes"][0]["code"] == 4401


def test_an_operation_names_the_scopes_that_it_needs() -> None:
    topic = topic_of({"name": "/a", "scopes": ["a"], "publish_scopes": ["b"]})
    document = document_of({"name": "A", "version": "1", "topics": [topic]}, FACTS)
    schemes = document["components"]["securitySchemes"]
    for operation, scopes in (("send-a", ["a"]), ("receive-a", ["a", "b"])):
        (reference,) = document["operations"][operation]["security"]
        assert schemes[reference["$ref"].rpartition("/")[2]]["scopes"] == scopes


def test_a_kept_text_follows_its_topics_and_keeps_everything_else() -> None:
    reading = read(LAMPS_2)
    measured, turn = design_of(reading)["topics"]
    more = [
        {**measured, "publish": True, "publish_scopes": ["x"]},
        topic_of({"name": "/news/{day}", "security": "none"}),
    ]
    text = patched(reading, more)
    assert "# What a lamp says" in text
    assert "\nlicense" not in text
    again = read(text)
    assert same(design_of(again)["topics"], more)
    assert again.channels[0].operations[0].messages[0].title == "Measured"
    assert again.servers == reading.servers
    assert same(design_of(read(patched(again, [measured, turn])))["topics"], [measured, turn])


def test_a_text_that_says_the_same_stays_as_it_is() -> None:
    reading = read(LAMPS_2)
    assert patched(reading, [{**topic, "api_plan": "Calm"} for topic in design_of(reading)["topics"]]) == LAMPS_2


def test_channels_of_one_address_change_together() -> None:
    reading = read(MANY_3)
    (topic,) = design_of(reading)["topics"]
    less = [{**topic, "publish": False, "scopes": ["a"]}]
    again = read(patched(reading, less))
    assert same(design_of(again)["topics"], less)
    assert {one.key for channel in again.channels for one in channel.operations} == {"tick"}


def test_json_stays_json_and_a_title_is_changed_in_place() -> None:
    reading = read(dumped(read(LAMPS_2).tree, "json"))
    text = patched(reading, design_of(reading)["topics"][:1])
    assert text.startswith("{")
    assert retitled(read(LAMPS_2), version="2.0.0") == LAMPS_2.replace("version: 1.2.0", "version: 2.0.0")


def test_a_parameter_gets_another_name() -> None:
    reading = read(ROOMS_3)
    room, lobby = design_of(reading)["topics"]
    again = read(patched(reading, [{**room, "name": "/rooms/{name}"}, lobby]))
    assert again.channels[0].address == "/rooms/{name}"
    assert again.channels[0].parameters[0].description == "Which room"
    assert [one.key for one in again.channels[0].operations][:2] == ["hear", "speak"]


def test_what_cannot_be_said_in_a_document_is_refused() -> None:
    with pytest.raises(Unpatchable):
        patched(read(LAMPS_2), [topic_of({"name": "/a b"})])


@settings(deadline=None)
@given(designed_topics(), designed_topics(), st.sampled_from(["2", "3", "many", "written"]))
def test_any_topics_can_take_the_place_of_any_others(
    before: list[dict[str, Any]], after: list[dict[str, Any]], kind: str
) -> None:
    text = {
        "2": LAMPS_2,
        "3": ROOMS_3,
        "many": MANY_3,
        "written": dumped(document_of({"name": "A", "version": "1", "topics": before}, FACTS), "yaml"),
    }[kind]
    assert same(design_of(read(patched(read(text), after)))["topics"], after)


def test_schemas_that_only_lead_to_schemas_come_to_an_end() -> None:
    twice = "    s{}: {{allOf: [{{$ref: '#/components/schemas/s{}'}}, {{$ref: '#/components/schemas/s{}'}}]}}\n"
    chain = "".join(twice.format(index, index + 1, index + 1) for index in range(40))
    text = LAMPS_2.replace(
        "payload: {$ref: '#/components/schemas/lumens'}", "payload: {$ref: '#/components/schemas/s0'}"
    )
    reading = read(text + chain + "    s40: {allOf: [{$ref: '#/components/schemas/s0'}]}\n")
    assert shown_message(reading.channels[0].operations[0].messages[0], reading).rows == ()


def test_a_schema_is_shown_row_by_row_and_a_circle_once() -> None:
    text = LAMPS_2.replace(
        "        at: {type: string, format: date-time}",
        "        at: {type: string, format: date-time}\n        next: {$ref: '#/components/schemas/lumens'}\n"
        "        all: {type: array, items: {oneOf: [{type: string}, {type: integer}]}}",
    )
    reading = read(text)
    shown = shown_message(reading.channels[0].operations[0].messages[0], reading)
    assert shown.kind == "object"
    assert [(row.name, row.depth, row.type) for row in shown.rows] == [
        ("lumens", 0, "integer"), ("at", 0, "string"), ("next", 0, "object"), ("all", 0, "array"),
        ("each item", 1, "oneOf of several"), ("either 1", 2, "string"), ("either 2", 2, "integer"),
    ]  # fmt: skip
    assert shown.rows[0].rules == ("at least 0",)
