"""Documents of an API: written, changed, removed, copied into a new version.

What a document holds is one of three things: Markdown (`content`), a link (`url`) or a file (`upload`). Whichever is
given last takes the place of the others.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Final

from django.db import IntegrityError, transaction

from apis.errors import Conflict, Forbidden, Invalid, Taken
from apis.file_kinds import file_problem, media_type_of, plain_file_name
from apis.models import Api, ApiDocument, DocumentFile
from apis.permissions import Actor
from apis.selectors_social import WRITERS, can_write_documents
from apis.services.holding import hold
from apis.services.record import record
from apis.services.row_editions import mine_only, require_unchanged
from apis.shapes_social import DOCUMENTS_LIMIT, FORUMS, document_problems
from apis.words import phrase

WORDS: Final = ("name", "type", "other_type", "summary", "visibility")
HELD: Final = ("content", "url", "file")  # one of them holds something
_COPIED: Final = (*WORDS, "source", "content", "url", "file_name", "media_type", "size_bytes", "created_by")
SOURCES: Final = {"content": "inline", "url": "url", "upload": "file"}


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody sent.

    Attributes:
        name: as their browser calls it.
    """

    name: str
    octets: bytes


@transaction.atomic
def document_create(*, actor: Actor, api: Api, **values: Any) -> ApiDocument:
    """Write a document.

    Args:
        values: `name`; any of `type` (howto unless given), `other_type`, `summary`, `visibility`; and exactly one of
            `content` (Markdown), `url`, `upload` (Upload).

    Raises: Forbidden for anybody but creators and publishers who see the API; Invalid by field, Taken (name);
        Conflict where the API has DOCUMENTS_LIMIT documents.
    """
    _require_writer(actor, api)
    hold(api)
    wish = _wish({"name": "", **values}, is_new=True)
    document = ApiDocument(api=api, created_by=actor.person)
    _apply(document, wish, values.get("upload"))
    if api.documents.count() >= DOCUMENTS_LIMIT:
        raise Conflict(phrase("An API has at most {most} documents.", most=DOCUMENTS_LIMIT), code="too_many_documents")
    _save(document, values.get("upload"))
    record(actor, "create_document", document, api=api, name=document.name, before=None, after=facts_of(document))
    return document


@transaction.atomic
def document_update(*, actor: Actor, document: ApiDocument, seen: int | None = None, **changes: Any) -> ApiDocument:
    """Change a document.

    Args:
        seen: the edition that the changes were made from, of the document or its API (apis.services.row_editions).
        changes: any of what `document_create` takes.

    Raises: as `document_create`; Missing where it was deleted meanwhile; Stale where somebody else changed the same.
    """
    _require_writer(actor, document.api)
    hold(document.api)
    hold(document)
    wish = _wish(changes, is_new=False)
    name, before = document.name, facts_of(document, wish)
    wish = _with_theirs(document, seen, before, wish)
    before = {field: before[field] for field in wish}
    if wish == before:
        return document
    upload = changes.get("upload") if "file" in wish else None
    _apply(document, wish, upload)
    _save(document, upload)
    record(
        actor, "update_document", document, api=document.api,
        name=name, before=before, after=facts_of(document, wish),
    )  # fmt: skip
    return document


@transaction.atomic
def document_delete(*, actor: Actor, document: ApiDocument, seen: int | None = None) -> None:
    """Remove a document, its file included.

    Raises: Forbidden; Missing where somebody else was faster; Stale where it was changed since the edition `seen`.
    """
    api = document.api
    _require_writer(actor, api)
    hold(api)
    hold(document)
    require_unchanged(document, seen)
    record(
        actor, "delete_document", document, api=api, name=document.name, before=facts_of(document), after=None,
    )  # fmt: skip
    document.delete()


def documents_copy(*, source: Api, target: Api) -> None:
    """Give a new version of an API the documents of the one it was made from. Part of `api_version_create`."""
    for document in source.documents.select_related("created_by"):
        copy = ApiDocument.objects.create(api=target, **{name: getattr(document, name) for name in _COPIED})
        if document.source == ApiDocument.Source.FILE:
            DocumentFile.objects.create(document=copy, octets=bytes(document.file.octets))


