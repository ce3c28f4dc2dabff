"""Who is subscribed to an API, in the publisher portal: found, blocked, moved, written to, removed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final
from urllib.parse import urlencode
from uuid import UUID

from django.contrib import messages
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect
from django.urls import reverse
from django.utils.http import content_disposition_header

from apis import searching, selectors
from apis.errors import Forbidden, Invalid, Missing, ServiceError
from apis.models import Api, Subscription
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, Question, api_page, ask, is_confirmed, paged, sentences, sheet, show
from apis.roles import Capability
from apis.saying import said
from apis.seeing import seen_in
from apis.services import subscribing
from apis.services.row_editions import newest_of
from apis.words import phrase
from gateway.exporting import CSV
from gateway.subscribers import csv_of, lines_of, plans_in_use, subscribers

FILTERS: Final = ("search", "state", "plan", "sort")
AT_ONCE: Final = 100  # subscriptions in one form
HURTS: Final = ("all", "production", "remove")
BULK: Final = (("all", "Block"), ("production", "Block production"), ("unblock", "Unblock"))
COLUMNS: Final = (
    ("application", "Application"), ("owner", "Owner"), ("plan", "Plan"), ("state", "State"), ("created", "Since"),
    ("used", "Last use"),
)  # fmt: skip
TEXT_LIMIT: Final = 200


def wanted(request: HttpRequest) -> dict[str, str]:
    """The filter of an address; what cannot be meant is as if it was not there."""
    asked = {name: request.GET.get(name, "").replace("\x00", "").strip()[:TEXT_LIMIT] for name in FILTERS}
    if asked["state"] not in Subscription.State.values:
        asked["state"] = ""
    if asked["sort"] not in searching.SORTS:
        asked["sort"] = ""
    return asked


@api_page
def subscriptions(request: PortalRequest, actor: Actor, api: Api) -> HttpResponseBase:
    """The table, its filters, its CSV; POST does one thing to one subscription or to all that are chosen."""
    if request.method == "POST":
        return _act(request, actor, api)
    asked = wanted(request)
    if request.GET.get("format") == CSV:
        lines = csv_of(actor, subscribers(actor, api, **asked))
        name = f"subscriptions-{api.name}-{api.version}.csv"
        where = content_disposition_header(True, name) or "attachment"  # a name may have letters of any alphabet
        headers = {"Content-Disposition": where, "X-Content-Type-Options": "nosniff"}
        return StreamingHttpResponse(lines, content_type="text/csv; charset=utf-8; header=present", headers=headers)
    return _table(request, actor, api, asked)


def _table(
    request: PortalRequest, actor: Actor, api: Api, asked: dict[str, str], refusal: ServiceError | None = None
) -> HttpResponse:
    rows = paged(request, subscribers(actor, api, **asked))
    used = plans_in_use(actor, api)
    narrowed = {name: value for name, value in asked.items() if value and name != "sort"}
    context = {
        "rows": rows,
        "lines": lines_of(actor, api, rows),
        "asked": asked,
        "export": urlencode({**{name: value for name, value in asked.items() if value}, "format": CSV}),
        "is_narrowed": bool(narrowed),
        "any_at_all": bool(used),
        "states": Subscription.State.choices,
        "plans": used,
        "columns": [
            (word, label, _turned(asked["sort"], word), _order(asked["sort"], word)) for word, label in COLUMNS
        ],
        "bulk": BULK,
    }
    return show(request, api, "subscriptions", context, refusal=refusal)


def _turned(sort: str, word: str) -> str:
    """What a click on a column sorts by: it, or the other way round where the list is sorted by it."""
    return f"-{word}" if sort == word else word


def _order(sort: str, word: str) -> str:
    """How a column says that the list is sorted by it (aria-sort)."""
    return {word: "ascending", f"-{word}": "descending"}.get(sort, "")


@api_page
def subscription(request: PortalRequest, actor: Actor, api: Api, subscription_id: UUID) -> HttpResponseBase:
    """One subscription with all that may be done about it: a dialog, or a page without script."""
    actor.require(Capability.MANAGE_SUBSCRIPTIONS)
    request.edition = newest_of(Subscription, subscription_id)
    row = _found(actor, api, str(subscription_id))
    (line,) = lines_of(actor, api, [row])
    offered = [plan.name for plan in api.business_plans.all()]
    context = {
        "line": line,
        "plans": offered if row.business_plan.name in offered else [row.business_plan.name, *offered],
        "ways": [(what, label, question(row, what)) for what, label in ways_to_block(row)],
        "removal": question(row, "remove"),
        "here": reverse("gateway:subscriptions", args=[api.pk]),
    }
    return sheet(request, api, "publisher/_subscription.html", context, current="subscriptions",
                 title=row.application.name)  # fmt: skip


def ways_to_block(row: Subscription) -> list[tuple[str, str]]:
    """(what, label) of everything that is not blocked yet."""
    ways = {
        Subscription.State.UNBLOCKED: [("production", "Block production only"), ("all", "Block all")],
        Subscription.State.PRODUCTION_BLOCKED: [("all", "Block all")],
    }
    return ways.get(Subscription.State(row.state), [])


def question(row: Subscription, what: str, more: int = 0) -> Question:
    """What is asked before something that cuts somebody off. `more`: how many others it is done to."""
    name = str(row.application) + (f" and {more} more" if more else "")
    if what == "remove":
        text = "Its connections are closed within a second. Its developer may subscribe again; statements stay."
        return Question(phrase("Remove the subscription of {name}?", name=name), text, "Remove")
    only = " with production keys" if what == "production" else ""
    whose, who = ("Their", "they") if more else ("Its", "it")
    text = phrase(
        "{whose} connections{only} are closed within a second and {who} cannot connect again until unblocked.",
        whose=whose,
        only=only,
        who=who,
    )
    return Question(phrase("Block {name}?", name=name), text, "Block")


def _act(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Do what a form says, after a question where it hurts."""
    actor.require(Capability.MANAGE_SUBSCRIPTIONS)
    chosen, what = request.POST.getlist("subscription")[:AT_ONCE], request.POST.get("what", "")
    rows = [_found(actor, api, typed) for typed in chosen]
    if not rows:
        nothing = Invalid({"subscription": "Choose at least one subscription."})
        return _table(request, actor, api, wanted(request), nothing)
    if what in HURTS and not is_confirmed(request):
        return ask(request, api, question(rows[0], what, len(rows) - 1), current="subscriptions")
    done: list[str] = []
    refusals: list[ServiceError] = []
    for row in rows:
        try:
            done.append(_do(request, actor, row, what))
        except Forbidden:
            raise
        except ServiceError as refusal:
            refusals.append(refusal)
            if len(rows) > 1:
                messages.error(request, f"{row.application}: {' '.join(sentences(refusal))}")
    if len(rows) == 1 and refusals:
        return _table(request, actor, api, wanted(request), refusals[0])
    if done:
        messages.success(
            request,
            said(done[0] if len(done) == 1 else phrase(_DONE[what], number=len(done))),
        )
    return redirect(request.get_full_path())


