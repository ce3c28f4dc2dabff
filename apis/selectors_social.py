"""Reads of what people wrote about an API. The API itself comes from `selectors`, which decide who sees it."""

from __future__ import annotations

from dataclasses import dataclass
from uuid import UUID

from django.db.models import Avg, Count, Max, OuterRef, Prefetch, Q, QuerySet, Subquery
from django.db.models.functions import Coalesce

from apis.errors import Forbidden, Missing
from apis.models import Api, ApiDocument, Comment, Rating
from apis.permissions import Actor, can_see_api, is_on_offer
from apis.roles import Capability
from apis.shapes_social import RATINGS

# Who writes documents: creators and publishers, as in section 4.1 of the reference.
WRITERS = (Capability.DESIGN_APIS, Capability.PUBLISH_APIS)
# Who comments: everybody with a role. Somebody without one reads only, as in the reference, where commenting comes
# with the subscriber role. A token that may only read (SEE_APIS alone) does not speak.
SPEAKERS = (Capability.USE_APPLICATIONS, *WRITERS, Capability.ADMINISTER)


@dataclass(frozen=True, slots=True)
class Stars:
    """How an API is rated.

    Attributes:
        average: one decimal, or None where nobody rated it.
        count: of people.
        mine: what the person who asks gave, or None.
    """

    average: float | None
    count: int
    mine: int | None = None

    @property
    def marks(self) -> list[str]:
        """Five stars as they are drawn: full, half or empty."""
        halves = round(2 * (self.average or 0))
        return ["full" if halves >= 2 * star else "half" if halves == 2 * star - 1 else "empty" for star in RATINGS]


def sees(actor: Actor | None, api: Api) -> bool:
    """Whether somebody sees an API at all: in the developer portal, or its design."""
    return is_on_offer(actor, api) or (actor is not None and can_see_api(actor, api))


def can_write_documents(actor: Actor | None, api: Api) -> bool:
    return actor is not None and any(map(actor.can, WRITERS)) and can_see_api(actor, api)


def can_speak(actor: Actor | None, api: Api) -> bool:
    """Whether somebody may comment on an API."""
    return actor is not None and any(map(actor.can, SPEAKERS)) and sees(actor, api)


def can_moderate(actor: Actor | None, api: Api) -> bool:
    """Whether somebody may remove what others said: publishers of an API that they see, and administrators."""
    return actor is not None and actor.can(Capability.PUBLISH_APIS) and can_see_api(actor, api)


def can_rate(actor: Actor | None, api: Api) -> bool:
    """Subscribers rate what the developer portal shows them."""
    return actor is not None and actor.can(Capability.USE_APPLICATIONS) and is_on_offer(actor, api)


def is_own(actor: Actor | None, comment: Comment) -> bool:
    return actor is not None and comment.author_id == actor.person.pk and not comment.is_removed


def documents_of(actor: Actor | None, api: Api) -> QuerySet[ApiDocument]:
    """The documents of an API that somebody may read, by name; without their bytes."""
    rows = api.documents.select_related("api__version_set", "created_by").order_by("name")
    if actor is not None and can_see_api(actor, api):
        return rows
    return rows.filter(visibility=ApiDocument.Visibility.API)


def document_get(actor: Actor | None, api: Api, document_id: UUID | str) -> ApiDocument:
    """Raises: Missing."""
    document = documents_of(actor, api).filter(pk=document_id).first()
    if document is None:
        raise Missing("There is no such document.")
    return document


def octets_of(document: ApiDocument) -> bytes:
    """The bytes of a document that is a file."""
    return bytes(document.file.octets)


def comments_of(api: Api) -> QuerySet[Comment]:
    """What was said first, newest first, each with its replies, oldest first."""
    replies = Prefetch("replies", Comment.objects.order_by("created_at", "id"))
    return api.comments.filter(reply_to=None).prefetch_related(replies).order_by("-created_at", "-id")


def conversations(api: Api, count: int) -> list[tuple[Comment, list[Comment]]]:
    """The newest `count` of what was said first, newest first, each with its replies, oldest first. One query."""
    first = api.comments.filter(reply_to=None).order_by("-created_at", "-id").values("pk")[:count]
    answers: dict[UUID | None, list[Comment]] = {None: []}
    for row in Comment.objects.filter(Q(pk__in=first) | Q(reply_to__in=first)).order_by("created_at", "id"):
        answers.setdefault(row.reply_to_id, []).append(row)
    return [(row, answers.get(row.pk, [])) for row in reversed(answers[None])]


def comment_get(api: Api, comment_id: UUID | str) -> Comment:
    """Raises: Missing, also for one that is removed."""
    comment = api.comments.select_related("author", "api").filter(pk=comment_id, is_removed=False).first()
    if comment is None:
        raise Missing("There is no such comment.")
    return comment


def ratings_of(actor: Actor, api: Api) -> QuerySet[Rating]:
    """Who gave how many stars, the latest first; for those who may take them away.

    Raises: Forbidden.
    """
    if not can_moderate(actor, api):
        raise Forbidden("Only publishers of the API see who rated it.")
    return api.ratings.select_related("person", "api__version_set").order_by("-rated_at", "-pk")


def rating_get(actor: Actor, api: Api, rating_id: int) -> Rating:
    """Raises: Forbidden; Missing."""
    rating = ratings_of(actor, api).filter(pk=rating_id).first()
    if rating is None:
        raise Missing("There is no such rating.")
    return rating


def stars_of(api: Api, actor: Actor | None = None) -> Stars:
    """How one API is rated."""
    mine = Q(person=actor.person) if actor is not None else Q(pk__in=())
    total = api.ratings.aggregate(average=Avg("rating"), count=Count("id"), mine=Max("rating", filter=mine))
    return Stars(_rounded(total["average"]), total["count"], total["mine"])


def with_stars(rows: QuerySet[Api], actor: Actor | None = None) -> QuerySet[Api]:
    """APIs that carry what `stars_carried` reads, in the same query; with what this person gave."""
    ratings = Rating.objects.filter(api=OuterRef("pk")).order_by().values("api")
    mine = ratings.filter(person=actor.person) if actor is not None else ratings.none()
    return rows.annotate(
        stars_mine=Subquery(mine.values("rating")),
        stars_average=Subquery(ratings.annotate(average=Avg("rating")).values("average")),
        stars_count=Coalesce(Subquery(ratings.annotate(count=Count("id")).values("count")), 0),
    )


def stars_carried(api: Api, actor: Actor | None = None) -> Stars:
    """How an API out of `with_stars` (for the same person) is rated; any other is asked for."""
    if not hasattr(api, "stars_count"):
        return stars_of(api, actor)
    return Stars(_rounded(api.stars_average), api.stars_count, api.stars_mine)  # type: ignore[attr-defined]  # annotated


def _rounded(average: float | None) -> float | None:
    return None if average is None else round(float(average), 1)
