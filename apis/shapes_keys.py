"""What may be asked of an API key: its life, and from where it may be used. Pure rules, as in `apis.shapes`."""

from __future__ import annotations

import re
from ipaddress import ip_network
from typing import Any, Final

from apis.shapes import KEY_TYPES, Problems, whole
from apis.words import phrase

KEY_PREFIX: Final = "wsk_"
TEST_KEY_PREFIX: Final = "wst_"
LONGEST_KEY_S: Final = 10 * 366 * 86_400
ENTRIES_LIMIT: Final = 50

# [scheme://]host[:port][/path]; `*` stands for anything, in the host for anything up to its end.
_REFERER: Final = re.compile(r"(?:https?://)?(?:[A-Za-z0-9_.*-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?(?:/[!-~]*)?")


def address_problem(text: str) -> str:
    """What is wrong with an IP address or network in CIDR notation, or ""."""
    try:
        ip_network(text, strict=False)
    except ValueError:
        return phrase("{text!r} is not an IP address or a network such as 192.0.2.0/24.", text=text)
    return "" if "%" not in text else "An address with a zone means something on one machine only."


def referer_problem(text: str) -> str:
    """What is wrong with a permitted referer, or ""."""
    if len(text) > 300 or not _REFERER.fullmatch(text):
        return phrase(
            "{text!r} should look like https://app.example.com or *.example.com/shop/* (300 characters).",
            text=text[:60],
        )
    return ""


def _entries(value: Any, check: Any, name: str, problems: Problems) -> None:
    if not isinstance(value, list) or len(value) > ENTRIES_LIMIT:
        problems[name] = phrase("This should be a list of at most {most} texts.", most=ENTRIES_LIMIT)
        return
    for index, text in enumerate(value):
        if problem := check(text) if isinstance(text, str) else "This should be a text.":
            problems[f"{name}/{index}"] = problem
    if not problems and len(set(value)) < len(value):
        problems[name] = "Something is named twice."


def key_problems(key_type: Any, expires_in: Any, permitted_ips: Any, permitted_referers: Any) -> Problems:
    """What is wrong with the wish for an API key.

    Args:
        expires_in: seconds, or None for a key that does not expire.
    """
    problems: Problems = {}
    if key_type not in KEY_TYPES:
        problems["key_type"] = phrase("This should be one of: {known}.", known=", ".join(KEY_TYPES))
    if expires_in is not None and (problem := whole(1, LONGEST_KEY_S)(expires_in)):
        problems["expires_in"] = problem
    _entries(permitted_ips, address_problem, "permitted_ips", problems)
    _entries(permitted_referers, referer_problem, "permitted_referers", problems)
    return problems
