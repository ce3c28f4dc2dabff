"""What is understood of AsyncAPI documents, whose side directions are told from, and what is said of the rest."""

from __future__ import annotations

from typing import Any

import pytest

from apis.asyncapi.model import Reading
from apis.asyncapi.reading import read
from apis.shapes_topics import topic_of
from tests.core.asyncapi_samples import LAMPS_2, MANY_3, ROOMS_3

HEAD_2 = "asyncapi: 2.6.0\ninfo: {title: A, version: '1'}\n"
HEAD_3 = "asyncapi: 3.0.0\ninfo: {title: A, version: '1'}\n"
OAUTH = """
components:
  securitySchemes:
    tokens:
      type: oauth2
      flows:
        clientCredentials:
          tokenUrl: https://a.example/token
          %s: {a: About a, b: About b}
    key: {type: httpApiKey, in: header, name: ApiKey}
    basic: {type: http, scheme: basic}
"""


def topics(text: str) -> dict[str, dict[str, Any]]:
    """The topics of a document that has no errors, by name."""
    reading = read(text)
    assert reading.is_valid, [problem.sentence for problem in reading.problems]
    assert reading.design is not None
    return {topic["name"]: topic for topic in reading.design.topics}


def said(reading: Reading, level: str = "error") -> list[tuple[str, str]]:
    return [(problem.pointer, problem.text) for problem in reading.problems if problem.level == level]


def test_a_document_of_2_6() -> None:
    reading = read(LAMPS_2)
    design = reading.design
    assert reading.is_valid
    assert design is not None
    assert (design.name, design.version, design.tags, design.contact["name"]) == (
        "Street lamps", "1.2.0", ("city",), "The lamplighters",
    )  # fmt: skip
    assert design.endpoints == {
        "production": ("wss://eu.lamps.example.com:443/v1",), "sandbox": ("wss://sandbox.lamps.example.com/v1",),
    }  # fmt: skip
    assert topics(LAMPS_2) == {
        "/lamps/{lampID}/measured": topic_of(
            {"name": "/lamps/{lampID}/measured", "publish": False, "scopes": ["lamps:read"]}
        ),
        "/lamps/{lampID}/turn": topic_of(
            {"name": "/lamps/{lampID}/turn", "subscribe": False, "scopes": ["lamps:write"]}
        ),
    }
    assert design.scopes["lamps:write"][0] == "Turn lamps on and off"
    assert design.schemes == ("oauth",)
    assert said(reading, "warning") == [
        ("/servers/broker", "mqtt is no WebSocket; the server broker does not become an endpoint.")
    ]


def test_a_document_of_3_0() -> None:
    reading = read(ROOMS_3)
    assert topics(ROOMS_3) == {
        "/rooms/{roomID}": topic_of({"name": "/rooms/{roomID}"}),
        "/lobby": topic_of({"name": "/lobby", "publish": False, "security": "none"}),
    }
    assert reading.design is not None
    assert reading.design.endpoints == {"production": ("wss://chat.example.com/socket",)}
    assert reading.design.schemes == ("api_key",)


@pytest.mark.parametrize(
    ("text", "publish", "subscribe"),
    [
        (HEAD_2 + "channels: {a: {publish: {}}}", True, False),
        (HEAD_2 + "channels: {a: {subscribe: {}}}", False, True),
        (HEAD_3 + "channels: {a: {address: a}}\noperations: {o: {action: receive, channel: {$ref: '#/channels/a'}}}",
         True, False),
        (HEAD_3 + "channels: {a: {address: a}}\noperations: {o: {action: send, channel: {$ref: '#/channels/a'}}}",
         False, True),
        (HEAD_3 + "x-perspective: client\nchannels: {a: {address: a}}\n"
         "operations: {o: {action: send, channel: {$ref: '#/channels/a'}}}", True, False),
        (HEAD_3 + "channels: {a: {address: a}}\n"
         "operations: {o: {action: receive, channel: {$ref: '#/channels/a'}, reply: {}}}", True, True),
        (HEAD_2 + "channels: {a: {}}", True, True),
    ],
)  # fmt: skip
def test_directions_are_told_from_the_side_of_clients(text: str, publish: bool, subscribe: bool) -> None:
    """2.x says what clients do; 3.x what the application does, which is the API."""
    topic = topics(text)["/a"]
    assert (topic["publish"], topic["subscribe"]) == (publish, subscribe)


