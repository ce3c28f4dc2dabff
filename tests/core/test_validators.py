"""What carol may type into the form, character by character (section 1.4 of the WSO2 reference)."""

from __future__ import annotations

import ipaddress
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apis.validators import (
    address_allowed,
    context_problem,
    endpoint_address_problem,
    endpoint_problem,
    gateway_path,
    name_problem,
    normal_context,
    tag_problem,
    text_problem,
    version_problem,
)

# The expressions of the reference (APIValidation.js), to compare with.
WSO2_NAME = re.compile(r"""^(?!.*\s{2})(?!.*[~!@#;:%^*()+={}|\\<>"',&$[\]/]).*$""")
WSO2_VERSION = re.compile(r"""^[^~!@#;:%^*()+={}|\\<>"',&/$[\]\s]+$""")
WSO2_CONTEXT = re.compile(r"""(?!.*/t/.*|.*/t$)^[^`~!@#?:%^&*+=|\\<>"',&\s[\]]*$""")

printable = st.text(st.characters(min_codepoint=32, max_codepoint=126), max_size=12)
NUL_AND_FRIENDS = ["\x00", "\x1f", "\x7f", "\x85", "\u2028", "\ud800"]


@given(printable)
def test_a_name_is_accepted_exactly_where_wso2_accepts_it(name: str) -> None:
    accepted = bool(name and name == name.strip() and WSO2_NAME.match(name))
    assert (name_problem(name) == "") == accepted


@given(printable)
def test_a_version_is_accepted_where_wso2_accepts_it_and_a_client_can_reach_it(version: str) -> None:
    accepted = bool(WSO2_VERSION.match(version)) and "?" not in version and version not in {".", ".."}
    assert (version_problem(version) == "") == accepted


@given(printable)
def test_no_context_is_accepted_that_wso2_refuses(context: str) -> None:
    if context_problem(context) == "":
        assert WSO2_CONTEXT.match(normal_context(context))


@pytest.mark.parametrize("name", ["Echo", "Echo API 2", "a", "a" * 50, "Prix-d_été.1", "日本語"])
def test_good_names(name: str) -> None:
    assert name_problem(name) == ""


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("", "Name should not be empty."),
        ("a" * 51, "Name has exceeded the maximum number of 50 characters."),
        (" Echo", "Name should not contain trailing or leading spaces"),
        ("Echo ", "Name should not contain trailing or leading spaces"),
        ("E  o", "consecutive spaces"),
        ("Echo/2", "special characters"),
        *[(f"E{char}o", "special characters") for char in NUL_AND_FRIENDS],
    ],
)
def test_bad_names_are_told_why(name: str, sentence: str) -> None:
    assert sentence in name_problem(name)


def test_the_sentence_names_the_field_it_speaks_of() -> None:
    assert name_problem("", "Display name") == "Display name should not be empty."


@pytest.mark.parametrize("version", ["1.0.0", "v1", "2026-11", "1_0", "…", "a" * 30])
def test_good_versions(version: str) -> None:
    assert version_problem(version) == ""


@pytest.mark.parametrize("version", ["", "1 0", "1/0", "1?x", ".", "..", "{version}", "a" * 31, *NUL_AND_FRIENDS])
def test_bad_versions(version: str) -> None:
    assert version_problem(version).startswith("Version ")


@pytest.mark.parametrize(
    ("typed", "normal"),
    [("echo", "/echo"), ("/echo", "/echo"), ("/echo/", "/echo"), ("a/b", "/a/b"), ("", ""), ("/", "/")],
)
def test_a_context_gets_its_leading_slash_and_loses_a_trailing_one(typed: str, normal: str) -> None:
    assert normal_context(typed) == normal


@pytest.mark.parametrize(
    "context", ["echo", "/echo", "a/b/c", "{version}/chat", "/chat/{version}", "a/{version}/b", "a(b)", "te/tt", "$x"]
)
def test_good_contexts(context: str) -> None:
    assert context_problem(context) == ""


@pytest.mark.parametrize(
    ("context", "sentence"),
    [
        ("", "Context should not be empty."),
        ("/", "Context should not be empty."),
        ("a" * 201, "Context has exceeded the maximum number of 200 characters."),
        ("a b", "spaces"),
        ("a?b", "special characters"),
        ("t", "/t/"),
        ("/t/x", "/t/"),
        ("x/t/", "/t"),
        ("//x", "empty path segments"),
        ("x//y", "empty path segments"),
        ("x//", "empty path segments"),
        ("x/../y", "dot segments"),
        ("./x", "dot segments"),
        ("{version}", "besides {version}"),
        ("{version}/{version}/x", "only once"),
        ("v{version}/x", "{version} cannot exist as a substring in a path param."),
        ("x/{id}", "{ or } cannot exist as a substring in a path param."),
        ("x/{", "{ or } cannot exist as a substring in a path param."),
        ("a(b", "Parentheses should be balanced"),
        ("a)b(", "Parentheses should be balanced"),
        *[(f"a{char}b", "special characters") for char in NUL_AND_FRIENDS],
    ],
)
def test_bad_contexts_are_told_why(context: str, sentence: str) -> None:
    assert sentence in context_problem(context)


@pytest.mark.parametrize(
    ("context", "version", "path"),
    [("/echo", "1.0.0", "/echo/1.0.0"), ("/{version}/chat", "2", "/2/chat"), ("/a/{version}", "2", "/a/2")],
)
def test_where_the_gateway_serves_it(context: str, version: str, path: str) -> None:
    assert gateway_path(context, version) == path


