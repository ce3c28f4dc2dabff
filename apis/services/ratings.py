"""Ratings: one to five stars, one per person and API. They are their own record; only taking somebody else's away is
written down.
"""

from __future__ import annotations

from typing import Any

from django.db import transaction

from apis.errors import Conflict, Forbidden, Invalid, Missing
from apis.models import Api, Rating
from apis.permissions import Actor
from apis.roles import Capability
from apis.selectors_social import can_moderate, can_rate, sees
from apis.services.holding import hold, keep
from apis.services.record import record
from apis.shapes_social import rating_problem
from apis.words import phrase


@transaction.atomic
def rating_set(*, actor: Actor, api: Api, rating: Any) -> Rating:
    """Rate an API, or change one's mind.

    Args:
        rating: a whole number from 1 to 5.

    Raises: Forbidden without the subscriber role; Missing, or Conflict for an API that is not on offer; Invalid.
    """
    _require_rater(actor, api)
    if problem := rating_problem(rating):
        raise Invalid({"rating": problem})
    keep(api)
    row, _ = Rating.objects.update_or_create(api=api, person=actor.person, defaults={"rating": rating})
    return row


@transaction.atomic
def rating_remove(*, actor: Actor, api: Api) -> None:
    """Take one's rating back; nothing happens where there is none.

    Raises: as `rating_set`.
    """
    _require_rater(actor, api)
    Rating.objects.filter(api=api, person=actor.person).delete()


@transaction.atomic
def rating_delete(*, actor: Actor, rating: Rating) -> None:
    """Take away what somebody else gave, as a moderator; who gave it may rate the API again.

    Raises: Forbidden for anybody but publishers who see the API and administrators; Missing.
    """
    if not can_moderate(actor, rating.api):
        raise Forbidden("Only publishers of the API remove ratings of others.")
    keep(rating.api)
    hold(rating)
    record(
        actor, "delete_rating", f"rating of {rating.person}", api=rating.api,
        before={"author": str(rating.person), "rating": rating.rating}, after=None,
    )  # fmt: skip
    rating.delete()


def _require_rater(actor: Actor, api: Api) -> None:
    actor.require(Capability.USE_APPLICATIONS)
    if not sees(actor, api):
        raise Missing("There is no such API.")
    if not can_rate(actor, api):
        raise Conflict(phrase("{api} is not on offer in the developer portal.", api=api), code="not_on_offer")
