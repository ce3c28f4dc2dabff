"""ETag and If-Match (RFC 9110 sections 8.8.3 and 13.1.1) for everything below /apis/{id}.

A tag is the edition of the API that was there before it was read, and a digest of what was answered. The digest decides
whether a write may go on; the edition says what was changed since by whom, where it may not.
"""

from __future__ import annotations

import hashlib
import json
import re
from typing import Any, ClassVar, Final
from uuid import UUID

from django.db import transaction
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from apis.differences import Path
from apis.errors import Missing, Stale
from apis.models import Api
from apis.permissions import can_see_api
from apis.rest.base import Resource
from apis.services import editions

WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
IF_MATCH: Final = "HTTP_IF_MATCH"
_TAGS: Final = re.compile(r'\s*(\*|(?:W/)?"[^"]*")\s*(?:,|$)')
_OURS: Final = re.compile(r'"(\d{1,18})-([0-9a-f]{24})"')
# What others make of an API is no part of what its writers must have seen.
_NOT_THEIRS: Final = ("rating", "ratings", "subscription_count")


class Editions(Resource):
    """A resource about one API that says which edition it shows, and writes only what it was asked to change.

    Attributes:
        fields: what of an API it shows (apis.happenings says which there are); nothing for all of it.
        holds: whether a write with If-Match keeps others from the API until it is answered; not where that waits for
            somebody else's server.
    """

    fields: ClassVar[tuple[str, ...]] = ()
    holds: ClassVar[bool] = True
    edition = 0

    def whole(self, api: Api, **kwargs: Any) -> Any:
        """What stands for the resource where an answer shows a page of it only; None where it shows all."""
        return None

    def places(self, **kwargs: Any) -> list[Path]:
        """The places of an API that are shown here; none for all of them."""
        return [(field,) for field in self.fields]

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A write with If-Match is one transaction with the look at what is there."""
        if self.holds and "api_id" in kwargs and request.method in WRITES and IF_MATCH in request.META:
            with transaction.atomic():
                return super().dispatch(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises: Stale where If-Match names another state than the present one."""
        super().initial(request, *args, **kwargs)
        if "api_id" not in kwargs:
            return
        if request.method in {"GET", "HEAD"}:
            self.edition = editions.newest(kwargs["api_id"])
        elif IF_MATCH in request.META:
            self._require_match(request, request.META[IF_MATCH], **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        shown = getattr(answer, "data", None)
        if "api_id" in kwargs and request.method in {"GET", "HEAD"} and answer.status_code == 200 and shown is not None:
            whole = self.whole(Api(pk=kwargs["api_id"]), **kwargs)
            answer.headers.setdefault("ETag", f'"{self.edition}-{digest(shown if whole is None else whole)}"')
        return answer

    @transaction.atomic
    def _require_match(self, request: Request, header: str, **kwargs: Any) -> None:
        api_id: UUID = kwargs["api_id"]
        found = self.api(api_id)  # type: ignore[attr-defined]  # of ApiResource: what must not be seen is not there
        list(Api.objects.select_for_update(of=("self",)).filter(pk=api_id))
        tags = _TAGS.findall(header)
        present = self._present(request, **kwargs)
        if present and ("*" in tags or any(ours[1] in present for tag in tags if (ours := _ours(tag)))):
            return
        seen = max((int(ours[0]) for tag in tags if (ours := _ours(tag))), default=None)
        places = [] if request.method == "POST" else self.places(**kwargs)
        # What was changed is history, and that is for people who see the design.
        told = (
            editions.changes_since(found, seen, places) if seen is not None and can_see_api(self.actor, found) else []
        )
        raise Stale(told, seen=editions.newest(api_id))

    def _present(self, request: Request, **kwargs: Any) -> list[str]:
        """The digests of what is there now: of the resource, and where it is a step to be taken, of the API too."""
        api_id = kwargs["api_id"]
        found = []
        if hasattr(self, "get"):
            shown = self.whole(Api(pk=api_id), **kwargs)
            try:
                found.append(digest(self.get(request, **kwargs).data if shown is None else shown))
            except Missing:
                return []
        if request.method == "POST":
            found.append(digest(self.answer(Api(pk=api_id)).data))  # type: ignore[attr-defined]
        return found


def _ours(tag: str) -> tuple[str, str] | None:
    """The edition and the digest of a tag of ours; None for a weak or a foreign one, which matches nothing."""
    found = _OURS.fullmatch(tag)
    return (found[1], found[2]) if found else None


def digest(shown: Any) -> str:
    """A digest of what an answer holds."""
    if isinstance(shown, dict):
        shown = {name: value for name, value in shown.items() if name not in _NOT_THEIRS}
    text = json.dumps(shown, sort_keys=True, default=str, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()[:24]
