"""What a person may type: one function a rule, each returns a sentence or "" (no Django, no database).

Regular expressions and messages follow section 1.4 of the WSO2 reference (APIValidation.js), so that an
API that one product accepts the other accepts too.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from typing import Final
from urllib.parse import urlsplit

from apis.words import phrase

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
Address = ipaddress.IPv4Address | ipaddress.IPv6Address

NAME_LIMIT: Final = 50
CONTEXT_LIMIT: Final = 200
VERSION_LIMIT: Final = 30
URL_LIMIT: Final = 2000
TAG_LIMIT: Final = 30
TAGS_LIMIT: Final = 20
DESCRIPTION_LIMIT: Final = 20_000

_NAME_BANNED: Final = re.compile(r"""[~!@#;:%^*()+={}|\\<>"',&$\[\]/]""")
# A "?" as well, which the reference lets pass: it would end the path, and no client could reach the version.
_VERSION_BANNED: Final = re.compile(r"""[~!@#;:%^*()+={}|\\<>"',&/$?\[\]\s]""")
_CONTEXT_BANNED: Final = re.compile(r"""[`~!@#?:%^&*+=|\\<>"',\[\]\s]""")
# Control characters, line separators, and lone surrogates (JSON can spell them; no database stores them).
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_VERSION_PART: Final = "{version}"


def name_problem(name: str, what: str = "Name") -> str:
    """The first thing wrong with an API's (or application's) name, or ""."""
    if not name:
        return phrase("{what} should not be empty.", what=what)
    if len(name) > NAME_LIMIT:
        return phrase("{what} has exceeded the maximum number of {most} characters.", what=what, most=NAME_LIMIT)
    if name != name.strip() or "  " in name or _NAME_BANNED.search(name) or _CONTROL.search(name):
        return (
            f"{what} should not contain trailing or leading spaces, special characters "
            "(~ ! @ # ; : % ^ * ( ) + = { } | \\ < > \" ' , & $ [ ] /), and consecutive spaces."
        )
    return ""


def version_problem(version: str) -> str:
    """The first thing wrong with a version such as "1.0.0", or ""."""
    if not version:
        return "Version should not be empty."
    if len(version) > VERSION_LIMIT:
        return phrase("Version has exceeded the maximum number of {most} characters.", most=VERSION_LIMIT)
    if _VERSION_BANNED.search(version) or _CONTROL.search(version):
        return (
            "Version should not contain spaces or special characters "
            "(~ ! @ # ; : % ^ * ( ) + = { } | \\ < > \" ' , & / $ ? [ ])."
        )
    if version in {".", ".."}:
        return "Version should not be a dot segment."
    return ""


def normal_context(context: str) -> str:
    """The context with its leading slash and without a trailing one; nothing else is mended."""
    return "/" + context.removeprefix("/").removesuffix("/") if context not in {"", "/"} else context


def context_problem(context: str) -> str:
    """The first thing wrong with a context such as "/echo" or "chat/{version}", or ""."""
    if not context or context == "/":
        return "Context should not be empty."
    if len(context) > CONTEXT_LIMIT:
        return phrase("Context has exceeded the maximum number of {most} characters.", most=CONTEXT_LIMIT)
    if _CONTEXT_BANNED.search(context) or _CONTROL.search(context):
        return (
            "Context should not contain spaces or special characters (` ~ ! @ # ? : % ^ & * + = | \\ < > \" ' , [ ])."
        )
    return _context_shape_problem(normal_context(context))


def _context_shape_problem(context: str) -> str:
    segments = context.split("/")[1:]
    if "t" in segments:  # a tenant's prefix in the reference
        return "Context should not contain /t/ nor end in /t."
    if "" in segments:
        return "Context should not contain empty path segments (//)."
    if {".", ".."} & set(segments):
        return "Context should not contain dot segments."
    if segments.count(_VERSION_PART) > 1:
        return "{version} can be used only once."
    others = [segment for segment in segments if segment != _VERSION_PART]
    if any(_VERSION_PART in segment for segment in others):
        return "{version} cannot exist as a substring in a path param."
    if any("{" in segment or "}" in segment for segment in others):
        return "{ or } cannot exist as a substring in a path param."
    if segments == [_VERSION_PART]:
        return "Context needs a segment besides {version}."
    if not _balanced(context):
        return "Parentheses should be balanced in API context."
    return ""


def _balanced(text: str) -> bool:
    depth = 0
    for char in text:
        depth += (char == "(") - (char == ")")
        if depth < 0:
            return False
    return depth == 0


def gateway_path(context: str, version: str) -> str:
    """The path at the gateway: `{context}/{version}`, or the context with its `{version}` filled in."""
    if _VERSION_PART in context:
        return context.replace(_VERSION_PART, version)
    return f"{context}/{version}"


def unversioned_path(context: str) -> str:
    """The path at which the default version answers: the context, without its `{version}`."""
    return context.replace(f"/{_VERSION_PART}", "")


def endpoint_problem(url: str) -> str:
    """The first thing wrong with an endpoint URL (RFC 6455 section 3), or "". It is not resolved here."""
    return url_problem(url, ("ws", "wss"), "Endpoint", "WebSocket URL")


def url_problem(url: str, schemes: Sequence[str], what: str, kind: str = "URL") -> str:
    """The first thing wrong with a URL that this product itself calls, or "". It is not resolved here.

    Args:
        schemes: those that it may have.
        what: how a sentence names the field.
        kind: what an invalid one is called.
    """
    if not url:
        return phrase("{what} should not be empty.", what=what)
    if len(url) > URL_LIMIT:
        return phrase("{what} has exceeded the maximum number of {most} characters.", what=what, most=URL_LIMIT)
    if re.search(r"\s", url) or _CONTROL.search(url) or not url.isascii() or "\\" in url:
        return phrase(
            "Invalid {kind}: it must not contain spaces, control characters or non-ASCII characters.", kind=kind
        )
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return phrase("Invalid {kind}: the host or the port cannot be read.", kind=kind)
    if parts.scheme not in schemes:
        return phrase(
            "Invalid {kind}: it must start with {schemes}.",
            kind=kind,
            schemes=" or ".join(f"{scheme}://" for scheme in schemes),
        )
    if not parts.hostname or not _host_is_sane(parts.hostname) or port == 0:
        return phrase("Invalid {kind}: it needs a host, and a port between 1 and 65535 if one is given.", kind=kind)
    if parts.username is not None or parts.password is not None:
        return phrase("Invalid {kind}: it must not contain a user name or password.", kind=kind)
    if "#" in url:
        return phrase("Invalid {kind}: it must not contain a fragment (#).", kind=kind)
    return ""


def host_problem(host: str) -> str:
    """What is wrong with the name or address of a host, or ""."""
    return "" if host and _host_is_sane(host) else "This should be the name or the address of a host."


def _host_is_sane(host: str) -> bool:
    if ":" in host:
        return _literal(host) is not None
    return (
        len(host) <= 253
        and bool(re.fullmatch(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?", host))
        and ".." not in host
    )


def _literal(host: str) -> Address | None:
    try:
        return ipaddress.ip_address(host.split("%", 1)[0])
    except ValueError:
        return None


# Addresses that a name must not lead to unless an operator allows them (reliability reference, S1).
_EMBEDDED_V4: Final = {  # prefix -> how many bits from the left the IPv4 address starts
    ipaddress.ip_network("64:ff9b::/96"): 96,  # NAT64, RFC 6052
    ipaddress.ip_network("2002::/16"): 16,  # 6to4, RFC 3056
    ipaddress.ip_network("::ffff:0:0/96"): 96,  # mapped, RFC 4291
    ipaddress.ip_network("::ffff:0:0:0/96"): 96,  # translated, RFC 2765
    ipaddress.ip_network("::/96"): 96,  # compatible, RFC 4291, deprecated
}
_TEREDO: Final = ipaddress.ip_network("2001::/32")
# Inside somebody's network although `ipaddress` calls them global.
_INSIDE: Final = (
    ipaddress.ip_network("fec0::/10"),  # site-local, RFC 3879
    ipaddress.ip_network("168.63.129.16/32"),  # metadata and agents of Azure's hosts
)


def address_allowed(address: str, networks: Sequence[Network]) -> bool:
    """Whether the gateway may dial `address` (an IP literal).

    A public unicast address is always allowed, everything else only inside `networks`. An IPv6 address that
    carries an IPv4 address is judged by both, so no spelling of 127.0.0.1 or 169.254.169.254 slips through.

    Args:
        address: the address as the resolver gave it.
        networks: what ALLOWED_UPSTREAM_NETWORKS adds to the public internet.
    """
    literal = _literal(address)
    if literal is None:
        return False
    if any(literal in network for network in networks if network.version == literal.version):
        return True
    inner = _inner_v4(literal)
    if inner is not None:
        return address_allowed(str(inner), networks)
    if any(literal in network for network in _INSIDE if network.version == literal.version):
        return False
    return literal.is_global and not literal.is_multicast and not literal.is_reserved


def _inner_v4(literal: Address) -> ipaddress.IPv4Address | None:
    if literal.version == 4:
        return None
    if literal in _TEREDO:
        return ipaddress.IPv4Address(int(literal) & 0xFFFFFFFF ^ 0xFFFFFFFF)
    if int(literal) in {0, 1}:  # :: and ::1 are addresses of their own, not 0.0.0.0 and 0.0.0.1
        return None
    for network, start in _EMBEDDED_V4.items():
        if literal in network:
            return ipaddress.IPv4Address(int(literal) >> (128 - start - 32) & 0xFFFFFFFF)
    return None


def endpoint_address_problem(url: str, networks: Sequence[Network]) -> str:
    """Whether the host of a well-formed endpoint is, as typed, an address that may not be dialled, or "".

    A name is accepted (the address dialled decides, see the gateway), but not an odd spelling of an IPv4 address
    that resolvers accept (decimal, octal, hexadecimal, short), nor a loopback name.
    """
    host = (urlsplit(url).hostname or "").rstrip(".").lower()
    literal = _literal(host) or _odd_ipv4(host)
    if host == "localhost" or host.endswith(".localhost"):
        literal = ipaddress.ip_address("127.0.0.1")
    if literal is None or address_allowed(str(literal), networks):
        return ""
    return phrase(
        "This endpoint points at {literal}, which is not a public address. An operator can allow it with "
        "ALLOWED_UPSTREAM_NETWORKS.",
        literal=literal,
    )


def _odd_ipv4(host: str) -> ipaddress.IPv4Address | None:
    """IPv4 as inet_aton(3) reads it: 1 to 4 numbers, each decimal, octal (0...) or hexadecimal (0x...)."""
    try:
        numbers = [
            int(part, 16 if part[:2] in {"0x", "0X"} else 8 if part[:1] == "0" and len(part) > 1 else 10)
            for part in host.split(".")
        ]
    except ValueError:
        return None
    if len(numbers) > 4 or any(number < 0 for number in numbers):
        return None
    *first, last = numbers
    if any(number > 255 for number in first) or last >= 256 ** (4 - len(first)):
        return None
    value = sum(number << 8 * (3 - index) for index, number in enumerate(first)) + last
    return ipaddress.IPv4Address(value)


def tag_problem(tag: str) -> str:
    """The first thing wrong with one tag, or ""."""
    if not tag or tag != tag.strip():
        return "A tag should not be empty nor have leading or trailing spaces."
    if len(tag) > TAG_LIMIT:
        return phrase("A tag has at most {most} characters.", most=TAG_LIMIT)
    if _NAME_BANNED.search(tag) or _CONTROL.search(tag):
        return "A tag should not contain special characters."
    return ""


def text_problem(text: str, limit: int, what: str) -> str:
    """Free text: bounded and without control characters other than line breaks and tabs, or ""."""
    if len(text) > limit:
        return phrase("{what} has exceeded the maximum number of {limit} characters.", what=what, limit=limit)
    if _CONTROL.search(text.translate({9: None, 10: None, 13: None})):
        return phrase("{what} should not contain control characters.", what=what)
    return ""
