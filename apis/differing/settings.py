"""Endpoints, runtime limits and security of two designs."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Final

from apis.differing.changes import CHANGED, Change, kind_of, step
from apis.words import phrase

LARGEST_MESSAGE_BYTES: Final = 1 << 20  # where neither API nor plan has a limit (CONTRACT section 6)
Config = Mapping[str, Any]


def endpoint_changes(
    old: Mapping[str, Config], new: Mapping[str, Config], secrets: Sequence[str] = ()
) -> Iterator[Change]:
    """Args: both complete and without secrets (shape: apis.shapes_endpoint), by key type; `secrets` "{key type}/{path}"
    of those that differ.
    """
    for key_type in dict.fromkeys([*old, *new]):
        pointer = f"/endpoints/{key_type}"
        where = _KEY_TYPES.get(key_type, key_type)
        before, after = old.get(key_type), new.get(key_type)
        if before is None or after is None:
            told = [_urls(config) if config is not None else None for config in (before, after)]
            why = (
                phrase("Clients with such credentials can connect now.")
                if before is None
                else phrase("Clients with such credentials are refused: there is no backend for them.")
            )
            kind = kind_of(before, after)
            yield Change("endpoints", kind, where, pointer, told[0], told[1], before is not None, why)
            continue
        for name in dict.fromkeys([*before, *after]):
            if name == "urls" and _urls(before) != _urls(after):
                why = phrase("Clients connect as before; the backend is somewhere else.")
                yield Change(
                    "endpoints", CHANGED, _at(where, phrase("URLs")), f"{pointer}/urls", _urls(before), _urls(after),
                    False, why,
                )  # fmt: skip
            elif name not in {"urls", "secrets_set"}:
                yield from _leaves(before.get(name), after.get(name), _at(where, name), f"{pointer}/{step(name)}")
        for path in secrets:
            if path.startswith(f"{key_type}/"):
                place, inner = _at(where, path.partition("/")[2]), f"{pointer}/{path.partition('/')[2]}"
                yield Change("endpoints", CHANGED, place, inner, None, None, False, phrase("Another secret is kept."))


def _urls(config: Config) -> list[str]:
    return [
        item["url"] if item["weight"] == 1 else f"{item['url']} (weight {item['weight']})" for item in config["urls"]
    ]


def _at(where: str, what: str) -> str:
    return phrase("{place}, {what}", place=where, what=what)


def _leaves(before: Any, after: Any, where: str, pointer: str) -> Iterator[Change]:
    if before == after:
        return
    if isinstance(before, dict) and isinstance(after, dict):
        for name in dict.fromkeys([*before, *after]):
            inner = f"{where}, {name}" if name not in {"idle_s"} else _at(where, phrase("idle time"))
            yield from _leaves(before.get(name), after.get(name), inner, f"{pointer}/{step(name)}")
        return
    shorter = pointer.endswith("/timeouts/idle_s") and _tighter(before, after)
    why = (
        phrase("Silent connections are closed sooner.")
        if shorter
        else phrase("This is between the gateway and the backend.")
    )
    yield Change("endpoints", kind_of(before, after), where, pointer, before, after, shorter, why)


def _tighter(before: int | None, after: int | None) -> bool:
    """Whether a limit is lower than it was, where None and 0 are none."""
    return bool(after) and (not before or after < before)  # type: ignore[operator]  # (it is a number then)


def _smaller_messages(before: int | None, after: int | None) -> bool:
    if after is None:  # what the plan says counts then, or the default
        return before is not None and before > LARGEST_MESSAGE_BYTES
    return before is None or after < before


Check = Callable[[int | None, int | None], bool]
_MORE: Final = phrase("It asks for less than before.")
# field -> its words, whether it is worse than before, what that means
_RUNTIME: Final[dict[str, tuple[str, Check, str]]] = {
    "max_message_bytes": (
        phrase("largest message (bytes)"),
        _smaller_messages,
        phrase("Larger messages, in either direction, end the connection with 1009."),
    ),
    "max_session_s": (phrase("longest connection (s)"), _tighter, phrase("Connections are closed sooner.")),
    "idle_s": (phrase("idle time (s)"), _tighter, phrase("Silent connections are closed sooner.")),
    "keepalive_s": (
        phrase("time between pings (s)"),
        lambda before, after: False,
        phrase("Every client answers pings by itself."),
    ),
    "slow_consumer_s": (
        phrase("patience with slow clients (s)"),
        _tighter,
        phrase("Clients that take nothing for so long are cut off sooner."),
    ),
    "max_sessions": (phrase("connections at once"), _tighter, phrase("Fewer clients can be connected at once.")),
    "max_sessions_per_application": (
        phrase("connections at once of one application"),
        _tighter,
        phrase("Fewer clients of one application can be connected at once."),
    ),
    "max_sessions_per_ip": (
        phrase("connections at once from one address"),
        _tighter,
        phrase("Fewer clients from one address can be connected at once."),
    ),
}


def runtime_changes(old: Config, new: Config) -> Iterator[Change]:
    """Args: both complete (shape: apis.shapes.runtime_limits)."""
    for name, (words, is_worse, why) in _RUNTIME.items():
        before, after = old[name], new[name]
        if before != after:
            breaking = is_worse(before, after)
            told = why if breaking or name == "keepalive_s" else _MORE
            yield Change("runtime", kind_of(before, after), words, f"/runtime/{name}", before, after, breaking, told)


_KEY_TYPES: Final = {"production": phrase("production endpoint"), "sandbox": phrase("sandbox endpoint")}
_SCHEMES: Final = {
    "oauth": phrase("Clients that show access tokens are refused."),
    "api_key": phrase("Clients that show API keys are refused."),
}


def security_changes(old: Config, new: Config) -> Iterator[Change]:
    """Args: both complete (shape: apis.shapes_security.security)."""

    def change(name: str, words: str, breaking: bool, why: str) -> Change:
        before, after = old[name], new[name]
        return Change("security", CHANGED, words, f"/security/{name}", before, after, breaking, why)

    gone = [name for name in old["schemes"] if name not in new["schemes"]]
    if set(old["schemes"]) != set(new["schemes"]):
        why = _SCHEMES[gone[0]] if gone else phrase("Clients may show more kinds of credentials.")
        yield change("schemes", phrase("accepted credentials"), bool(gone), why)
    if set(old["key_managers"]) != set(new["key_managers"]):
        breaking = _narrowed(old["key_managers"], new["key_managers"])
        why = (
            phrase("Tokens of key managers that are not named any more are refused.")
            if breaking
            else phrase("Tokens of more key managers are taken.")
        )
        yield change("key_managers", phrase("key managers"), breaking, why)
    if old["query_credentials"] != new["query_credentials"]:
        why = (
            phrase("Clients that show their credential in the query are refused.")
            if old["query_credentials"]
            else phrase("Clients may show their credential in the query, too.")
        )
        yield change("query_credentials", phrase("credentials in the query"), bool(old["query_credentials"]), why)
    if set(old["origins"]) != set(new["origins"]):
        breaking = _narrowed(old["origins"], new["origins"])
        why = (
            phrase("Pages of origins that are not named any more cannot connect.")
            if breaking
            else phrase("Pages of more origins can connect.")
        )
        yield change("origins", phrase("origins"), breaking, why)
    for name, words in _UNSEEN.items():
        if old[name] != new[name]:
            yield change(name, words, False, phrase("Clients do not notice."))


_UNSEEN: Final = {
    "backend_jwt": phrase("signed user information for the backend"),
    "inspect_payload": phrase("payloads in the frame inspector"),
    "mask": phrase("what the frame inspector hides"),
}


def _narrowed(before: Sequence[str], after: Sequence[str]) -> bool:
    """Whether a list in which none stands for all lets fewer through."""
    return bool(after) and (not before or not set(before) <= set(after))