def _require_writer(actor: Actor, api: Api) -> None:
    actor.require(*WRITERS)
    if not can_write_documents(actor, api):
        raise Forbidden("Only people who see the design of an API write its documents.")


def _wish(values: dict[str, Any], *, is_new: bool) -> dict[str, Any]:
    """Checked values in the shape of `facts_of`. Raises: Invalid."""
    values = {name: value for name, value in values.items() if value is not None}
    given = [name for name in SOURCES if name in values]
    problems = document_problems(values)
    upload: Upload | None = values.get("upload")
    if upload and (problem := file_problem(plain_file_name(upload.name), upload.octets)):
        problems["upload"] = problem
    if len(given) > 1 or (is_new and not given):
        problems.setdefault((given or ["content"])[-1], "A document is one of three: a text, a link or a file.")
    if problems:
        raise Invalid(problems)
    wish: dict[str, Any] = {name: values[name] for name in WORDS if name in values}
    if given:
        file = _file_words(plain_file_name(upload.name), upload.octets) if upload else ""
        wish |= {"content": values.get("content", ""), "url": values.get("url", ""), "file": file}
    return wish


def _with_theirs(
    document: ApiDocument, seen: int | None, before: dict[str, Any], wish: dict[str, Any]
) -> dict[str, Any]:
    """What is to be saved of `wish`; text, link and file take the place of each other, so they go together."""
    mine = mine_only(document, seen, before, wish)
    held = mine.keys() & set(HELD)
    if held and held != wish.keys() & set(HELD):
        mine_only(document, seen, before, wish, touched=HELD)
        mine |= {name: wish[name] for name in HELD}
    return mine


def _apply(document: ApiDocument, wish: dict[str, Any], upload: Upload | None) -> None:
    """Put a wish into a row that is not saved yet. Raises: Invalid, Taken."""
    for name in (*WORDS, "content", "url"):
        if name in wish:
            setattr(document, name, wish[name])
    if "file" in wish:
        held = next(
            (source for name, source in SOURCES.items() if wish["file" if name == "upload" else name]), "inline"
        )
        document.source = held
        if held != ApiDocument.Source.FILE:
            document.file_name, document.media_type, document.size_bytes = "", "", 0
        elif upload:
            document.file_name = plain_file_name(upload.name)
            document.media_type, document.size_bytes = media_type_of(document.file_name), len(upload.octets)
    if document.type != ApiDocument.Type.OTHER:
        document.other_type = ""
    if document.type in FORUMS and document.source != ApiDocument.Source.URL:
        field = {"inline": "content", "file": "upload"}[document.source] if "file" in wish else "type"
        raise Invalid({field: "A forum is somewhere else: give its address as a link."})
    _require_free(document)


def _require_free(document: ApiDocument) -> None:
    others = document.api.documents.exclude(pk=document.pk)
    if others.filter(name__iexact=document.name).exists():
        raise _taken(document)


def _taken(document: ApiDocument) -> Taken:
    return Taken({"name": phrase("This API has a document named {document} already.", document=document.name)})


def _save(document: ApiDocument, upload: Upload | None) -> None:
    try:
        with transaction.atomic():
            document.save()
    except IntegrityError:  # somebody else was a moment faster
        raise _taken(document) from None
    document._state.fields_cache.pop("file", None)  # what was read of it before is not what is there now
    if upload:
        DocumentFile.objects.update_or_create(document=document, defaults={"octets": upload.octets})
    elif document.source != ApiDocument.Source.FILE:
        DocumentFile.objects.filter(document=document).delete()


def facts_of(document: ApiDocument, names: Collection[str] = (*WORDS, *HELD)) -> dict[str, Any]:
    """The document as the history keeps it; of a file what tells it from another."""
    facts: dict[str, Any] = {name: getattr(document, name) for name in names if name != "file"}
    if "file" in names:
        is_file = document.source == ApiDocument.Source.FILE
        facts["file"] = _file_words(document.file_name, bytes(document.file.octets)) if is_file else ""
    return facts


def _file_words(name: str, octets: bytes) -> str:
    return phrase(
        "{name}, {number} bytes, SHA-256 {hexdigest}",
        name=name,
        number=len(octets),
        hexdigest=sha256(octets).hexdigest(),
    )
