"""Drafts: what a person has typed into a long form and not sent yet, so that a closed page loses nothing.

They belong to one person and are no part of what they are about: nothing is recorded, nothing is announced. Only the
fields that KINDS names are ever kept, so no secret can be among them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apis.errors import Invalid, Missing
from apis.models import FormDraft
from apis.permissions import Actor
from apis.roles import Capability

# What kind of form it is, and which of its fields are kept; a kind that is about one API has its id behind a colon.
ABOUT_NO_API: Final = frozenset({"new-api", "import"})  # the forms of what is not there yet
KINDS: Final[dict[str, tuple[str, ...]]] = {
    "new-api": ("name", "context", "version", "endpoint", "business_plans"),
    "import": ("url", "definition", "name", "context", "version", "business_plans"),  # both steps of it; no file
    "info": ("display_name", "description", "tags", "seen"),
    "document": ("name", "type", "other_type", "summary", "visibility", "source", "content", "url"),
    "definition": ("definition", "seen"),
}
EDITION: Final = "seen"  # the edition that a form was made with goes with what is typed in it
CHOSEN: Final = frozenset({EDITION, "type", "visibility", "source"})  # there without anybody's typing
LISTS: Final = frozenset({"business_plans"})  # fields of which there may be several
KEPT_FOR: Final = timedelta(days=30)
DRAFTS_LIMIT: Final = 50  # of one person; the oldest leave
SIZE_LIMIT: Final = 1_100_000  # characters of one draft: the longest definition fits


def fields_of(form: str) -> tuple[str, ...]:
    """Which fields of a form are kept.

    Raises: Missing for a form that has no drafts.
    """
    kind, _, about = form.partition(":")
    if kind not in KINDS or (about == "") is not (kind in ABOUT_NO_API) or (about and not _is_id(about)):
        raise Missing("There are no drafts of this form.")
    return KINDS[kind]


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def draft_of(actor: Actor, form: str) -> FormDraft | None:
    """What this person typed there last, or None; one that is older than KEPT_FOR is none."""
    rows = actor.person.form_drafts.filter(form=form, updated_at__gt=timezone.now() - KEPT_FOR)
    found: FormDraft | None = rows.first()
    return found


@transaction.atomic
def draft_keep(*, actor: Actor, form: str, values: Mapping[str, Sequence[str]]) -> FormDraft | None:
    """Keep what stands in a form now, in the place of what was kept of it.

    Args:
        form: a kind of KINDS, or a kind, a colon and the id of what it is about.
        values: name -> everything that was sent under it; names that are not kept are passed over.

    Returns: the draft, or None where nothing is typed (any more).
    Raises: Forbidden; Missing for a form that has no drafts; Invalid where it is too long to be kept.
    """
    actor.require(Capability.SEE_APIS)
    kept: dict[str, Any] = {}
    for name in fields_of(form):
        given = [text.replace("\x00", "") for text in values.get(name, ())]
        if any(given) and not _shows_a_password(name, given) and (name != EDITION or _is_edition(given[-1])):
            kept[name] = given if name in LISTS else given[-1]
    if sum(len(str(value)) for value in kept.values()) > SIZE_LIMIT:
        raise Invalid({"form": "This is too long to be kept as a draft."})
    now = timezone.now()
    FormDraft.objects.filter(updated_at__lte=now - KEPT_FOR).delete()
    if not kept.keys() - CHOSEN:
        draft_forget(actor=actor, form=form)
        return None
    draft, _ = FormDraft.objects.update_or_create(
        person_id=actor.person.pk, form=form, defaults={"fields": kept, "updated_at": now}
    )
    newest = actor.person.form_drafts.order_by("-updated_at", "-pk").values_list("pk", flat=True)
    if surplus := list(newest[DRAFTS_LIMIT:]):
        FormDraft.objects.filter(pk__in=surplus).delete()
    return draft


def _is_edition(text: str) -> bool:
    return text.isascii() and text.isdecimal() and len(text) <= 18


def _shows_a_password(name: str, given: Sequence[str]) -> bool:
    """An address with a user name and a password in it is refused anyway, and is not kept until then."""
    return name in {"endpoint", "url"} and any("@" in text.partition("//")[2].partition("/")[0] for text in given)


def draft_forget(*, actor: Actor, form: str) -> None:
    """The form was sent, or its draft is not wanted any more."""
    FormDraft.objects.filter(person_id=actor.person.pk, form=form).delete()
