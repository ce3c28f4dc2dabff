"""Asking every address as everybody, and what came of it in a word.

An outcome is a status, or

* "yes": a page or an answer, another address to go on at, or a word about what was sent (400, 409), which comes after
  the question of rights,
* "in": to the sign-in page,
* "gone": to the start of the administration, which is how Django says that an object is not there.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any, Final

from django.test import Client
from django.urls import reverse

from tests.apis.addresses import filled
from tests.apis.whole_world import WHO, World, undone
from tests.apis.writes import WRITES, Write

Outcomes = tuple[str, ...]
EVERY_OBJECT: Final = ("<path:object_id>/", "<path:object_id>/history/")
"""Addresses of the administration that Django makes for every model, and that have no page here."""
SIGN_IN: Final = frozenset({"/login", "/admin/login/"})
ADMINISTRATION: Final = "/admin/"
_NAMES: Final = {"local": "scope", "shared": "shared_scope"}


def rows_of(table: Mapping[Any, str]) -> dict[str, Any]:
    """A table the other way round: what is answered, by address.

    Raises: ValueError for an address that stands in it twice.
    """
    found: dict[str, Any] = {}
    for answers, lines in table.items():
        for line in lines.strip().splitlines():
            address = line.strip()
            if address in found:
                raise ValueError(f"{address} stands in the table twice")
            found[address] = answers
    return found


def row(words: str) -> Outcomes:
    """The outcomes for WHO, as one line of a table; a single one is the same for all."""
    outcomes = tuple(words.split())
    done = outcomes * len(WHO) if len(outcomes) == 1 else outcomes
    if len(done) != len(WHO):
        raise ValueError(f"{words!r} has not one outcome for each of {', '.join(WHO)}")
    return done


def outcome(answer: Any) -> str:
    """What an answer says about rights."""
    status: int = answer.status_code
    if status in {301, 302, 303}:
        place = answer.headers["Location"].partition("?")[0]
        return "in" if place in SIGN_IN else "gone" if place == ADMINISTRATION else "yes"
    return "yes" if status < 300 or status in {400, 409} else str(status)


def of_page(world: World, route: str, method: str) -> Outcomes:
    """What a page answers to everybody. A form is sent with nothing in it but that one is sure."""
    sent = {"confirmed": "yes"} if method == "post" else {}
    address = filled(route, world.ids)
    return tuple(_asked(world.browser(name), method, address, sent) for name in WHO)


def _asked(browser: Client, method: str, address: str, sent: Any, **options: Any) -> str:
    with undone():
        return outcome(getattr(browser, method)(address, sent, **options))


def of_operation(world: World, method: str, path: str) -> Outcomes:
    """What an operation of REST answers to everybody, with a body that it would take."""
    body = body_of(world, method, path)
    address = filled(path, world.ids)
    options = {} if method in {"get", "delete"} else {"content_type": "application/json"}
    return tuple(_asked(world.browser(name), method, address, body if options else {}, **options) for name in WHO)


def body_of(world: World, method: str, path: str) -> str:
    """A body that an operation would take, as JSON; "" for one that takes none."""
    plain = path.removeprefix(reverse("rest:schema").removesuffix("/schema"))
    found = next((write for write in WRITES if write.method == method and _is_of(write, plain)), None)
    if found is None:
        return ""
    ids = {**world.ids, **{name: world.ids[other] for name, other in _NAMES.items()}}
    return re.sub(r"\{(\w+)\}", lambda match: ids.get(match[1], match[0]), json.dumps(found.body))


def _is_of(write: Write, path: str) -> bool:
    shape = re.sub(r"\{\w+\}|production|(?<=/revisions/)1", "[^/]+", write.path.partition("?")[0])
    return re.fullmatch(shape, path) is not None
