"""The Compare page: two designs, field by field and line by line; and what is asked before one replaces another."""

from __future__ import annotations

from typing import Final

from django.http import HttpResponse
from django.urls import reverse
from django.utils.http import urlencode

from apis import comparing, selectors
from apis.comparing import DEPLOYED, WORKING, Compared, Side
from apis.describing import base_of
from apis.differing import Comparison
from apis.frozen import different_parts
from apis.lifecycle import SUBSCRIBABLE, State, Transition
from apis.models import Api, Deployment, Revision
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, Question, api_page, show
from apis.words import phrase

POINTS_SHOWN: Final = 8
Choices = list[tuple[str, list[tuple[str, str]]]]


@api_page
def compare(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Two selects, and what differs: `?from=` and `?to=` as `apis.comparing.side_of` takes them."""
    choices = choices_of(actor, api)
    keys = {key for _, rows in choices for key, _ in rows}
    first = request.GET.get("from", "") or next((key for key in _usual(choices) if key in keys), WORKING)
    before, after = (comparing.side_of(actor, api, key) for key in (first, request.GET.get("to", "") or WORKING))
    context = {
        "choices": choices,
        "found": comparing.compared(before, after, base_of(request), with_rows=True),
        "title": phrase("Compare"),
        "swapped": address(api, after.key, before.key),
        "alone": len(keys) == 1,
    }
    return show(request, api, "deployments", context, template="publisher/compare.html")


def choices_of(actor: Actor, api: Api) -> Choices:
    """What can be compared, in groups: (heading, [(key, label)])."""
    here = [(WORKING, str(phrase("The working copy")))]
    if (served := comparing.deployed_somewhere(api)) is not None:
        here.append((DEPLOYED, _capital(served.label)))
    revisions = [(str(row.number), _named(row)) for row in api.revisions.all()]
    rows = selectors.apis_visible(actor).filter(version_set=api.version_set_id).exclude(pk=api.pk)
    others = [(str(row.pk), _capital(phrase("version {version}", version=row.version))) for row in rows]
    groups = [(phrase("This version"), here), (phrase("Revisions"), revisions), (phrase("Other versions"), others)]
    return [(heading, found) for heading, found in groups if found]


def _named(row: Revision) -> str:
    return f"{row}: {row.description[:60]}" if row.description else str(row)


def _capital(label: str) -> str:
    return label[:1].upper() + label[1:]


def _usual(choices: Choices) -> list[str]:
    """What the working copy is compared with where nobody says: what is deployed, or else the first that there is."""
    return [DEPLOYED, *(key for _, rows in choices for key, _ in rows if key != WORKING)]


def address(api: Api, before: str, after: str) -> str:
    """The page that compares these two."""
    return f"{reverse('publisher:compare', args=[api.pk])}?{urlencode({'from': before, 'to': after})}"


def points(comparison: Comparison) -> list[str]:
    """The changes in words, what breaks clients first; the rest are counted."""
    rows = sorted(comparison.changes, key=lambda change: not change.breaking)
    shown = [
        phrase("Breaks clients: {where}. {why}", where=row.where, why=row.why)
        if row.breaking
        else phrase("{where}: {why}", where=row.where, why=row.why)
        for row in rows[:POINTS_SHOWN]
    ]
    if (more := len(rows) - POINTS_SHOWN) > 0:
        shown.append(phrase("And {count} more.", count=more))
    return [*shown]


def deploying(request: PortalRequest, api: Api, wanted: Revision | None, names: list[str]) -> Question | None:
    """What is asked before something else is served: only where that breaks clients.

    Args:
        wanted: None for the revision that is about to be made of the working copy.
        names: of environments.
    """
    after = comparing.frozen(wanted) if wanted is not None else comparing.working(api)
    for found in _replaced(request, api, after, names):
        if found.comparison.breaking:
            title = (
                phrase("Deploy revision {number}?", number=wanted.number)
                if wanted is not None
                else phrase("Deploy what you see?")
            )
            text = phrase("In place of {label}: {summary}", label=found.before.label, summary=found.comparison.summary)
            return Question(
                title, text, phrase("Deploy"), tuple(points(found.comparison)), more=address(api, DEPLOYED, after.key)
            )
    return None


def _replaced(request: PortalRequest, api: Api, after: Side, names: list[str]) -> list[Compared]:
    """Each revision that would be replaced, compared with what replaces it."""
    rows = api.deployments.filter(environment__name__in=names).select_related("revision", "environment")
    first: dict[str, Deployment] = {}
    for row in rows:
        first.setdefault(str(row.revision_id), row)
    return [comparing.compared(comparing.deployed(row), after, base_of(request)) for row in first.values()]


def restoring(request: PortalRequest, revision: Revision) -> Question:
    """What is asked before a revision becomes the working copy."""
    found = comparing.compared(comparing.working(revision.api), comparing.frozen(revision), base_of(request))
    return Question(
        phrase("Restore revision {number}?", number=revision.number),
        _replacing(found.comparison, different_parts(revision.api, revision.design)),
        phrase("Restore"),
        (*points(found.comparison), phrase("What is deployed stays as it is.")),
        more=address(revision.api, WORKING, str(revision.number)),
    )


def _replacing(comparison: Comparison, parts: list[str]) -> str:
    if not parts:
        return comparison.summary
    replaced = phrase("This of your working copy is replaced: {parts}.", parts=", ".join(parts))
    return phrase("{replaced} {summary}", replaced=replaced, summary=comparison.summary)


def with_version_before(request: PortalRequest, actor: Actor, api: Api) -> Compared | None:
    """A version that is not on offer yet, compared with the one before it that clients use; or None."""
    if api.state not in {State.CREATED, State.PRERELEASED}:
        return None
    rows = selectors.apis_visible(actor).filter(version_set=api.version_set_id, created_at__lt=api.created_at)
    before = rows.filter(state__in=[State.PUBLISHED, State.DEPRECATED]).order_by("-created_at").first()
    if before is None:
        return None
    return comparing.compared(comparing.served(before), comparing.working(api), base_of(request))


def warnings_of(step: Transition, found: Compared | None) -> list[str]:
    """What is asked, on top of the rest, before a version is on offer that breaks clients of the one before it."""
    if found is None or not found.comparison.breaking or step.target not in SUBSCRIBABLE:
        return []
    text = phrase("Compared with {label}: {summary}", label=found.before.label, summary=found.comparison.summary)
    return [text, *points(found.comparison)[: len(found.comparison.breaking)]]
