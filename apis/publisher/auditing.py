"""The History page: every change with who, when and what, narrowed, exported, and put back."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from django.contrib import messages
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase

from apis import auditing, selectors
from apis.errors import Forbidden, Invalid, Missing, ServiceError
from apis.models import Api, HistoryEntry
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, api_page, go, paged, show
from apis.saying import said
from apis.seeing import seen_in
from apis.selectors_history import actors_and_actions, entries_matching, entry_get, moment
from apis.services import restoring
from apis.stories import action_words, story, told_of

FILTERS: Final = ("who", "action", "from", "to")
CHUNK: Final = 200  # rows read at a time while exporting


@dataclass(frozen=True, slots=True)
class Asked:
    """What the page is narrowed by, as it was typed, and the moments in it."""

    values: dict[str, str]
    problems: dict[str, str]
    rows: QuerySet[HistoryEntry]

    @property
    def is_narrowed(self) -> bool:
        """Whether anything narrows at all."""
        return any(self.values.values())


def asked_of(request: HttpRequest, every: QuerySet[HistoryEntry]) -> Asked:
    """What the query asks for; a date that is none narrows nothing and is named."""
    values = {name: request.GET.get(name, "").replace("\x00", "").strip()[:150] for name in FILTERS}
    moments, problems = {}, {}
    for name in ("from", "to"):
        if values[name]:
            try:
                moments[name] = moment(values[name], is_end=name == "to")
            except ValueError:
                problems[name] = "This should be a date, such as 2026-11-24."
    rows = entries_matching(
        every, who=values["who"], action=values["action"], start=moments.get("from"), end=moments.get("to")
    )
    return Asked(values, problems, rows)


@api_page
def history(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Everything that was done to the API: who, when, by which way, before and after."""
    every = selectors.history_of(api)
    asked = asked_of(request, every)
    rows = paged(request, asked.rows)
    for entry in rows:
        entry.api = api  # what `story` compares names with; no query for each
    people, actions = actors_and_actions(every)
    context = {
        "rows": rows,
        "lines": [(story(entry), *_way_back(actor, entry)) for entry in rows],
        "asked": asked.values,
        "problems": asked.problems,
        "is_narrowed": asked.is_narrowed,
        "people": people,
        "actions": [(action, action_words(action)) for action in actions],
        "formats": list(auditing.WRITERS),
    }
    return show(request, api, "history", context, status=400 if asked.problems else 200)


def _way_back(actor: Actor, entry: HistoryEntry) -> tuple[bool, str]:
    """Whether this person can put back what was before, and why nobody can."""
    reason = restoring.why_not(entry)
    return not reason and restoring.may_restore(actor, entry), reason


@api_page
def export(request: PortalRequest, actor: Actor, api: Api) -> HttpResponseBase:
    """The entries that the page is narrowed to, all of them, as CSV or JSON."""
    write = auditing.WRITERS.get(request.GET.get("format", ""))
    if write is None:
        raise Missing("There is no such format.")
    rows = asked_of(request, selectors.history_of(api)).rows.select_related("api__version_set")
    lines, media_type = write
    answer = StreamingHttpResponse(lines(rows.iterator(CHUNK)), content_type=media_type)
    answer["Content-Disposition"] = f'attachment; filename="history.{request.GET["format"]}"'
    answer["X-Content-Type-Options"] = "nosniff"
    return answer


@api_page
def restore(request: PortalRequest, actor: Actor, api: Api, entry_id: int) -> HttpResponse:
    """What putting back would change now, as a question; after a yes it is done."""
    entry = entry_get(api, entry_id)
    refusal: ServiceError | None = None
    if request.method == "POST":
        try:
            restoring.entry_restore(actor=actor, api=api, entry=entry, seen=seen_in(request))
        except (Forbidden, Missing):
            raise
        except ServiceError as error:
            refusal = error
            api = selectors.api_get(actor, api.pk)
        else:
            messages.success(request, said("What was before is back."))
            return go(request, "history", api.pk)
    return show(request, api, "history", _question(actor, api, entry, refusal), refusal=refusal)


def _question(actor: Actor, api: Api, entry: HistoryEntry, refusal: ServiceError | None) -> dict[str, Any]:
    can, reason = _way_back(actor, entry)
    changes = [told for one in restoring.preview(api, entry) for told in told_of(one)] if not reason else []
    return {
        "undone": story(entry),
        "can_restore": can and bool(changes),
        "why_not": reason or ("" if can else "Putting it back needs the role that changes it."),
        "changes": changes,
        "keeps_secrets": restoring.keeps_secrets(entry),
        "fields": refusal.fields if isinstance(refusal, Invalid) else {},
        "title": "Put back",
    }
