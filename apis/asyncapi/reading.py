"""A document of AsyncAPI 2.0 to 2.6, 3.0 or 3.1 -> what is understood of it, and everything that is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Final

from apis.asyncapi.channels import PERSPECTIVE, channels_of
from apis.asyncapi.checking import Endless, Findings, Problem, short
from apis.asyncapi.documents import Document, Unreadable, read_document
from apis.asyncapi.model import Design, Reading, Scheme
from apis.asyncapi.nodes import Node
from apis.asyncapi.securities import schemes_of
from apis.asyncapi.servers import servers_of
from apis.asyncapi.topics import topics_made
from apis.shapes_topics import SCOPE_FIELDS
from apis.validators import (
    DESCRIPTION_LIMIT,
    NAME_LIMIT,
    TAGS_LIMIT,
    context_problem,
    name_problem,
    normal_context,
    tag_problem,
    text_problem,
    version_problem,
)
from apis.words import phrase

VERSIONS: Final = "2.0 to 2.6, 3.0 and 3.1"
CONTEXT: Final = "x-context"
ENDPOINTS_LIMIT: Final = 10  # apis.shapes_endpoint.URLS_LIMIT
_VERSION: Final = re.compile(r"(2)\.[0-6]\.\d{1,3}|(3)\.[01]\.\d{1,3}")
_ROOT_2: Final = (
    "asyncapi", "id", "info", "servers", "defaultContentType", "channels", "components", "tags", "externalDocs",
)  # fmt: skip
_ROOT_3: Final = ("asyncapi", "id", "info", "servers", "defaultContentType", "channels", "operations", "components")
_INFO_2: Final = ("title", "version", "description", "termsOfService", "contact", "license")
_INFO_3: Final = (*_INFO_2, "tags", "externalDocs")
_BANNED: Final = re.compile(r"""[~!@#;:%^*()+={}|\\<>"',&$\[\]/\x00-\x1f\x7f-\x9f]+""")


def read(text: str | bytes) -> Reading:
    """Read a document; whatever is wrong with it is in the answer, and nothing is raised.

    Args:
        text: YAML or JSON, at most documents.SIZE_LIMIT bytes.
    """
    try:
        document = read_document(text)
    except Unreadable as unreadable:
        return Reading((unreadable.problem,))
    found = Findings(document.places)
    version = document.tree.get("asyncapi")
    match = _VERSION.fullmatch(version) if isinstance(version, str) else None
    if match is None:
        return Reading((_no_version(version, found),), str(version or ""), document)
    try:
        return _read(document, str(version), bool(match[2]), found)
    except Endless:
        return Reading(found.sorted(), str(version), document)


def _no_version(version: Any, found: Findings) -> Problem:
    said = phrase("`asyncapi` says {short}", short=short(version)) if version is not None else "`asyncapi` is missing"
    found.error(
        "/asyncapi" if version is not None else "",
        phrase("{said}; this portal reads AsyncAPI {versions}.", said=said, versions=VERSIONS),
    )
    return found.rows[0]


def _read(document: Document, version: str, is_3: bool, found: Findings) -> Reading:
    root = Node(document.tree, found, "", document.tree)
    root.known(_ROOT_3 if is_3 else _ROOT_2, "a document")
    if root.value.get(PERSPECTIVE, "client") not in {"client", "application"}:
        root.error("This should be application or client.", PERSPECTIVE)
    schemes = schemes_of(root)
    servers, protocols = servers_of(root, schemes, is_3)
    channels = channels_of(root, schemes, protocols, is_3)
    info = root.child("info", dict)
    if info is None and "info" not in root.value:
        root.error("This needs `info`.")
    reading = Reading(
        problems=(),
        version=version,
        document=document,
        channels=tuple(channels),
        servers=tuple(servers),
        schemes=tuple(schemes.values()),
        info=dict(info.value) if info is not None else {},
    )
    design = _design(reading, root, info, is_3)
    return replace(reading, design=design, problems=found.sorted())


def _design(reading: Reading, root: Node, info: Node | None, is_3: bool) -> Design:
    """Everything at the top, put together."""
    words = _Words(info, is_3)
    topics = topics_made(reading.channels, reading.servers, root.found)
    real = [server for server in reading.servers if not server.is_gateway]
    endpoints: dict[str, tuple[str, ...]] = {}
    for server in real:
        urls = dict.fromkeys((*endpoints.get(server.key_type, ()), server.url))
        if len(urls) > ENDPOINTS_LIMIT:
            root.found.error(
                server.pointer,
                phrase("An endpoint has at most {endpoints_limit} URLs.", endpoints_limit=ENDPOINTS_LIMIT),
            )
        endpoints[server.key_type] = tuple(urls)
    if root.value.get("servers") and not reading.servers:
        root.warning("No server is a WebSocket, so no endpoint is taken from this document.", "servers")
    return Design(
        title=words.title,
        name=words.name,
        version=words.version,
        description=words.description,
        tags=_tags(info if is_3 else root),
        context=_context(root, info),
        topics=tuple(topics[0]),
        topic_pointers=tuple(topics[1]),
        scopes=_scopes(topics, reading.schemes),
        endpoints=endpoints,
        endpoint_pointers={server.url: server.pointer for server in reversed(real)},
        schemes=_kinds(reading),
        contact=_contact(info),
    )


class _Words:
    """Title, name, version and description, checked and made fit for an API."""

    def __init__(self, info: Node | None, is_3: bool) -> None:
        self.title = self.name = self.version = self.description = ""
        if info is None:
            return
        info.known(_INFO_3 if is_3 else _INFO_2, "info")
        self.title, self.version = info.text("title", required=True), info.text("version", required=True)
        self.name = self._name(info)
        if self.version and (problem := version_problem(self.version)):
            info.warning(f"This cannot be the version of an API; another one has to be chosen. {problem}", "version")
            self.version = ""
        self.description = info.text("description")
        if problem := text_problem(self.description, DESCRIPTION_LIMIT, "Description"):
            info.error(problem, "description")

    def _name(self, info: Node) -> str:
        if not self.title or not name_problem(self.title):
            return self.title
        name = " ".join(_BANNED.sub(" ", self.title).split())[:NAME_LIMIT].strip()
        if name_problem(name):
            info.warning("This cannot be the name of an API; another one has to be chosen.", "title")
            return ""
        info.warning(
            phrase("An API cannot have this title as its name; {name} is proposed instead.", name=name), "title"
        )
        return name


def _tags(node: Node | None) -> tuple[str, ...]:
    found: dict[str, None] = {}
    for tag in node.rows("tags") if node is not None else ():
        name = tag.text("name", required=True)
        problem = tag_problem(name) if name else ""
        if problem or len(found) >= TAGS_LIMIT:
            tag.warning(
                problem or phrase("An API has at most {tags_limit} tags; this one is left out.", tags_limit=TAGS_LIMIT)
            )
        elif name:
            found[name] = None
    return tuple(found)


def _context(root: Node, info: Node | None) -> str:
    for node in (info, root):
        context = node.text(CONTEXT) if node is not None else ""
        if context and node is not None:
            if problem := context_problem(context):
                node.error(problem, CONTEXT)
                return ""
            return normal_context(context)
    return ""


def _contact(info: Node | None) -> dict[str, str]:
    contact = info.child("contact", dict) if info is not None else None
    if contact is None:
        return {}
    contact.known(("name", "url", "email"), "a contact")
    return {key: text for key in ("name", "url", "email") if (text := contact.text(key))}


def _scopes(topics: tuple[list[dict[str, Any]], list[str]], schemes: Iterable[Scheme]) -> dict[str, tuple[str, str]]:
    offered = [item for scheme in schemes for item in scheme.scopes.items()]
    texts = {name: "" if text == name else text for name, text in offered}  # a name alone says nothing
    found: dict[str, tuple[str, str]] = {}
    for topic, pointer in zip(*topics, strict=True):
        for field in SCOPE_FIELDS:
            for name in topic[field]:
                found.setdefault(name, (texts.get(name, "")[:500], pointer))
    return found


def _kinds(reading: Reading) -> tuple[str, ...]:
    """What is asked for anywhere; where nothing says so, every scheme that the document describes."""
    stated = [server.security for server in reading.servers]
    stated += [operation.security for channel in reading.channels for operation in channel.operations]
    kinds = {kind for one in stated for kind in one.kinds} or {scheme.kind for scheme in reading.schemes}
    return tuple(kind for kind in ("oauth", "api_key") if kind in kinds)
