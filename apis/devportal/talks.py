"""Comments and ratings in the developer portal. Anybody reads them where the API is public."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from apis import selectors, selectors_social, talking
from apis.devportal.base import actor_of, found_or_404, own_page
from apis.errors import Forbidden, Missing, ServiceError
from apis.models import Api, Comment
from apis.permissions import Actor
from apis.saying import said
from apis.services import ratings
from apis.services.comments import comment_delete

COMMENTS_ON_API_PAGE = 5


def section(actor: Actor | None, api: Api) -> dict[str, Any]:
    """What the page of an API shows of what people wrote about it."""
    return {
        "documents": selectors_social.documents_of(actor, api),
        "stars": selectors_social.stars_carried(api, actor),
        "may_rate": selectors_social.can_rate(actor, api),
        **talking.newest(actor, api, COMMENTS_ON_API_PAGE),
    }


@never_cache
@found_or_404
def comments(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """All comments, newest first; what is sent here is a new one."""
    if request.method == "POST":
        return new(request, api_id=api_id)
    actor = actor_of(request)
    api = selectors.api_on_offer(actor, api_id)
    return render(request, "devportal/comments.html", {"api": api, "actor": actor, **talking.talk(request, actor, api)})


@own_page
def new(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """A comment of one's own."""
    return _say(request, *_seen(request, api_id))


@own_page
def reply(request: HttpRequest, api_id: UUID, comment_id: UUID) -> HttpResponse:
    """Answer to a comment."""
    actor, api = _seen(request, api_id)
    return _say(request, actor, api, reply_to=selectors_social.comment_get(api, comment_id))


@own_page
def comment(request: HttpRequest, api_id: UUID, comment_id: UUID) -> HttpResponse:
    """Say better what one said; of a comment that was removed meanwhile, say it anew."""
    actor, api = _seen(request, api_id)
    try:
        found = selectors_social.comment_get(api, comment_id)
    except Missing:
        if request.method != "POST" or not selectors_social.can_speak(actor, api):
            raise
        context = {"api": api, "form": talking.anew(request), "is_gone": True, "seen": ""}
        return render(request, "devportal/comment.html", context, status=409)
    if not selectors_social.is_own(actor, found):
        raise Missing("There is no such comment of yours.")
    return _say(request, actor, api, own=found)


def _seen(request: HttpRequest, api_id: UUID) -> tuple[Actor, Api]:
    """Who acts, and the API. Raises: Missing."""
    actor = actor_of(request)
    if actor is None:
        raise Forbidden("This page needs you to sign in.")
    return actor, selectors.api_on_offer(actor, api_id)


def _say(
    request: HttpRequest, actor: Actor, api: Api, *, own: Comment | None = None, reply_to: Comment | None = None
) -> HttpResponse:
    actor.require(*selectors_social.SPEAKERS)
    done, form, status = talking.said(request, actor, api, comment=own, reply_to=reply_to.pk if reply_to else None)
    if done is not None:
        return redirect(talking.where(request, reverse("devportal:comments", args=[api.pk]), done))
    context = {"api": api, "form": form, "own": own, "reply_to": reply_to, **talking.edited(request, own, form)}
    return render(request, "devportal/comment.html", context, status=status)


@own_page
def remove(request: HttpRequest, api_id: UUID, comment_id: UUID) -> HttpResponse:
    """Take back what one said, or remove it as a moderator, after a question."""
    actor, api = _seen(request, api_id)
    found = selectors_social.comment_get(api, comment_id)
    if not selectors_social.is_own(actor, found) and not selectors_social.can_moderate(actor, api):
        raise Missing("There is no such comment of yours.")
    if request.method != "POST":
        return render(request, "devportal/comment_remove.html", {"api": api, "comment": found})
    comment_delete(actor=actor, comment=found)
    messages.success(request, said("The comment is removed."))
    return redirect("devportal:comments", api.pk)


@own_page
def rate(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """Give stars, or take them back; somebody who had to sign in first comes back to the API."""
    actor, api = _seen(request, api_id)
    if request.method == "POST":
        try:
            _rate(actor, api, request.POST.get("rating", ""))
        except Forbidden:
            raise
        except ServiceError as refusal:
            messages.error(request, said("Choose one to five stars." if refusal.code == "invalid" else refusal.detail))
        else:
            messages.success(request, said("Your rating is saved."))
    return redirect(f"{reverse('devportal:api', args=[api.pk])}#rating")


def _rate(actor: Actor, api: Api, typed: str) -> None:
    if typed == "none":
        ratings.rating_remove(actor=actor, api=api)
    else:
        ratings.rating_set(actor=actor, api=api, rating=int(typed) if typed in set("12345") else typed)
