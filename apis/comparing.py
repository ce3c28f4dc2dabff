"""Which designs are compared: the working copy, what is deployed, a revision, another version."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any, Final
from uuid import UUID

from apis import describing, selectors
from apis.asyncapi.dumping import dumped
from apis.asyncapi.model import Reading
from apis.asyncapi.reading import read
from apis.differing import Change, Comparison, compare
from apis.differing.texts import Row, side_by_side
from apis.errors import Missing
from apis.frozen import design_of
from apis.models import Api, Deployment, Revision
from apis.permissions import Actor
from apis.shapes import runtime_of
from apis.shapes_endpoint import complete, secrets_in
from apis.shapes_security import DEFAULT_SECURITY, security_of
from apis.words import phrase

WORKING: Final = "working"
DEPLOYED: Final = "deployed"
_PRIVATE: Final = ("key_managers", "backend_jwt", "inspect_payload", "mask")  # what of security developers do not see


@dataclass(frozen=True, slots=True)
class Side:
    """One of two designs.

    Attributes:
        key: how an address names it: WORKING, DEPLOYED, the number of a revision, or the id of another version.
        label: in words.
        design: as `apis.frozen.design_of` makes it.
        revision: whose definition it has; None for the working copy's.
    """

    key: str
    label: str
    api: Api
    design: Mapping[str, Any]
    revision: Revision | None = None

    def text(self, base_url: str) -> str:
        """Its AsyncAPI definition. Args: base_url: the portal as the reader reaches it."""
        return describing.written(self.api, base_url, self.revision)


@dataclass(frozen=True, slots=True)
class Compared:
    """Two sides and what differs: field by field, and line by line (None where the texts are too long for that)."""

    before: Side
    after: Side
    comparison: Comparison
    rows: list[Row] | None = None


def working(api: Api) -> Side:
    """The design as people see and edit it."""
    return Side(WORKING, phrase("the working copy"), api, design_of(api))


def frozen(revision: Revision) -> Side:
    """A revision as it was made."""
    label = phrase("revision {number}", number=revision.number)
    return Side(str(revision.number), label, revision.api, revision.design, revision)


def deployed(deployment: Deployment) -> Side:
    """What an environment serves: a revision, with the endpoints and limits of now."""
    revision = deployment.revision
    label = phrase("revision {number} on {place}", number=revision.number, place=deployment.environment.name)
    design = {**deployment.design, "definition": revision.design.get("definition", "")}
    return Side(DEPLOYED, label, deployment.api, design, revision)


def deployed_somewhere(api: Api) -> Side | None:
    """What is deployed, on the first environment where anything is; or None."""
    return next(map(deployed, selectors.deployments_of(api)), None)


def served(api: Api) -> Side:
    """What is deployed of a version, or its design where nothing is, named after the version."""
    side = deployed_somewhere(api) or working(api)
    return Side(str(api.pk), phrase("version {version}", version=api.version), api, side.design, side.revision)


def side_of(actor: Actor, api: Api, key: str) -> Side:
    """The side that an address names.

    Raises: Missing for none, and for a version that this person does not see.
    """
    if key == WORKING:
        return working(api)
    if key == DEPLOYED:
        if (side := deployed_somewhere(api)) is None:
            raise Missing(phrase("Nothing of this API is deployed."))
        return side
    if key.isascii() and key.isdecimal() and len(key) < 10:
        return frozen(selectors.revision_get(api, int(key)))
    return served(version_of(actor, api, key))


def version_of(actor: Actor, api: Api, key: str) -> Api:
    """Another version of the same API. Raises: Missing."""
    try:
        other = selectors.api_get(actor, UUID(key))
    except ValueError:
        raise Missing(phrase("There is no such revision or version.")) from None
    if other.version_set_id != api.version_set_id:
        raise Missing(phrase("This is not a version of the same API."))
    return other


def compared(before: Side, after: Side, base_url: str, *, with_rows: bool = False) -> Compared:
    """What differs between two sides.

    Args:
        base_url: the portal as the reader reaches it.
        with_rows: also line by line.
    """
    kept = [side.design.get("definition", "") for side in (before, after)]
    texts = [side.text(base_url) for side in (before, after)] if with_rows or kept[0] != kept[1] else ["", ""]
    readings = (_read(texts[0]), _read(texts[1])) if kept[0] != kept[1] else None
    found = compare(before.design, after.design, readings, _secrets(before.design, after.design))
    return Compared(before, after, found, side_by_side(*texts) if with_rows else None)


@lru_cache(maxsize=16)
def _read(text: str) -> Reading:
    return read(text)


def _secrets(old: Mapping[str, Any], new: Mapping[str, Any]) -> list[str]:
    """The secrets of endpoints that differ, by name. Sealed texts are kept where a secret stays as it is."""
    found = []
    for key_type in old["endpoints"].keys() & new["endpoints"].keys():
        sides = [complete(design["endpoints"][key_type]) for design in (old, new)]
        names = {place for side in sides for place in secrets_in(side)}
        found += [
            f"{key_type}/{section}/{member}"
            for section, member in sorted(names)
            if sides[0][section].get(member) != sides[1][section].get(member)
        ]
    return found


def version_before(actor: Actor | None, api: Api) -> Api | None:
    """The version before this one that the developer portal shows to this person, or None."""
    return selectors.versions_on_offer(actor, api).filter(created_at__lt=api.created_at).first()


def compared_in_public(old: Api, new: Api, base_url: str) -> Comparison:
    """What differs between two versions, of what developers are told: nothing of the backend."""
    texts = [dumped(describing.offered(api, base_url), "yaml") for api in (old, new)]
    found = compare(_public(old), _public(new), (_read(texts[0]), _read(texts[1])))
    return Comparison(tuple(_without_origins(change) for change in found.changes), found.is_cut)


def _without_origins(change: Change) -> Change:
    """Developers are told that pages are left out, and not which are let in."""
    return replace(change, before=None, after=None) if change.pointer == "/security/origins" else change


def _public(api: Api) -> dict[str, Any]:
    side = deployed_somewhere(api) or working(api)
    hidden = {name: DEFAULT_SECURITY[name] for name in _PRIVATE}
    return {
        "topics": [{**topic, "url_mapping": "", "api_plan": ""} for topic in selectors.topics_served(api)],
        "endpoints": {},
        "runtime": runtime_of(side.design),
        "security": {**security_of(side.design), **hidden},
    }
