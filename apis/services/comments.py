"""Comments on an API, and replies to them.

They are their own record: the history of an API holds only what a moderator removed, and whose it was.
"""

from __future__ import annotations

from typing import Final
from uuid import UUID

from django.db import transaction
from django.utils import timezone

from apis.errors import Conflict, Forbidden, Invalid, Meanwhile, Missing, Stale, TooOften
from apis.models import Api, Comment
from apis.permissions import Actor
from apis.selectors_social import SPEAKERS, can_moderate, is_own, sees
from apis.services.attempts import Attempts
from apis.services.holding import hold, keep
from apis.services.record import record
from apis.shapes_social import REPLIES_LIMIT, comment_problem
from apis.words import phrase

SPEECH: Final = Attempts("comment", limit=10)  # a minute, of one person
_NO_COMMENT: Final = "There is no such comment on this API."


def comment_create(*, actor: Actor, api: Api, content: str, reply_to: UUID | None = None) -> Comment:
    """Say something about an API, or answer to a comment.

    Args:
        reply_to: a comment of this API that is no reply itself.

    Raises: Forbidden without any role; Missing for an API that the person does not see; Invalid (content, reply_to);
        Conflict where the comment has REPLIES_LIMIT replies; TooOften.
    """
    _require_voice(actor, api)
    _require_sense(content)
    first = _answered(api, reply_to) if reply_to is not None else None
    if wait_s := SPEECH.begin(str(actor.person.pk)):
        raise TooOften(wait_s, "You write very fast")
    with transaction.atomic():
        keep(api)
        if first is not None:
            _require_room(first)
        return Comment.objects.create(
            api=api, reply_to=first, author=actor.person, author_name=actor.person.get_username(), content=content
        )


def _require_room(first: Comment) -> None:
    """Hold a comment that gets a reply."""
    if hold(first).is_removed:  # a moment ago
        raise Invalid({"reply_to": _NO_COMMENT})
    if first.replies.count() >= REPLIES_LIMIT:
        raise Conflict(phrase("A comment has at most {most} replies.", most=REPLIES_LIMIT), code="too_many_replies")


def _require_voice(actor: Actor, api: Api) -> None:
    actor.require(*SPEAKERS)
    if not sees(actor, api):
        raise Missing("There is no such API.")


def _require_sense(content: str) -> None:
    if problem := comment_problem(content):
        raise Invalid({"content": problem})


def _answered(api: Api, reply_to: UUID) -> Comment:
    first = api.comments.filter(pk=reply_to, is_removed=False).first()
    if first is None:
        raise Invalid({"reply_to": _NO_COMMENT})
    if first.reply_to_id is not None:
        raise Invalid({"reply_to": "This is a reply itself; answer to the comment above it."})
    return first


@transaction.atomic
def comment_update(*, actor: Actor, comment: Comment, content: str, seen: int | None = None) -> Comment:
    """Say it better. A comment that was changed says so.

    Args:
        seen: the edition that the text was made from, of `edition_of`; None asks nothing.

    Raises: Forbidden for anybody but its author; Invalid; Missing; Stale where its author has changed it elsewhere.
    """
    _require_voice(actor, comment.api)
    keep(comment.api)
    hold(comment)
    if not is_own(actor, comment):
        raise Forbidden("Only who wrote a comment changes it.")
    _require_sense(content)
    if seen is not None and seen < edition_of(comment) and content != comment.content:
        raise _told(comment)
    if content != comment.content:
        comment.content = content
        comment.edited_at = timezone.now()
        comment.save(update_fields=["content", "edited_at"])
    return comment


def edition_of(comment: Comment) -> int:
    """Which edition of a comment this is: when it was written or last changed, in microseconds. It has no history."""
    return round((comment.edited_at or comment.created_at).timestamp() * 1_000_000)


def _told(comment: Comment) -> Stale:
    one = Meanwhile(
        who=comment.author_name, at=comment.edited_at or comment.created_at, action="update_comment",
        field="content", label="text", before="…", after=comment.content,
    )  # fmt: skip
    return Stale([one], seen=edition_of(comment))


@transaction.atomic
def comment_delete(*, actor: Actor, comment: Comment) -> None:
    """Take back what one said, or remove as a moderator what somebody else said.

    Replies of others stay: a comment that has some is emptied, and goes with the last of them.

    Raises: Forbidden for anybody but its author, publishers who see the API, and administrators; Missing.
    """
    api, first = comment.api, comment.reply_to
    keep(api)  # the history speaks of it, too
    if first is not None:
        hold(first)  # before its reply, always: of the last two replies one must see that it is the last
    if hold(comment).is_removed:
        raise Missing("There is no such comment.")
    own = is_own(actor, comment)
    if not own and not can_moderate(actor, api):
        raise Forbidden("Only who wrote a comment and publishers of the API remove it.")
    if own:
        _require_voice(actor, api)
    else:
        record(
            actor, "delete_comment", f"comment of {comment.author_name}", api=api,
            before={"author": comment.author_name, "content": comment.content}, after=None,
        )  # fmt: skip
    if comment.replies.exists():
        comment.content, comment.is_removed = "", True
        comment.save(update_fields=["content", "is_removed"])
        return
    comment.delete()
    if first is not None and first.is_removed and not first.replies.exists():
        first.delete()
