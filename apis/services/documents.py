"""Documents of an API: written, changed, removed, copied into a new version.

What a document holds is one of three things: Markdown (`content`), a link (`url`) or a file (`upload`). Whichever is
given last takes the place of the others.
"""

from __future__ import annotations

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
from apis.shapes_social import DOCUMENTS_LIMIT, FORUMS, document_problems

WORDS: Final = ("name", "type", "other_type", "summary", "visibility")
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
    document = ApiDocument(api=api, created_by=actor.person)
    _change(document, {"name": "", **values})
    if api.documents.count() >= DOCUMENTS_LIMIT:
        raise Conflict(f"An API has at most {DOCUMENTS_LIMIT} documents.", code="too_many_documents")
    _save(document, values.get("upload"))
    record(actor, "create_document", document, api=api, before=None, after=_facts(document, values), name=document.name)
    return document


@transaction.atomic
def document_update(*, actor: Actor, document: ApiDocument, **changes: Any) -> ApiDocument:
    """Change a document: any of what `document_create` takes.

    Raises: as `document_create`; Missing where it was deleted meanwhile.
    """
    _require_writer(actor, document.api)
    hold(document.api)
    hold(document)
    before = _facts(document, changes)
    name = document.name
    _change(document, changes)
    _save(document, changes.get("upload"))
    after = _facts(document, changes)
    if before != after:
        record(actor, "update_document", document, api=document.api, before=before, after=after, name=name)
    return document


@transaction.atomic
def document_delete(*, actor: Actor, document: ApiDocument) -> None:
    """Remove a document, its file included.

    Raises: Forbidden; Missing where somebody else was faster.
    """
    _require_writer(actor, document.api)
    hold(document)
    before = _facts(document, dict.fromkeys((*WORDS, *SOURCES)))
    api, name = document.api, document.name
    document.delete()
    record(actor, "delete_document", name, api=api, before=before, after=None, name=name)


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


def _change(document: ApiDocument, values: dict[str, Any]) -> None:
    """Put checked values into a row that is not saved yet. Raises: Invalid, Taken."""
    given = [name for name in SOURCES if values.get(name) is not None]
    problems = document_problems(
        {name: value for name, value in values.items() if name != "upload" and value is not None}
    )
    upload: Upload | None = values.get("upload")
    file_name = plain_file_name(upload.name) if upload else ""
    if upload and (problem := file_problem(file_name, upload.octets)):
        problems["upload"] = problem
    if len(given) > 1 or (document._state.adding and not given):
        problems.setdefault((given or ["content"])[-1], "A document is one of three: a text, a link or a file.")
    if problems:
        raise Invalid(problems)
    for name in WORDS:
        if values.get(name) is not None:
            setattr(document, name, values[name])
    if given:
        document.source = SOURCES[given[0]]
        document.content, document.url = values.get("content") or "", values.get("url") or ""
        document.file_name, document.media_type, document.size_bytes = "", "", 0
    if upload:
        document.file_name, document.media_type = file_name, media_type_of(file_name)
        document.size_bytes = len(upload.octets)
    if document.type != ApiDocument.Type.OTHER:
        document.other_type = ""
    if document.type in FORUMS and document.source != ApiDocument.Source.URL:
        raise Invalid({"type" if not given else given[0]: "A forum is somewhere else: give its address as a link."})
    _require_free(document)


def _require_free(document: ApiDocument) -> None:
    others = document.api.documents.exclude(pk=document.pk)
    if others.filter(name__iexact=document.name).exists():
        raise _taken(document)


def _taken(document: ApiDocument) -> Taken:
    return Taken({"name": f"This API has a document named {document.name} already."})


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


def _facts(document: ApiDocument, touched: dict[str, Any]) -> dict[str, Any]:
    """What a change of these fields is about, for the history; of a file what tells it from another."""
    facts: dict[str, Any] = {name: getattr(document, name) for name in WORDS if name in touched}
    if not touched.keys() & SOURCES.keys():
        return facts
    if document.source == ApiDocument.Source.FILE:
        digest = sha256(bytes(document.file.octets)).hexdigest()
        return {**facts, "file_name": document.file_name, "size_bytes": document.size_bytes, "sha256": digest}
    name = "url" if document.source == ApiDocument.Source.URL else "content"
    return {**facts, name: getattr(document, name)}
