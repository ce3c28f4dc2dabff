"""What is carried over from a document that a stranger wrote: bounded, and nothing of the backend."""

from __future__ import annotations

from typing import Any

from apis.asyncapi.facts import Facts
from apis.asyncapi.nodes import looked_up
from apis.asyncapi.reading import read
from apis.asyncapi.writing import document_of
from apis.shapes_topics import topic_of

HEAD = "asyncapi: 3.0.0\ninfo: {title: A, version: 1.0.0}\n"
TAIL = "operations:\n  o: {action: send, channel: {$ref: '#/channels/c'}}\n"
DESIGN: dict[str, Any] = {"name": "A", "version": "1.0.0", "topics": [topic_of({"name": "/c"})]}


def offered(payload: str, more: str) -> str:
    """The document that developers read of one whose only message has this payload."""
    channel = f"channels:\n  c:\n    address: /c\n    messages:\n      m:\n        payload: {payload}\n"
    reading = read(HEAD + channel + TAIL + more)
    assert reading.is_valid, [problem.sentence for problem in reading.problems]
    return str(document_of(DESIGN, Facts(schemes=("oauth",)), reading))


def test_a_hundred_references_to_something_large_do_not_make_a_hundred_large_copies() -> None:
    large = "x-large:\n" + "".join(f"  a{number}: {number}\n" for number in range(2_000))
    references = ", ".join(f"p{number}: {{$ref: '#/x-large'}}" for number in range(100))
    text = offered(f"{{type: object, properties: {{{references}}}}}", large)
    assert text.count("'a1999'") == 2  # as many as fit


def test_a_reference_to_the_servers_brings_nothing_of_them_along() -> None:
    way_in = "security: [{$ref: '#/components/securitySchemes/key'}]"
    servers = f"servers:\n  inside: {{host: blue-7.internal, protocol: wss, {way_in}}}\n"
    secret = "components: {securitySchemes: {key: {type: userPassword, description: Ask Ann for hunter2}}}\n"
    for place in ("#/servers/inside", "#/servers", "#/components/securitySchemes/key", "#"):
        text = offered(f"{{type: object, properties: {{p: {{$ref: '{place}'}}}}}}", servers + secret)
        assert "blue-7" not in text
        assert "hunter2" not in text


def test_a_step_of_a_pointer_that_is_a_digit_of_another_alphabet_leads_nowhere() -> None:
    for step in ("²", "١", "9" * 20, "00000009", "-1", ""):
        assert looked_up({"a": ["x"]}, f"/a/{step}") == (False, None)
    assert looked_up({"a": ["x"]}, "/a/0") == (True, "x")
