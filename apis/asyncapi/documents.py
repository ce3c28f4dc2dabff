"""YAML or JSON text -> a tree of plain values, with the line and column of every node.

The parser of libyaml delivers events, and everything else is decided here: scalars mean what YAML 1.2's core schema
says (so `no` is a word and `1.0.0` a text), a name stands once in a mapping, tags are refused, and what aliases expand
to is counted. JSON is read the same way, because it is YAML once its tabs are spaces.
"""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Final

import yaml

from apis.asyncapi.checking import Problem, escaped, short
from apis.words import phrase

SIZE_LIMIT: Final = 1 << 20  # bytes
DEPTH_LIMIT: Final = 60
NODES_LIMIT: Final = 100_000  # with aliases written out

_INT: Final = re.compile(r"[-+]?[0-9]+")
_FLOAT: Final = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_BASED: Final = re.compile(r"0o[0-7]+|0x[0-9a-fA-F]+")
_INFINITE: Final = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_WORDS: Final[dict[str, Any]] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
# An escape, and where it is a pair of surrogates, both halves.
_ESCAPES: Final = re.compile(r"\\(?:u([dD][89abAB][0-9a-fA-F]{2})\\u([dD][c-fC-F][0-9a-fA-F]{2})|.)")
_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class Unreadable(Exception):
    """The text is no document at all. `problem` says why and where."""

    def __init__(self, text: str, line: int = 0, column: int = 0) -> None:
        super().__init__(text)
        self.problem = Problem("error", text, "", line, column)


@dataclass(frozen=True, slots=True)
class Document:
    """A document that was read.

    Attributes:
        text: as it was given.
        tree: its value; the top is a mapping.
        places: JSON pointer -> (line, column), from 1; of a member, where its name stands.
        syntax: "yaml" or "json".
    """

    text: str
    tree: dict[str, Any]
    places: dict[str, tuple[int, int]]
    syntax: str


@dataclass(slots=True)
class _Node:
    """A value with its place; `size` counts what is in it with aliases written out."""

    line: int
    column: int
    scalar: Any = None
    raw: str = ""  # a scalar as it is written, which is what a name goes by
    kind: str = "scalar"
    items: list[_Node] = field(default_factory=list)
    keys: list[tuple[str, int, int]] = field(default_factory=list)
    names: set[str] = field(default_factory=set)
    merged: list[_Node] = field(default_factory=list)
    size: int = 1
    is_whole: bool = True
    waiting: tuple[str, int, int] | None = None


def read_document(text: str | bytes) -> Document:
    """Read YAML or JSON.

    Raises: Unreadable.
    """
    text = _decoded(text)
    syntax = "json" if text.lstrip()[:1] in {"{", "["} and _is_json(text) else "yaml"
    root = _compose(_as_yaml(text) if syntax == "json" else text)
    if root is None or root.kind != "mapping":
        line, column = (root.line, root.column) if root else (0, 0)
        raise Unreadable("The document should be a mapping that starts with `asyncapi:`.", line, column)
    places: dict[str, tuple[int, int]] = {}
    return Document(text, _value(root, "", places), places, syntax)


def _decoded(text: str | bytes) -> str:
    size = len(text) if isinstance(text, bytes) else len(text.encode(errors="surrogatepass"))
    if size > SIZE_LIMIT:
        raise Unreadable(phrase("The document is larger than {most} bytes.", most=SIZE_LIMIT))
    if isinstance(text, bytes):
        text = _utf8(text)
    text = text.removeprefix("\ufeff")
    if not text.strip():
        raise Unreadable("The document is empty.")
    return text


def _utf8(octets: bytes) -> str:
    try:
        return octets.decode("utf-8")
    except UnicodeDecodeError as error:
        raise Unreadable("The document is not UTF-8.", octets.count(b"\n", 0, error.start) + 1, 1) from None


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


def _as_yaml(text: str) -> str:
    """JSON that libyaml reads: its free white space without tabs, and no escaped halves of characters."""
    return _ESCAPES.sub(lambda found: _character(found) if found[1] else found[0], text.replace("\t", " "))


def _character(found: re.Match[str]) -> str:
    return chr(0x10000 + ((int(found[1], 16) & 0x3FF) << 10) + (int(found[2], 16) & 0x3FF))


def _compose(text: str) -> _Node | None:
    composer = _Composer()
    try:
        for event in _events(text):
            composer.take(event)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        what = (error.problem or "it cannot be read").removesuffix(".")
        line, column = (mark.line + 1, mark.column + 1) if mark else (0, 0)
        line = min(line, text.count("\n") + 1)  # the end of the text counts as a line of its own
        raise Unreadable(phrase("This is neither YAML nor JSON: {what}.", what=what), line, column) from None
    except (yaml.YAMLError, UnicodeError):
        raise Unreadable("The document holds characters that neither YAML nor JSON allows.") from None
    return composer.root


def _events(text: str) -> Iterator[Any]:
    loader = _LOADER(text)
    try:
        while loader.check_event():
            yield loader.get_event()
    finally:
        loader.dispose()