@pytest.mark.parametrize("version", ["2.0.0", "2.1.0", "2.2.0", "2.3.0", "2.4.0", "2.5.0", "2.6.0", "3.0.0", "3.1.0"])
def test_versions_that_are_read(version: str) -> None:
    text = f"asyncapi: {version}\ninfo: {{title: A, version: '1'}}\nchannels: {{a: {{address: a}}}}"
    assert read(text).version == version
    assert read(text).is_valid


@pytest.mark.parametrize("version", ["1.2.0", "2.7.0", "3.2.0", "4.0.0", "two", "2.6", "3"])
def test_versions_that_are_not_read_are_named(version: str) -> None:
    reading = read(f"asyncapi: '{version}'\nchannels: {{}}")
    assert not reading.is_valid
    assert version in reading.problems[0].text
    assert (reading.problems[0].pointer, reading.problems[0].line) == ("/asyncapi", 1)


SECURED = HEAD_2 + "channels:\n  a:\n    x: 1\n    %s\n" + OAUTH % "scopes"


@pytest.mark.parametrize(
    ("operations", "expected"),
    [
        ("subscribe: {security: [{tokens: [a]}]}", {"publish": False, "scopes": ["a"]}),
        ("{s}: {{security: [{{tokens: [a]}}]}}\n    publish: {{security: [{{tokens: [a, b]}}]}}".format(s="subscribe"),
         {"scopes": ["a"], "publish_scopes": ["b"]}),
        ("x-scopes: [a]\n    subscribe: {}\n    publish: {x-scopes: [b]}", {"scopes": ["a"], "publish_scopes": ["b"]}),
        ("x-scopes: []\n    subscribe: {x-scopes: [a]}", {"publish": False, "subscribe_scopes": ["a"]}),
        ("x-auth-type: None\n    subscribe: {}", {"publish": False, "security": "none"}),
        ("subscribe: {security: []}", {"publish": False, "security": "none"}),
        ("subscribe: {security: []}\n    publish: {security: [{key: []}]}", {}),
        ("subscribe: {x-uri-mapping: /b}", {"publish": False, "url_mapping": "/b"}),
    ],
)  # fmt: skip
def test_security_mappings_and_scopes(operations: str, expected: dict[str, Any]) -> None:
    assert topics(SECURED.replace("x: 1", "x-y: 1") % operations)["/a"] == topic_of({"name": "/a", **expected})


