"""The URL mapping of a topic: what the upstream is asked for below the endpoint's own path (CONTRACT section 5).

A mapping is a path, maybe with a query, in which `{uri.var.name}` stands for what the client wrote in the place of the
topic's `{name}`, and `/*` at the end of its path for what the topic's own `/*` matched. What a client writes can only
ever fill the place it is given: in a query it is encoded, so that it adds no pair, and whoever uses the path checks it
for dot segments once it is whole.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final
from urllib.parse import quote, unquote_to_bytes

_VARIABLE: Final = re.compile(r"\{uri\.var\.([^{}]*)\}")
_BELOW: Final = "/*"
# What may stand in a path as it was written (RFC 3986 section 3.3); everything else is encoded, but not twice.
_PATH_SAFE: Final = "!$&'()*+,;=:@%"


def fill(mapping: str, parameters: Mapping[str, str], below: str) -> tuple[str, str]:
    """The path and the query that a mapping comes to.

    Args:
        mapping: a topic's `url_mapping`, not empty.
        parameters: segments as the client wrote them, undecoded, by the name of the parameter.
        below: what the topic's `/*` matched, undecoded: "" or "/a/b".

    Returns:
        A path that begins with a slash, or "" , and a query without its question mark.
    """
    path, _, query = mapping.partition("?")
    if path.endswith(_BELOW):
        path = path.removesuffix(_BELOW)
    else:
        below = ""
    path = _VARIABLE.sub(lambda found: quote(parameters.get(found[1], ""), safe=_PATH_SAFE), path)
    query = _VARIABLE.sub(lambda found: quote(unquote_to_bytes(parameters.get(found[1], "")), safe=""), query)
    return path + below, query
