"""Comments as both portals show and take them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any, Final
from uuid import UUID

from django import forms
from django.core.paginator import Page, Paginator
from django.http import HttpRequest

from apis import selectors_social
from apis.errors import Forbidden, Invalid, Missing, ServiceError, Stale
from apis.models import Api, Comment
from apis.permissions import Actor
from apis.seeing import edition, seen_in, told
from apis.services import comments
from apis.shapes_social import COMMENT_LIMIT

PAGE_SIZE: Final = 20


class CommentForm(forms.Form):
    """One comment; its rules are the service's."""

    content = forms.CharField(required=False, strip=False)
    stale: Stale | None = None  # who was faster, which stands above the form

    def take(self, refusal: ServiceError) -> int:
        """Put a refusal beside the text. Returns: the HTTP status that fits."""
        if isinstance(refusal, Stale):
            self.stale = refusal
            return refusal.status
        texts = [text for some in refusal.fields.values() for text in some] if isinstance(refusal, Invalid) else []
        self.add_error("content", texts or [refusal.detail])
        return refusal.status


@dataclass(frozen=True, slots=True)
class Remark:
    """A comment for somebody who reads it.

    Attributes:
        is_own: they wrote it.
        may_remove: they may take it away.
        by_provider: the provider of the API wrote it.
    """

    comment: Comment
    is_own: bool
    may_remove: bool
    by_provider: bool
    replies: list[Remark] = field(default_factory=list)


def talk(request: HttpRequest, actor: Actor | None, api: Api) -> dict[str, Any]:
    """What `social/_remarks.html` needs: a page of comments, as this person sees them."""
    rows: Page[Comment] = Paginator(selectors_social.comments_of(api), PAGE_SIZE).get_page(request.GET.get("page"))
    return {"rows": rows, **_shown(actor, api, ((row, row.replies.all()) for row in rows))}


def newest(actor: Actor | None, api: Api, count: int) -> dict[str, Any]:
    """The same for the newest comments only, without asking how many there are."""
    found = selectors_social.conversations(api, count + 1)
    return {"more": len(found) > count, **_shown(actor, api, found[:count])}


def _shown(actor: Actor | None, api: Api, rows: Iterable[tuple[Comment, Iterable[Comment]]]) -> dict[str, Any]:
    moderates = selectors_social.can_moderate(actor, api)
    return {
        "remarks": [_remark(actor, api, comment, moderates, replies) for comment, replies in rows],
        "may_speak": selectors_social.can_speak(actor, api),
        "comment_limit": COMMENT_LIMIT,
    }


def _remark(
    actor: Actor | None, api: Api, comment: Comment, moderates: bool, replies: Iterable[Comment] = ()
) -> Remark:  # fmt: skip
    own = selectors_social.is_own(actor, comment)
    return Remark(
        comment,
        is_own=own,
        may_remove=(own or moderates) and not comment.is_removed,
        by_provider=comment.author_id == api.provider_id,
        replies=[_remark(actor, api, one, moderates) for one in replies],
    )


def said(
    request: HttpRequest, actor: Actor, api: Api, *, comment: Comment | None = None, reply_to: UUID | None = None
) -> tuple[Comment | None, CommentForm, int]:
    """Take what somebody sent: a new comment, a reply, or a comment said better.

    Returns: the comment once it is saved, or None; the form with what was typed; the HTTP status of its page.
    Raises: Forbidden, Missing.
    """
    if request.method != "POST":
        return None, CommentForm(initial={"content": comment.content if comment else ""}), 200
    form = CommentForm(request.POST)
    form.is_valid()  # it asks nothing; line breaks come as browsers send them
    content = request.POST.get("content", "").replace("\r\n", "\n")
    try:
        if comment is not None:
            done = comments.comment_update(actor=actor, comment=comment, content=content, seen=seen_in(request))
            return done, form, 302
        return comments.comment_create(actor=actor, api=api, content=content, reply_to=reply_to), form, 302
    except (Forbidden, Missing):
        raise
    except ServiceError as refusal:
        return None, form, form.take(refusal)


def anew(request: HttpRequest) -> CommentForm:
    """The form for a comment that was removed while its author changed it: what was typed, to be sent as a new one."""
    form = CommentForm(request.POST)
    form.is_valid()
    return form


def edited(request: HttpRequest, own: Comment | None, form: CommentForm) -> dict[str, Any]:
    """What `publisher/_seen.html` and `publisher/_changed.html` need on the page of a comment that is changed."""
    if own is None:
        return {"seen": ""}
    return {"seen": edition(request, comments.edition_of(own)), **told(form.stale)}


def where(request: HttpRequest, address: str, comment: Comment) -> str:
    """Back to a comment on the page of comments from which somebody wrote.

    Args:
        address: of the first page.
    """
    number = request.POST.get("page", "")
    page = f"?page={number}" if number.isascii() and number.isdigit() and len(number) < 8 else ""
    return f"{address}{page if comment.reply_to_id or comment.edited_at else ''}#comment-{comment.pk}"