@pytest.mark.parametrize(
    "url",
    [
        "ws://localhost:9998",
        "wss://example.com",
        "wss://example.com/chat?room=1&x=%20",
        "ws://[::1]:80/x",
        "WS://EXAMPLE.com",
        "ws://10.0.0.1",
        "ws://does-not-resolve.invalid",
        "ws://a_b.internal:65535/",
    ],
)
def test_good_endpoints(url: str) -> None:
    assert endpoint_problem(url) == ""


@pytest.mark.parametrize(
    ("url", "sentence"),
    [
        ("", "should not be empty"),
        ("ws://" + "a" * 2000, "maximum number of 2000"),
        ("http://example.com", "must start with ws:// or wss://"),
        ("example.com", "must start with ws:// or wss://"),
        ("//example.com", "must start with ws:// or wss://"),
        ("ws://", "needs a host"),
        ("ws:///path", "needs a host"),
        ("ws:example.com", "needs a host"),
        ("ws://host:0", "port between 1 and 65535"),
        ("ws://host:65536", "port cannot be read"),
        ("ws://host:http", "port cannot be read"),
        ("ws://[::1", "cannot be read"),
        ("ws://a..b", "needs a host"),
        ("ws://-a", "needs a host"),
        ("ws://user:secret@example.com", "user name or password"),
        ("ws://user@example.com", "user name or password"),
        ("ws://@example.com", "user name or password"),
        ("ws://example.com/#top", "fragment"),
        ("ws://example.com/#", "fragment"),
        ("ws://example.com/a b", "spaces"),
        ("ws://example.com\n", "spaces"),
        ("ws://exämple.com", "non-ASCII"),
        ("ws://example.com\\@127.0.0.1", "must not contain"),
        ("ws://example.com/\x00", "control characters"),
    ],
)
def test_bad_endpoints_are_told_why(url: str, sentence: str) -> None:
    assert sentence in endpoint_problem(url)


LOOPBACK = [ipaddress.ip_network("127.0.0.0/8"), ipaddress.ip_network("::1/128")]


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1", "127.1", "2130706433", "0x7f000001", "0x7f.1", "0177.0.0.1", "017700000001", "127.0.0.1.",
        "localhost", "LOCALHOST", "localhost.", "echo.localhost", "0.0.0.0", "0", "10.0.0.1", "192.168.1.1",
        "172.16.0.1", "169.254.169.254", "100.64.0.1", "224.0.0.1", "255.255.255.255", "240.0.0.1",
        "[::1]", "[::]", "[fe80::1]", "[fc00::1]", "[ff02::1]", "[::ffff:127.0.0.1]", "[::ffff:0:127.0.0.1]",
        "[fec0::1]", "168.63.129.16", "[::ffff:168.63.129.16]",
        "[64:ff9b::7f00:1]", "[2002:7f00:1::]", "[::127.0.0.1]", "[2001:0:1:2:3:4:80ff:fffe]", "[2001:db8::1]",
    ],
)  # fmt: skip
def test_no_spelling_of_a_private_address_is_accepted_where_only_public_ones_are(host: str) -> None:
    assert endpoint_address_problem(f"ws://{host}:9998/x", []).startswith("This endpoint points at")


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "localhost", "a.localhost", "[::1]", "[::ffff:127.0.0.1]"])
def test_an_operator_can_allow_a_network(host: str) -> None:
    assert endpoint_address_problem(f"ws://{host}", LOOPBACK) == ""
    assert endpoint_address_problem("ws://10.0.0.1", LOOPBACK) != ""


@pytest.mark.parametrize(
    "host", ["example.com", "93.184.216.34", "[2606:4700::1111]", "[64:ff9b::5db8:d822]", "not-an-ip.1.2", "1.2.3.4.5"]
)
def test_public_addresses_and_names_are_accepted_and_the_address_dialled_decides_later(host: str) -> None:
    assert endpoint_address_problem(f"ws://{host}", []) == ""


@given(st.ip_addresses(v=4))
def test_ipv6_cannot_carry_an_ipv4_address_that_is_refused_by_itself(address: ipaddress.IPv4Address) -> None:
    for carrier in (f"::ffff:{address}", f"64:ff9b::{address}", f"::{address}"):
        if not address_allowed(str(address), []):
            assert not address_allowed(carrier, [])


def test_what_is_no_address_is_never_dialled() -> None:
    assert not address_allowed("example.com", LOOPBACK)
    assert not address_allowed("", LOOPBACK)


@pytest.mark.parametrize("tag", ["", " a", "a ", "a" * 31, "a/b", "a,b", *NUL_AND_FRIENDS])
def test_bad_tags(tag: str) -> None:
    assert tag_problem(tag).startswith("A tag")


@pytest.mark.parametrize("tag", ["demo", "two words", "a" * 30, "été"])
def test_good_tags(tag: str) -> None:
    assert tag_problem(tag) == ""


def test_free_text_may_have_lines_but_no_control_characters_and_an_end() -> None:
    assert text_problem("one\r\ntwo\tthree é 日", 100, "Description") == ""
    assert text_problem("x" * 101, 100, "Description") == (
        "Description has exceeded the maximum number of 100 characters."
    )
    for char in NUL_AND_FRIENDS:
        assert text_problem(f"a{char}b", 100, "Description") == "Description should not contain control characters."
