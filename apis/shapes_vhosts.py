"""The further hosts of a gateway environment, and which of its hosts a request names. Pure, no Django.

An environment's own host and ports are its first virtual host. Source: section 3.4 of the reference.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from ipaddress import ip_address
from typing import Any, Final

from apis.words import phrase

VHOSTS_LIMIT: Final = 20  # with the environment's own host
PORT_LIMIT: Final = 65_535
DESCRIPTION_LIMIT: Final = 200
FIELDS: Final = ("host", "ws_port", "wss_port", "description")
Problems = dict[str, str]

# RFC 1123 section 2.1: letters, digits and inner hyphens in labels of at most 63.
_NAME: Final = re.compile(
    r"(?=.{1,253}$)[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?(?:\.[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?)*"
)


def host_problem(host: Any) -> str:
    """What is wrong with a host name or an address such as "ws.example.com" or "[::1]", or ""."""
    wrong = "This should be a host name or an address, such as ws.example.com, 192.0.2.7 or [::1]."
    if not isinstance(host, str) or not host.isascii():
        return wrong
    if host.startswith("["):
        return "" if host.endswith("]") and ":" in host and _is_address(host[1:-1]) else wrong
    if host.replace(".", "").isdecimal():
        return "" if _is_address(host) else wrong
    return "" if _NAME.fullmatch(host.lower()) else wrong


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return "%" not in text  # a zone has no place in a URL (RFC 6874 is obsolete)


def vhosts(value: Any, own: str = "") -> tuple[list[dict[str, Any]], Problems]:
    """Complete and check the further hosts of an environment.

    Args:
        value: [{"host", "ws_port"?, "wss_port"?, "description"?}]; a port that is left out is not offered.
        own: the environment's own host, which none of them may be.

    Returns:
        The list, hosts in lower case, and the problems by "{place}/{field}".
    """
    if not isinstance(value, list) or len(value) > VHOSTS_LIMIT - 1:
        return [], {
            "": phrase(
                "This should be a list of at most {most} hosts besides the environment's own.", most=VHOSTS_LIMIT - 1
            )
        }
    done: list[dict[str, Any]] = []
    problems: Problems = {}
    for place, item in enumerate(value):
        if not isinstance(item, dict):
            problems[str(place)] = phrase("This should be an object with {fields}.", fields=", ".join(FIELDS))
            continue
        row = {"host": "", "ws_port": None, "wss_port": None, "description": "", **item}
        found = _problems(row)
        if not found.get("host") and isinstance(row["host"], str):
            row["host"] = row["host"].lower()
            if row["host"] in {own.lower(), *(one["host"] for one in done)}:
                found["host"] = "This environment has this host already."
        problems.update({f"{place}/{name}": text for name, text in found.items()})
        done.append({name: row[name] for name in FIELDS})
    return done, problems


def _problems(row: Mapping[str, Any]) -> Problems:
    found = dict.fromkeys(
        sorted(row.keys() - set(FIELDS)),
        phrase("This field is not known here; known are {known}.", known=", ".join(FIELDS)),
    )
    if problem := host_problem(row["host"]):
        found["host"] = problem
    for name in ("ws_port", "wss_port"):
        port = row[name]
        if port is not None and (isinstance(port, bool) or not isinstance(port, int) or not 0 < port <= PORT_LIMIT):
            found[name] = phrase("This should be a whole number from 1 to {most}, or null.", most=PORT_LIMIT)
    if row["ws_port"] is None and row["wss_port"] is None:
        found["ws_port"] = "A host needs a port for ws, for wss, or both."
    text = row["description"]
    if not isinstance(text, str) or len(text) > DESCRIPTION_LIMIT or not text.replace(" ", "").isprintable():
        found["description"] = phrase("This should be one line of at most {most} characters.", most=DESCRIPTION_LIMIT)
    return found


def hosts_of(own: str, further: Iterable[Mapping[str, Any]]) -> list[str]:
    """Every host of an environment, its own first, in lower case."""
    return [own.lower(), *(row["host"] for row in further)]
