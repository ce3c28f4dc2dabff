"""From a request path to an API, a topic and the rest that the upstream gets (CONTRACT section 5).

The longest path prefix wins, by whole segments; the remainder is the topic. Segments are compared
percent-decoded (RFC 3986 section 6.2.2.2: `/ec%68o` is `/echo`), but passed on as they were written.
One version of an API may answer where the path names none; a path that names a version never leads to another one.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import unquote_to_bytes, urlsplit

from gateway.core.mapping import fill
from gateway.core.plans import CustomPlanSnapshot
from gateway.core.snapshot import ApiSnapshot, TopicSnapshot

_DOT_SEGMENT: Final = re.compile(r"(^|[\\/])\.\.?($|[\\/;])")
_PARAMETER: Final = re.compile(r"\{[^{}/]+\}")

# How a segment of a topic's name ranks against another one: the more specific first.
_LITERAL, _PARAM, _REST = 0, 1, 2


def _decoded(segment: str) -> str:
    return unquote_to_bytes(segment).decode("utf-8", "replace") if "%" in segment else segment


def climbs(decoded: Iterable[str]) -> bool:
    """Whether one of these segments holds a dot segment, however it was spelled."""
    return any(map(_DOT_SEGMENT.search, decoded))


def segments(path: str) -> list[str]:
    """The segments of a path after its leading slash, undecoded; [] for an empty path."""
    return path.split("/")[1:]


class TopicPattern:
    """A topic's name, ready to be compared with the remainder of a path; "/" is the API's own path and no more."""

    __slots__ = ("_open", "_parts", "rank", "topic")

    def __init__(self, topic: TopicSnapshot) -> None:
        parts = segments(topic.name) if topic.name != "/" else []
        self.topic = topic
        self._open = parts[-1:] == ["*"]
        self._parts = parts[:-1] if self._open else parts
        kinds = [_PARAM if _PARAMETER.fullmatch(part) else _LITERAL for part in self._parts]
        self.rank = (*kinds, _REST if self._open else -1)

    def match(self, rest: list[str]) -> dict[str, str] | None:
        """The values of the parameters, or None where the topic does not fit.

        Args:
            rest: decoded segments behind the API's own path; one empty last segment does not count.
        """
        if len(rest) < len(self._parts) or (len(rest) > len(self._parts) and not self._open):
            return None
        values: dict[str, str] = {}
        for part, given, kind in zip(self._parts, rest, self.rank, strict=False):
            if kind == _PARAM and given:
                values[part[1:-1]] = given
            elif part != given:
                return None
        return values

    def target(self, rest: str) -> str:
        """What the upstream is asked for below the endpoint's own path, for a remainder that matched.

        Args:
            rest: as it was written.
        """
        if not self.topic.url_mapping:
            return rest
        given = segments(rest)
        if given and not given[-1]:
            given.pop()
        named = zip(self._parts, given, self.rank, strict=False)
        values = {part[1:-1]: raw for part, raw, kind in named if kind == _PARAM}
        path, query = fill(self.topic.url_mapping, values, "".join(["/" + raw for raw in given[len(self._parts) :]]))
        return f"{path}?{query}" if query else path


PATHS_KEPT: Final = 4096


@dataclass(frozen=True, slots=True)
class Route:
    """Where a path leads.

    Attributes:
        rest: what the upstream gets below the endpoint's own path, undecoded: what follows the API's own path, e.g.
            "/rooms/7" or "", or what the topic's URL mapping makes of it, maybe with a query.
        parameters: the values of the topic's parameters, decoded.
        asked: what follows the API's own path, as the client wrote it.
    """

    api: ApiSnapshot
    topic: TopicSnapshot
    rest: str
    parameters: dict[str, str]
    asked: str = ""


class RoutingTable:
    """The deployed APIs by path, and the custom plans that count at all of them. Built once, then only read.

    Attributes:
        hosts: names that clients use -> the virtual host that each is; empty where there is only one.
    """

    __slots__ = ("_by_path", "_depth", "_found", "_topics", "by_id", "custom", "hosts", "mark")

    def __init__(
        self,
        apis: Iterable[ApiSnapshot] = (),
        custom: Iterable[CustomPlanSnapshot] = (),
        hosts: Mapping[str, str] | None = None,
    ) -> None:
        self.hosts: Mapping[str, str] = hosts or {}
        self.custom = tuple(custom)
        self.mark = object()  # to know it again without keeping it
        self.by_id = {api.api_id: api for api in apis}
        # Later ones win: a version's own path leads nowhere while it is not deployed, rather than to the default one.
        self._by_path: dict[tuple[str, ...], ApiSnapshot | None] = {
            **{tuple(segments(api.default_path)): api for api in self.by_id.values() if api.default_path},
            **{tuple(segments(path)): None for api in self.by_id.values() for path in api.closed_paths},
            **{tuple(segments(api.path)): api for api in self.by_id.values()},
        }
        self._found: dict[str, Route] = {}  # paths that were asked for: few are all that clients use
        self._depth = max(map(len, self._by_path), default=0)
        self._topics = {
            api.api_id: sorted(map(TopicPattern, api.topics), key=lambda pattern: pattern.rank)
            for api in self.by_id.values()
        }

    def find_api(self, raw_path: str) -> tuple[ApiSnapshot, str] | None:
        """The API with the longest path that begins `raw_path`, and what follows it.

        Args:
            raw_path: the path as it stood in the request line (latin-1), without the query; longer paths cost no more
                than the deepest API's path has segments.
        """
        parts = raw_path.split("/", self._depth + 1)
        names = tuple([_decoded(part) for part in parts[1 : self._depth + 1]])
        for depth in range(len(names), 0, -1):
            if names[:depth] in self._by_path:
                api = self._by_path[names[:depth]]
                return (api, "".join(["/" + part for part in parts[depth + 1 :]])) if api is not None else None
        return None

    def find(self, raw_path: str) -> Route | None:
        """The API and its most specific topic for a path, or None where nothing is there."""
        route = self._found.get(raw_path)
        if route is None:
            found = self.find_api(raw_path)
            route = self.find_topic(*found) if found is not None else None
            if route is not None and len(self._found) < PATHS_KEPT:
                self._found[raw_path] = route
        return route

    def find_topic(self, api: ApiSnapshot, rest: str) -> Route | None:
        """The most specific topic of an API for what follows its path, or None where it has none.

        A remainder with dot segments, however they are spelled, leads nowhere: behind the endpoint's own path
        it could climb out of it.

        Args:
            api: one of this table.
            rest: as it was written, e.g. "/rooms/7" or "".
        """
        given = [_decoded(part) for part in segments(rest)]
        if climbs(given):
            return None
        if given and not given[-1]:
            given.pop()
        for pattern in self._topics[api.api_id]:
            values = pattern.match(given)
            if values is not None:
                target = pattern.target(rest)
                if target is not rest and climbs(map(_decoded, segments(target.partition("?")[0]))):
                    return None  # pieces that are harmless one by one
                return Route(api, pattern.topic, target, values, rest)
        return None


def upstream_target(url: str, rest: str, query: bytes) -> bytes:
    """Path and query of the upstream's request line: the endpoint's own path, then the remainder, then all queries.

    Args:
        url: the endpoint, ws:// or wss://.
        rest: `Route.rest`.
        query: the client's query string without its "?".
    """
    parts = urlsplit(url)
    rest, _, mapped = rest.partition("?")
    path = (parts.path.rstrip("/") if rest else parts.path) + rest
    joined = b"&".join(part for part in (parts.query.encode(), mapped.encode("latin-1"), query) if part)
    return (path or "/").encode("latin-1") + (b"?" + joined if joined else b"")
