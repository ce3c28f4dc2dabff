"""Comments in the publisher portal: what people say about an API, answered and moderated."""

from __future__ import annotations

from uuid import UUID

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.urls import reverse

from apis import selectors_social, talking
from apis.errors import Missing
from apis.models import Api, Comment
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, Question, api_page, ask, is_confirmed, show
from apis.saying import said
from apis.services.comments import comment_delete
from apis.words import phrase


def removal(comment: Comment) -> Question:
    """What is asked before a comment goes."""
    text = "Replies to it stay. The history of the API keeps what a moderator removes."
    return Question(phrase("Remove the comment of {author_name}?", author_name=comment.author_name), text, "Remove")


@api_page
def comments(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """All comments, newest first; what is sent here is a new one."""
    if request.method == "POST":
        return _say(request, actor, api)
    return show(request, api, "comments", {"portal": "publisher", **talking.talk(request, actor, api)})


@api_page
def reply(request: PortalRequest, actor: Actor, api: Api, comment_id: UUID) -> HttpResponse:
    """Answer to a comment."""
    return _say(request, actor, api, reply_to=selectors_social.comment_get(api, comment_id))


@api_page
def comment(request: PortalRequest, actor: Actor, api: Api, comment_id: UUID) -> HttpResponse:
    """Say better what one said; of a comment that was removed meanwhile, say it anew."""
    try:
        found = selectors_social.comment_get(api, comment_id)
    except Missing:
        if request.method != "POST" or not selectors_social.can_speak(actor, api):
            raise
        context = {"form": talking.anew(request), "is_gone": True, "portal": "publisher", "seen": ""}
        return show(request, api, "comments", context, status=409, template="publisher/comment.html")
    if not selectors_social.is_own(actor, found):
        raise Missing("There is no such comment of yours.")
    return _say(request, actor, api, own=found)


def _say(
    request: PortalRequest, actor: Actor, api: Api, *, own: Comment | None = None, reply_to: Comment | None = None
) -> HttpResponse:
    actor.require(*selectors_social.SPEAKERS)
    done, form, status = talking.said(request, actor, api, comment=own, reply_to=reply_to.pk if reply_to else None)
    if done is not None:
        return redirect(talking.where(request, reverse("publisher:comments", args=[api.pk]), done))
    context = {
        "form": form, "own": own, "reply_to": reply_to, "portal": "publisher", **talking.edited(request, own, form),
    }  # fmt: skip
    return show(request, api, "comments", context, status=status, template="publisher/comment.html")


@api_page
def remove(request: PortalRequest, actor: Actor, api: Api, comment_id: UUID) -> HttpResponse:
    """Take away a comment, after a question."""
    found = selectors_social.comment_get(api, comment_id)
    if not is_confirmed(request) or request.method != "POST":
        return ask(request, api, removal(found), current="comments")
    comment_delete(actor=actor, comment=found)
    messages.success(request, said("The comment is removed."))
    return redirect("publisher:comments", api.pk)
