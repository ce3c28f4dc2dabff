"""Where the document of a new API comes from: a file, an address or a text; the same for all pages that ask."""

from __future__ import annotations

from typing import IO

from apis.asyncapi.documents import SIZE_LIMIT
from apis.errors import Invalid
from apis.permissions import Actor
from apis.services.defining import definition_fetch
from apis.words import phrase


def document_named(*, actor: Actor, file: IO[bytes] | None = None, url: str = "", text: str = "") -> bytes:
    """What was chosen: a file before an address before a text.

    Args:
        file: open for reading; no more of it is read than a document may have.

    Raises: Forbidden without the creator role, TooOften and Invalid about `url`; Invalid about `file` for a big one,
        and about the form where nothing was named.
    """
    if file is not None:
        octets = file.read(SIZE_LIMIT + 1)
        if len(octets) > SIZE_LIMIT:
            raise Invalid({"file": phrase("A document has at most {most:,} bytes.", most=SIZE_LIMIT)})
        return octets
    if url.strip():
        return definition_fetch(actor=actor, url=url.strip())
    if text.strip():
        return text.encode(errors="replace")
    raise Invalid({"": "Choose a file, name an address, or paste a document."})


def as_text(octets: bytes) -> str:
    """A document for the field in which it can be mended: whatever it is encoded in, with the line breaks of files."""
    return octets.decode(errors="replace").removeprefix("\ufeff").replace("\r\n", "\n")
