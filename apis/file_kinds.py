"""What a file is, judged by its content; its name only says which of the possible kinds is meant.

A file is served as what its content is, so a name that promises something else is refused: a page named `logo.png`
never reaches a browser as an image, nor a program as a document.
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from apis.words import phrase

FILE_LIMIT: Final = 5 << 20  # bytes; they live in the database
FILE_NAME_LIMIT: Final = 120
_ZIP_ENTRIES_LIMIT: Final = 10_000
_OFFICE: Final = "application/vnd.openxmlformats-officedocument"
_OPEN: Final = "application/vnd.oasis.opendocument"
# Control characters, separators of paths, and marks that make a name read otherwise than it is (Unicode TR 36).
_NAME_BANNED: Final = re.compile(r"[\x00-\x1f\x7f-\x9f/\\:*?\"<>|\u200b-\u200f\u2028-\u202e\u2060-\u2069\ud800-\udfff]")
# Control characters that text has no use for: all but tab, line feed, form feed and carriage return.
_NOT_TEXT: Final = re.compile(r"[\x00-\x08\x0b\x0e-\x1f\x7f]")


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file that is taken.

    Attributes:
        media_type: as it is served.
        fits: whether bytes are of this kind.
        words: what people call it.
    """

    media_type: str
    fits: Callable[[bytes], bool]
    words: str


def _starts(*signatures: bytes) -> Callable[[bytes], bool]:
    return lambda octets: octets.startswith(signatures)


def _is_webp(octets: bytes) -> bool:
    return octets[:4] == b"RIFF" and octets[8:12] == b"WEBP"


def _is_text(octets: bytes) -> bool:
    try:
        text = octets.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    return not _NOT_TEXT.search(text)


def _is_json(octets: bytes) -> bool:
    try:
        json.loads(octets.decode("utf-8-sig"))
    except (ValueError, RecursionError):
        return False
    return True


def _entries(octets: bytes) -> list[str]:
    """Names in a ZIP archive; none for anything else. Nothing is unpacked."""
    if not octets.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return []
    try:
        with zipfile.ZipFile(io.BytesIO(octets)) as archive:
            return [entry.filename for entry in archive.infolist()[:_ZIP_ENTRIES_LIMIT]] or ["(empty)"]
    except (zipfile.BadZipFile, ValueError, NotImplementedError, OSError):
        return []


def _is_zip(octets: bytes) -> bool:
    return bool(_entries(octets))


def _is_office(folder: str) -> Callable[[bytes], bool]:
    """Office Open XML (ECMA-376) with its main part in `folder`, and without macros."""

    def fits(octets: bytes) -> bool:
        names = _entries(octets)
        has_macros = any(name.lower().endswith("vbaproject.bin") for name in names)
        return "[Content_Types].xml" in names and any(name.startswith(folder) for name in names) and not has_macros

    return fits


def _is_open_document(media_type: str) -> Callable[[bytes], bool]:
    """OpenDocument: its type stands uncompressed in the first entry (OpenDocument 1.2 part 3, section 3.3)."""
    return lambda octets: octets[30 : 38 + len(media_type)] == b"mimetype" + media_type.encode() and _is_zip(octets)


def _open(kind: str) -> Kind:
    return Kind(f"{_OPEN}.{kind}", _is_open_document(f"{_OPEN}.{kind}"), phrase("OpenDocument {kind}", kind=kind))


_PLAIN: Final = "text/plain; charset=utf-8"  # whatever text calls itself, no browser makes a page of it
_JPEG: Final = Kind("image/jpeg", _starts(b"\xff\xd8\xff"), "JPEG image")
_YAML: Final = Kind(_PLAIN, _is_text, "YAML text in UTF-8")
_MARKDOWN: Final = Kind(_PLAIN, _is_text, "Markdown text in UTF-8")
KINDS: Final[dict[str, Kind]] = {
    "pdf": Kind("application/pdf", _starts(b"%PDF-"), "PDF document"),
    "txt": Kind(_PLAIN, _is_text, "text in UTF-8"),
    "md": _MARKDOWN,
    "markdown": _MARKDOWN,
    "csv": Kind(_PLAIN, _is_text, "table as text in UTF-8"),
    "json": Kind("application/json", _is_json, "JSON document"),
    "yaml": _YAML,
    "yml": _YAML,
    "png": Kind("image/png", _starts(b"\x89PNG\r\n\x1a\n"), "PNG image"),
    "jpg": _JPEG,
    "jpeg": _JPEG,
    "gif": Kind("image/gif", _starts(b"GIF87a", b"GIF89a"), "GIF image"),
    "webp": Kind("image/webp", _is_webp, "WebP image"),
    "zip": Kind("application/zip", _is_zip, "ZIP archive"),
    "docx": Kind(f"{_OFFICE}.wordprocessingml.document", _is_office("word/"), "Word document without macros"),
    "xlsx": Kind(f"{_OFFICE}.spreadsheetml.sheet", _is_office("xl/"), "Excel table without macros"),
    "pptx": Kind(f"{_OFFICE}.presentationml.presentation", _is_office("ppt/"), "PowerPoint slides without macros"),
    "odt": _open("text"),
    "ods": _open("spreadsheet"),
    "odp": _open("presentation"),
}
ACCEPTED: Final = ",".join(f".{ending}" for ending in KINDS)  # as a file field in HTML says it


def plain_file_name(name: str) -> str:
    """The name without the folders that some browsers send before it."""
    return name.replace("\\", "/").rsplit("/", maxsplit=1)[-1].strip()


def file_problem(name: str, octets: bytes) -> str:
    """The first thing wrong with a file, or "".

    Args:
        name: as `plain_file_name` gives it.
    """
    stem, _, ending = name.rpartition(".")
    if not stem or len(name) > FILE_NAME_LIMIT or _NAME_BANNED.search(name):
        return phrase(
            "The file needs a name such as guide.pdf, of at most {most} characters, none of them special.",
            most=FILE_NAME_LIMIT,
        )
    kind = KINDS.get(ending.lower())
    if kind is None:
        return phrase(
            "Files named .{ending} are not taken; these are: {kinds}.", ending=ending[:20], kinds=", ".join(KINDS)
        )
    if len(octets) > FILE_LIMIT:
        return phrase(
            "A file has at most {most} MiB ({file_limit_2:,} bytes); this one is larger.",
            most=FILE_LIMIT >> 20,
            file_limit_2=FILE_LIMIT,
        )
    if not octets:
        return "The file is empty."
    return (
        ""
        if kind.fits(octets)
        else phrase("The file is named .{ending}, but its content is no {words}.", ending=ending, words=kind.words)
    )


def media_type_of(name: str) -> str:
    """The type of a file in which `file_problem` found nothing."""
    return KINDS[name.rpartition(".")[2].lower()].media_type
