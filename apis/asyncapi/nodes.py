"""Walking through a document: a value, its pointer, and what is wrong with it; references are followed on the way.

References stay inside the document: one to another file or host is refused by name, and nothing is ever fetched.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import unquote

from apis.asyncapi.checking import Findings, escaped, short, unescaped
from apis.words import phrase

HOPS_LIMIT: Final = 20
_KINDS: Final = {str: "a text", dict: "a mapping", list: "a list", bool: "true or false"}


def looked_up(tree: Any, pointer: str) -> tuple[bool, Any]:
    """What stands at a JSON pointer (RFC 6901): (whether it is there, the value)."""
    value = tree
    for step in pointer.split("/")[1:] if pointer else []:
        name = unescaped(step)
        if isinstance(value, dict) and name in value:
            value = value[name]
        elif isinstance(value, list) and name.isascii() and name.isdigit() and len(name) < 7 and int(name) < len(value):
            value = value[int(name)]
        else:
            return False, None
    return True, value


def target_of(reference: str) -> str | None:
    """The pointer that a local reference names, or None for one that leaves the document."""
    if not reference.startswith("#"):
        return None
    return unquote(reference[1:])


@dataclass(frozen=True, slots=True)
class Node:
    """A value in a document.

    Attributes:
        pointer: where it really stands, references followed.
        chain: every pointer on the way there, the first one written first.
    """

    root: dict[str, Any]
    found: Findings
    pointer: str
    value: Any
    chain: tuple[str, ...] = ()

    def error(self, text: str, key: str | int = "") -> None:
        self.found.error(self._below(key), text)

    def warning(self, text: str, key: str | int = "") -> None:
        self.found.warning(self._below(key), text)

    def _below(self, key: str | int) -> str:
        return f"{self.pointer}/{escaped(str(key))}" if key != "" else self.pointer

    def child(self, key: str | int, kind: type | None = None) -> Node | None:
        """A member, references followed; None where it is not there or (with an error) not of this kind."""
        self.found.step()
        there = key in self.value if isinstance(self.value, dict) else isinstance(key, int)
        if not there:
            return None
        node = self._followed(self._below(key), self.value[key])
        if node is not None and kind is not None and not isinstance(node.value, kind):
            self.found.error(node.pointer, phrase("This should be {kind}.", kind=_KINDS.get(kind, kind.__name__)))
            return None
        return node

    def _followed(self, pointer: str, value: Any) -> Node | None:
        chain = [pointer]
        while isinstance(value, dict) and "$ref" in value:
            reference = value["$ref"]
            here = f"{pointer}/$ref"
            if not isinstance(reference, str):
                self.found.error(here, "A reference is a text such as #/components/messages/Hello.")
                return None
            target = target_of(reference)
            if target is None:
                self.found.error(
                    here,
                    phrase("{reference} leads out of this document; only #/… is followed.", reference=short(reference)),
                )
                return None
            there, value = looked_up(self.root, target)
            if not there:
                self.found.error(
                    here, phrase("{reference} leads to nothing in this document.", reference=short(reference))
                )
                return None
            if target in chain or len(chain) > HOPS_LIMIT:
                self.found.error(here, phrase("{reference} leads in a circle.", reference=short(reference)))
                return None
            pointer = target
            chain.append(pointer)
        return Node(self.root, self.found, pointer, value, tuple(chain))

    def members(self, key: str, kind: type = dict) -> Iterator[tuple[str, Node]]:
        """(name, member) of a mapping below; those of another kind are errors and left out."""
        node = self.child(key, dict)
        for name in node.value if node is not None else ():
            assert node is not None  # noqa: S101  (for the type checker)
            member = node.child(name, kind)
            if member is not None:
                yield name, member

    def rows(self, key: str, kind: type = dict) -> list[Node]:
        """The items of a list below; those of another kind are errors and left out."""
        node = self.child(key, list)
        if node is None:
            return []
        found = [node.child(index, kind) for index in range(len(node.value))]
        return [one for one in found if one is not None]

    def text(self, key: str, *, required: bool = False) -> str:
        """A text below, "" where there is none (an error where it is required)."""
        if key not in self.value or (self.value[key] is None and not required):
            if required:
                self.error(phrase("This needs `{key}`.", key=key))
            return ""
        value = self.value[key]
        if not isinstance(value, str):
            hint = f" Write it in quotes: '{value}'." if isinstance(value, int | float) else ""
            self.error(f"This should be a text.{hint}", key)
            return ""
        if required and not value.strip():
            self.error("This should not be empty.", key)
        return value

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of texts below, each once."""
        return tuple(dict.fromkeys(str(node.value) for node in self.rows(key, str)))

    def known(self, names: Sequence[str], what: str) -> None:
        """A warning for each member that is neither one of `names` nor an extension."""
        for name in self.value:
            if name not in names and not name.startswith("x-") and name != "$ref":
                self.warning(f"`{short(name)}` is nothing that {what} has in this version of AsyncAPI.", name)