_DONE: Final = {
    "all": "{number} subscriptions are blocked.",
    "production": "{number} subscriptions are blocked for production.",
    "unblock": "{number} subscriptions are active again.",
    "remove": "{number} subscriptions are removed.",
    "plan": "{number} subscriptions are moved.",
}


def _do(request: HttpRequest, actor: Actor, row: Subscription, what: str) -> str:
    """One action. Returns: what was done, in words. Raises: ServiceError."""
    name = str(row.application)
    if what == "plan":
        plan = request.POST.get("plan", "")
        subscribing.subscription_change_plan(actor=actor, subscription=row, business_plan=plan, seen=seen_in(request))
        if row.pending_plan is not None:
            return phrase(
                "{name}: {plan} waits for an administrator; until then it has {business_plan}.",
                name=name,
                plan=plan,
                business_plan=row.business_plan,
            )
        return phrase("{name} now has the plan {business_plan}.", name=name, business_plan=row.business_plan)
    if what == "remove":
        subscribing.subscription_delete(actor=actor, subscription=row)
        return phrase("The subscription of {name} is removed.", name=name)
    service: Callable[..., Any] = subscribing.subscription_unblock
    values = {}
    if what != "unblock":
        service, values = subscribing.subscription_block, {"what": what}
    done = service(actor=actor, subscription=row, **values)
    return phrase("{name}: {label_of}.", name=name, label_of=done.get_state_display())


def _found(actor: Actor, api: Api, typed: str) -> Subscription:
    """Raises: Missing, also for a subscription to another API and for what is no id."""
    try:
        row = selectors.subscription_get(actor, UUID(typed))
    except ValueError:
        raise Missing("There is no such subscription.") from None
    if row.api_id != api.pk:
        raise Missing("There is no such subscription to this API.")
    return row
