"""ETag and If-Match (RFC 9110 sections 8.8.3 and 13.1.1) for everything below /apis/{id}, and for single rows.

A tag is the edition of the API or the row that was there before it was read, and a digest of what was answered. The
digest decides whether a write may go on; the edition says what was changed since by whom, where it may not.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any, ClassVar, Final

from django.db import transaction
from django.db.models import Model
from django.http import HttpRequest
from django.http.response import HttpResponseBase
from rest_framework.request import Request

from apis.differences import Path
from apis.errors import Meanwhile, Missing, Stale
from apis.models import Api
from apis.permissions import can_see_api
from apis.rest.base import Resource
from apis.roles import Capability
from apis.services import editions, row_editions

WRITES: Final = ("POST", "PUT", "PATCH", "DELETE")
IF_MATCH: Final = "HTTP_IF_MATCH"
_TAGS: Final = re.compile(r'\s*(\*|(?:W/)?"[^"]*")\s*(?:,|$)')
_OURS: Final = re.compile(r'"(\d{1,18})-([0-9a-f]{24})"')
# What others make of an API or an application is no part of what its writers must have seen.
_NOT_THEIRS: Final = ("rating", "ratings", "subscription_count", "subscriptions", "last_used_at")


class Editions(Resource):
    """A resource about one API that says which edition it shows, and writes only what it was asked to change.

    Attributes:
        key: the parameter of the address that names what it is about.
        fields: what of an API it shows (apis.happenings says which there are); nothing for all of it.
        holds: whether a write with If-Match keeps others from the API until it is answered; not where that waits for
            somebody else's server.
    """

    key: ClassVar[str] = "api_id"
    fields: ClassVar[tuple[str, ...]] = ()
    holds: ClassVar[bool] = True
    edition = 0

    def whole(self, api: Api, **kwargs: Any) -> Any:
        """What stands for the resource where an answer shows a page of it only; None where it shows all."""
        return None

    def places(self, **kwargs: Any) -> list[Path]:
        """The places of an API that are shown here; none for all of them."""
        return [(field,) for field in self.fields]

    @classmethod
    def tells(cls, address: str) -> bool:
        """Whether what is at this address (as in the schema) has a tag."""
        return f"{{{cls.key}}}" in address

    def is_about(self, names: Mapping[str, Any]) -> bool:
        """Whether an address with these parameters is about one thing."""
        return self.key in names

    # What an API has to say; RowEditions says it for a row --------------------------------------------------------
    def newest(self, **kwargs: Any) -> int:
        """The present edition of what is shown."""
        return editions.newest(kwargs["api_id"])

    def held(self, **kwargs: Any) -> Any:
        """What is shown, locked. Raises: Missing where it must not be seen."""
        found = self.api(kwargs["api_id"])  # type: ignore[attr-defined]  # of ApiResource
        list(Api.objects.select_for_update(of=("self",)).filter(pk=found.pk))
        return found

    def told(self, found: Any, seen: int, places: list[Path]) -> list[Meanwhile]:
        """What others changed since; that is history, and for people who see the design."""
        return editions.changes_since(found, seen, places) if can_see_api(self.actor, found) else []

    def dispatch(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        """A write with If-Match is one transaction with the look at what is there."""
        if self.holds and self.is_about(kwargs) and request.method in WRITES and IF_MATCH in request.META:
            with transaction.atomic():
                return super().dispatch(request, *args, **kwargs)
        return super().dispatch(request, *args, **kwargs)

    def initial(self, request: Request, *args: Any, **kwargs: Any) -> None:
        """Raises: Stale where If-Match names another state than the present one."""
        super().initial(request, *args, **kwargs)
        if not self.is_about(kwargs):
            return
        if request.method in {"GET", "HEAD"}:
            self.edition = self.newest(**kwargs)
        elif IF_MATCH in request.META:
            self._require_match(request, request.META[IF_MATCH], **kwargs)

    def finalize_response(self, request: Request, response: Any, *args: Any, **kwargs: Any) -> Any:
        answer = super().finalize_response(request, response, *args, **kwargs)
        shown = getattr(answer, "data", None)
        reads = request.method in {"GET", "HEAD"}
        if self.is_about(kwargs) and reads and answer.status_code == 200 and shown is not None:
            whole = self._whole(**kwargs)
            answer.headers.setdefault("ETag", f'"{self.edition}-{digest(shown if whole is None else whole)}"')
        return answer

    @transaction.atomic
    def _require_match(self, request: Request, header: str, **kwargs: Any) -> None:
        found = self.held(**kwargs)
        tags = _TAGS.findall(header)
        present = self._present(request, **kwargs)
        if present and ("*" in tags or any(ours[1] in present for tag in tags if (ours := _ours(tag)))):
            return
        seen = max((int(ours[0]) for tag in tags if (ours := _ours(tag))), default=None)
        places = [] if request.method == "POST" else self.places(**kwargs)
        told = self.told(found, seen, places) if seen is not None else []
        raise Stale(told, seen=self.newest(**kwargs))

    def _whole(self, **kwargs: Any) -> Any:
        return self.whole(Api(pk=kwargs["api_id"]), **kwargs) if "api_id" in kwargs else None

    def _present(self, request: Request, **kwargs: Any) -> list[str]:
        """The digests of what is there now: of the resource, and where it is a step to be taken, of the API too."""
        found = []
        if hasattr(self, "get"):
            shown = self._whole(**kwargs)
            try:
                found.append(digest(self.get(request, **kwargs).data if shown is None else shown))
            except Missing:
                return []
        if request.method == "POST" and "api_id" in kwargs:
            found.append(digest(self.answer(Api(pk=kwargs["api_id"])).data))  # type: ignore[attr-defined]
        return found


class RowEditions(Editions):
    """The same of one row: a plan, a role, an application ...

    Attributes:
        model: whose row; `key` names it.
    """

    model: ClassVar[type[Model]]

    def row_key(self, **kwargs: Any) -> Any:
        """The key of the row."""
        return kwargs[self.key]

    def newest(self, **kwargs: Any) -> int:
        return row_editions.newest_of(self.model, self.row_key(**kwargs))

    def held(self, **kwargs: Any) -> Any:
        self.get(self.request, **kwargs)  # type: ignore[attr-defined]  # what must not be seen is not there
        rows = self.model._default_manager.select_for_update(of=("self",))
        return rows.filter(pk=self.row_key(**kwargs)).first()

    def told(self, found: Any, seen: int, places: list[Path]) -> list[Meanwhile]:
        if found is None or not self.may_be_told(found):
            return []
        return row_editions.changes_since(found, seen)

    def may_be_told(self, row: Any) -> bool:
        """Whether this person may know who changed it: administrators may, unless a resource knows better."""
        return self.actor.can(Capability.ADMINISTER)


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
