"""A form about an API that comes back with what its person typed and did not send."""

from __future__ import annotations

from typing import Any

from apis.permissions import Actor
from apis.services import drafts


def kept(actor: Actor, form: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """What was typed in a form before, and what its page needs to say so.

    Args:
        form: as in `apis.services.drafts`.

    Returns: the fields (empty where there is no draft), and a context for `_draft_offer.html`, `_draft_keeper.html` and
        `_seen.html`: a draft is as old as the edition that it was made from, so whoever was faster is told of.
    """
    draft = drafts.draft_of(actor, form)
    context: dict[str, Any] = {"draft": draft, "draft_form": form}
    if draft is None:
        return {}, context
    fields = {name: value for name, value in draft.fields.items() if name != drafts.EDITION}
    if drafts.EDITION in draft.fields:
        context["seen"] = draft.fields[drafts.EDITION]
    return fields, context