class _Composer:
    """Puts events together to nodes."""

    def __init__(self) -> None:
        self.root: _Node | None = None
        self._open: list[_Node] = []
        self._anchors: dict[str, _Node] = {}
        self._documents = 0

    def take(self, event: Any) -> None:
        """Raises: Unreadable."""
        line, column = event.start_mark.line + 1, event.start_mark.column + 1
        if isinstance(event, yaml.DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise Unreadable("There should be one document in the text, not several.", line, column)
        elif isinstance(event, yaml.AliasEvent):
            self._alias(str(event.anchor), line, column)
        elif isinstance(event, yaml.ScalarEvent):
            plain = event.style is None or event.style == ""
            self._tag(event, line, column)
            value = _scalar(event.value, plain and not event.tag, line, column)
            node = _Node(line, column, value, _sane(event.value, line, column))
            self._anchor(event, node)
            self._put(node)
        elif isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
            self._tag(event, line, column)
            kind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
            node = _Node(line, column, kind=kind, is_whole=False)
            self._anchor(event, node)
            if self._open and self._open[-1].kind == "mapping" and self._open[-1].waiting is None:
                raise Unreadable("A name should be a text.", line, column)
            self._open.append(node)
            if len(self._open) > DEPTH_LIMIT:
                raise Unreadable(phrase("The document nests deeper than {n} levels.", n=DEPTH_LIMIT), line, column)
        elif isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent):
            node = self._open.pop()
            node.is_whole = True
            self._put(node)

    def _tag(self, event: Any, line: int, column: int) -> None:
        if event.tag and event.tag not in {"!", "tag:yaml.org,2002:str", "tag:yaml.org,2002:map",
                                           "tag:yaml.org,2002:seq"}:  # fmt: skip
            raise Unreadable(phrase("The tag {short} is not taken here.", short=short(event.tag)), line, column)

    def _anchor(self, event: Any, node: _Node) -> None:
        if event.anchor:
            self._anchors[event.anchor] = node

    def _alias(self, anchor: str, line: int, column: int) -> None:
        node = self._anchors.get(anchor)
        if node is None or not node.is_whole:
            raise Unreadable(phrase("*{short} leads nowhere, or to itself.", short=short(anchor)), line, column)
        self._put(node, line, column)

    def _put(self, node: _Node, line: int = 0, column: int = 0) -> None:
        line, column = line or node.line, column or node.column
        if not self._open:
            self.root = node
            return
        parent = self._open[-1]
        if parent.kind == "mapping" and parent.waiting is None:
            parent.waiting = self._name(parent, node, line, column)
            return
        parent.size += node.size
        if parent.size > NODES_LIMIT:
            text = phrase("The document has more than {n} values once its aliases are written out.", n=NODES_LIMIT)
            raise Unreadable(text, line)
        if parent.kind == "mapping" and parent.waiting is not None:
            if parent.waiting[0] == "<<" and _merges(node):
                parent.merged += [node] if node.kind == "mapping" else node.items
            else:
                parent.keys.append(parent.waiting)
                parent.items.append(node)
            parent.waiting = None
        else:
            parent.items.append(node)

    def _name(self, parent: _Node, node: _Node, line: int, column: int) -> tuple[str, int, int]:
        if node.kind != "scalar":
            raise Unreadable("A name should be a text.", line, column)
        if node.raw in parent.names and node.raw != "<<":
            raise Unreadable(phrase("The name {short} stands twice here.", short=short(node.raw)), line, column)
        parent.names.add(node.raw)
        return node.raw, line, column


def _merges(node: _Node) -> bool:
    return node.kind == "mapping" or (node.kind == "sequence" and all(one.kind == "mapping" for one in node.items))


def _scalar(text: str, plain: bool, line: int, column: int) -> Any:
    if not plain:
        return _sane(text, line, column)
    if text in _WORDS:
        return _WORDS[text]
    if _BASED.fullmatch(text) or _INT.fullmatch(text):
        if len(text) > 40:
            raise Unreadable("This number is too long.", line, column)
        return int(text, 0) if _BASED.fullmatch(text) else int(text)
    if _FLOAT.fullmatch(text):
        number = float(text)
        if math.isinf(number):
            raise Unreadable("This number is too large.", line, column)
        return number
    if _INFINITE.fullmatch(text):
        raise Unreadable(phrase("{text} is no number that JSON knows.", text=text), line, column)
    return _sane(text, line, column)


def is_text(plain: str) -> bool:
    """Whether a scalar without quotes is read as a text."""
    try:
        return isinstance(_scalar(plain, True, 0, 0), str)
    except Unreadable:
        return False


def _sane(text: str, line: int, column: int) -> str:
    if "\x00" in text or any("\ud800" <= char <= "\udfff" for char in text):
        raise Unreadable("This holds a NUL, or half of a character.", line, column)
    return text


def _value(node: _Node, pointer: str, places: dict[str, tuple[int, int]]) -> Any:
    places.setdefault(pointer, (node.line, node.column))
    if node.kind == "scalar":
        return node.scalar
    if node.kind == "sequence":
        return [_value(item, f"{pointer}/{index}", places) for index, item in enumerate(node.items)]
    done: dict[str, Any] = {}
    for (name, line, column), item in zip(node.keys, node.items, strict=True):
        below = f"{pointer}/{escaped(name)}"
        places[below] = (line, column)
        done[name] = _value(item, below, places)
    for other in node.merged:
        for name, value in _value(other, "", {}).items():
            if name not in done:
                done[name] = value
                places.setdefault(f"{pointer}/{escaped(name)}", (other.line, other.column))
    return done
