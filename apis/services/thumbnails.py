"""The picture of an API."""

from __future__ import annotations

from django.db import transaction

from apis.errors import Invalid, Missing
from apis.models import Api, Thumbnail
from apis.permissions import Actor
from apis.pictures import NotAPicture, picture_of
from apis.roles import Capability
from apis.services.editions import require_unchanged
from apis.services.holding import hold
from apis.services.record import record
from apis.words import phrase


@transaction.atomic
def thumbnail_set(*, actor: Actor, api: Api, content: bytes, seen: int | None = None) -> Thumbnail:
    """Give an API a picture, in the place of the one that it has.

    Args:
        content: a PNG, JPEG, GIF or WebP file of at most `pictures.BYTES_LIMIT` bytes; it is encoded anew.
        seen: the edition that the person saw (apis.services.editions).

    Raises: Forbidden without the creator role; Invalid for what is no such picture; Stale.
    """
    actor.require(Capability.DESIGN_APIS)
    try:
        picture = picture_of(content)
    except NotAPicture as problem:
        raise Invalid({"thumbnail": str(problem)}) from None
    hold(api)
    require_unchanged(api, seen, ["thumbnail"])
    before = thumbnail_of(api)
    done = Thumbnail(
        api=api, content=picture.content, media_type=picture.media_type, digest=picture.digest,
        width=picture.width, height=picture.height,
    )  # fmt: skip
    done.save(force_insert=before is None, force_update=before is not None)
    record(actor, "thumbnail", api, api=api, before=_words(before), after=_words(done))
    return done


@transaction.atomic
def thumbnail_remove(*, actor: Actor, api: Api, seen: int | None = None) -> None:
    """Take the picture of an API away. Raises: Forbidden without the creator role; Missing; Stale."""
    actor.require(Capability.DESIGN_APIS)
    hold(api)
    require_unchanged(api, seen, ["thumbnail"])
    before = thumbnail_of(api)
    if before is None:
        raise Missing("This API has no thumbnail.")
    before.delete()
    record(actor, "thumbnail", api, api=api, before=_words(before), after=_words(None))


def thumbnail_of(api: Api) -> Thumbnail | None:
    """The picture of an API with its bytes, or None."""
    return Thumbnail.objects.filter(api=api).first()


def _words(picture: Thumbnail | None) -> str:
    if picture is None:
        return "none"
    return phrase(
        "{media_type}, {width} x {height} pixels, {number:,} bytes",
        media_type=picture.media_type,
        width=picture.width,
        height=picture.height,
        number=len(picture.content),
    )