def test_scopes_of_a_scheme_in_3_0() -> None:
    text = (
        HEAD_3
        + """
channels: {a: {address: a}}
operations:
  o:
    action: send
    channel: {$ref: '#/channels/a'}
    security:
      - type: oauth2
        scopes: [a]
        flows: {clientCredentials: {tokenUrl: 'https://a.example/t', availableScopes: {a: About a}}}
"""
    )
    assert topics(text)["/a"]["scopes"] == ["a"]


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        ("asyncapi: 2.6.0\nchannels: {a: {}}", "", "This needs `info`."),
        ("asyncapi: 2.6.0\ninfo: {version: '1'}\nchannels: {a: {}}", "/info", "This needs `title`."),
        ("asyncapi: 2.6.0\ninfo: {title: A, version: 1.0}\nchannels: {a: {}}", "/info/version", "in quotes: '1.0'"),
        (HEAD_2, "", "This needs `channels`."),
        (HEAD_2 + "channels: {}", "/channels", "at least one"),
        (HEAD_2 + "channels: []", "/channels", "a mapping"),
        (HEAD_2 + "channels: {'a b': {}}", "/channels/a b", "cannot be a topic"),
        (HEAD_2 + "channels: {'a/{x}': {}, 'a/{y}': {}}", "/channels/a~1{y}", "the same paths"),
        (HEAD_2 + "channels: {a: {parameters: {b: {}}}}", "/channels/a/parameters/b", "no parameter"),
        (HEAD_2 + "channels: {a: {x-uri-mapping: '/{uri.var.z}'}}", "/channels/a/x-uri-mapping", "no parameter"),
        (HEAD_2 + "channels: {a: {x-scopes: ['a b']}}", "/channels/a", "cannot be a scope"),
        (HEAD_2 + "channels: {a: {$ref: 'https://a.example/b.yaml'}}", "/channels/a/$ref", "https://a.example/b.yaml"),
        (HEAD_2 + "channels: {a: {$ref: './b.yaml#/c'}}", "/channels/a/$ref", "./b.yaml#/c leads out"),
        (HEAD_2 + "channels: {a: {$ref: '#/components/x'}}", "/channels/a/$ref", "leads to nothing"),
        (HEAD_2 + "channels: {a: {$ref: '#/channels/b'}, b: {$ref: '#/channels/a'}}", "/channels/b/$ref", "circle"),
        (HEAD_2 + "channels: {a: {}}\nservers: {s: {url: 'wss://u:p@a.example', protocol: wss}}", "/servers/s/url",
         "user name"),
        (HEAD_2 + "channels: {a: {}}\nservers: {s: {protocol: wss}}", "/servers/s", "This needs `url`."),
        (HEAD_2 + "channels: {a: {subscribe: {message: {payload: {type: 7}}}}}",
         "/channels/a/subscribe/message/payload/type", "no JSON Schema"),
        (HEAD_2 + "channels: {a: {subscribe: {security: [{b: []}]}}}", "/channels/a/subscribe/security/0/b",
         "no security scheme"),
        (HEAD_2 + "channels: {a: {}}\ncomponents: {securitySchemes: {s: {type: oauth2}}}",
         "/components/securitySchemes/s", "needs `flows`"),
        (HEAD_2 + "channels: {a: {}}\ncomponents: {securitySchemes: {s: {type: oauth2, flows: {implicit: {}}}}}",
         "/components/securitySchemes/s/flows/implicit", "authorizationUrl"),
        (HEAD_3 + "channels: {a: {address: a}}\noperations: {o: {action: shout, channel: {$ref: '#/channels/a'}}}",
         "/operations/o/action", "send or receive"),
        (HEAD_3 + "channels: {a: {address: a}}\noperations: {o: {action: send, channel: {$ref: '#/info'}}}",
         "/operations/o/channel", "one of #/channels"),
        (HEAD_3 + "channels: {a: {address: a}}\noperations: {o: {action: send, channel: {address: a}}}",
         "/operations/o/channel", "one of #/channels"),
        (HEAD_3 + "channels: {a: {address: a, servers: [{$ref: '#/servers/z'}]}}", "/channels/a/servers", "no server"),
        (HEAD_3 + "x-perspective: moon\nchannels: {a: {address: a}}", "/x-perspective", "application or client"),
    ],
)  # fmt: skip
def test_errors_name_their_place(text: str, pointer: str, words: str) -> None:
    found = said(read(text))
    assert any(place == pointer and words in sentence for place, sentence in found), found


@pytest.mark.parametrize(
    ("text", "pointer", "words"),
    [
        (HEAD_2 + "chanels: {}\nchannels: {a: {}}", "/chanels", "is nothing that a document has"),
        (HEAD_2 + "channels: {'a?b=c': {}}", "/channels/a?b=c", "query"),
        (HEAD_2 + "channels: {a/: {}}", "/channels/a~1", "slash"),
        (HEAD_2 + "channels: {a: {}}\nservers: {s: {url: 'wss://{x}', protocol: wss, variables: {x: {}}}}",
         "/servers/s/url", "no default"),
        (HEAD_2 + "channels: {a: {bindings: {ws: {method: POST}}}}", "/channels/a/bindings/ws/method", "GET"),
        (HEAD_2 + "channels: {a: {bindings: {ws: {headers: {type: object}}}}}", "/channels/a/bindings/ws/headers",
         "not checked"),
        (HEAD_2 + "channels: {a: {subscribe: {traits: []}}}", "/channels/a/subscribe/traits", "nothing is read"),
        (HEAD_2 + "channels: {a: {}}" + OAUTH % "scopes", "/components/securitySchemes/basic/scheme", "basic"),
        (HEAD_3 + "channels: {a: {address: a}, b: {title: B}}", "/channels/b", "no address"),
        (HEAD_2 + "channels: {a: {}, b: {servers: [m]}}\nservers: {m: {url: m.example, protocol: mqtt}}",
         "/channels/b", "becomes no topic"),
        ("asyncapi: 2.6.0\ninfo: {title: 'A & B', version: '1'}\nchannels: {a: {}}", "/info/title", "A B is proposed"),
        ("asyncapi: 2.6.0\ninfo: {title: A, version: '1 0'}\nchannels: {a: {}}", "/info/version", "another one"),
    ],
)  # fmt: skip
def test_what_has_no_effect_is_a_warning_and_is_not_lost_silently(text: str, pointer: str, words: str) -> None:
    reading = read(text)
    assert reading.is_valid, said(reading)
    found = said(reading, "warning")
    assert any(place == pointer and words in sentence for place, sentence in found), found


@pytest.mark.parametrize(
    ("server", "key_type"),
    [
        ("production: {url: 'wss://a.example', protocol: wss}", "production"),
        ("main: {url: 'wss://a.example', protocol: wss}", "production"),
        ("latest: {url: 'wss://a.example', protocol: wss}", "production"),
        ("my-staging: {url: 'wss://a.example', protocol: wss}", "sandbox"),
        ("a: {url: 'wss://a.example', protocol: wss, tags: [{name: 'env:dev'}]}", "sandbox"),
        ("test: {url: 'wss://a.example', protocol: wss, x-key-type: production}", "production"),
    ],
)
def test_a_server_is_for_production_or_for_sandbox_keys(server: str, key_type: str) -> None:
    design = read(HEAD_2 + f"channels: {{a: {{}}}}\nservers:\n  {server}").design
    assert design is not None
    assert design.endpoints == {key_type: ("wss://a.example",)}


def test_channels_of_one_address_are_one_topic() -> None:
    """Documents about WebSockets have a channel for every kind of message, all at `/`."""
    reading = read(MANY_3)
    assert topics(MANY_3) == {"/": topic_of({"name": "/"})}
    assert [channel.key for channel in reading.channels] == ["ping", "pong", "ticks"]


def test_messages_and_payloads_are_found_by_pointer() -> None:
    """What a comparison of two revisions needs: every part with its place."""
    reading = read(LAMPS_2)
    (first, second) = reading.channels
    (message,) = first.operations[0].messages
    assert (message.pointer, message.payload_pointer) == ("/components/messages/measured", "/components/schemas/lumens")
    assert message.payload["properties"]["lumens"]["minimum"] == 0
    assert second.operations[0].pointer == "/channels/lamps~1{lampID}~1turn/publish"
    assert second.parameters[0].description == "Which lamp"
    rooms = {channel.key: channel for channel in read(ROOMS_3).channels}
    assert [(one.key, one.direction, one.is_reply) for one in rooms["room"].operations] == [
        ("hear", "subscribe", False), ("speak", "publish", False), ("", "subscribe", True),
    ]  # fmt: skip
    assert [message.name for message in rooms["room"].direction("publish")[0].messages] == ["Ask"]


@pytest.mark.parametrize(
    "channels",
    [
        "".join(f"  c{index}: {{publish: {{message: {{$ref: '#/components/messages/x'}}}}}}\n" for index in range(400)),
        "".join(f"  c{index}: {{publish: {{security: {{$ref: '#/components/x-list'}}}}}}\n" for index in range(4000)),
    ],
)
def test_references_that_name_one_part_over_and_over_come_to_an_end(channels: str) -> None:
    text = f"{HEAD_2}channels:\n{channels}components:\n  x-list: [{', '.join(['{}'] * 1000)}]\n"
    text += "  messages:\n    x: {oneOf: ["
    text += ", ".join(["{$ref: '#/components/messages/y'}"] * 1000) + "]}\n    y: {payload: {type: object}}\n"
    reading = read(text)
    assert not reading.is_valid
    assert reading.design is None
