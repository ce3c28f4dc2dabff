"""The numbers on the start page of the administration."""

from __future__ import annotations

from typing import Any

from django.contrib import admin
from django.db.models import Count
from django.http import HttpRequest

from apis import selectors
from apis.admin.designs import STATE_COLOURS
from apis.admin.records import history_lines
from apis.lifecycle import LABELS, State
from apis.models import HistoryEntry, Person
from apis.permissions import Actor
from apis.roles import Capability
from apis.selectors_approvals import waiting_count

RECENT = 10


def numbers(request: HttpRequest, context: dict[str, Any]) -> dict[str, Any]:
    """Add what this person may count to the context of the start page (unfold's DASHBOARD_CALLBACK)."""
    actor = Actor.of(request.user)  # type: ignore[arg-type]
    by_state = dict(selectors.apis_visible(actor).order_by().values_list("state").annotate(Count("pk")))
    labels = {state: LABELS[state] for state in State}
    context["states"] = [
        {"state": state.value, "label": label, "colour": STATE_COLOURS[label], "count": by_state.get(state, 0)}
        for state, label in labels.items()
    ]
    counts = [("Subscriptions", "admin:apis_subscription_changelist", selectors.subscriptions_visible(actor).count())]
    if waiting := waiting_count(actor):
        counts.insert(0, ("Waiting for you", "admin:apis_approval_changelist", waiting))
    if actor.can(Capability.USE_APPLICATIONS) or actor.can(Capability.ADMINISTER):
        counts.append(("Applications", "admin:apis_application_changelist", selectors.applications_of(actor).count()))
    if actor.can(Capability.ADMINISTER):
        counts.append(("People", "admin:apis_person_changelist", Person.objects.filter(is_active=True).count()))
    context["counts"] = counts
    history = admin.site.get_model_admin(HistoryEntry)
    context["recent"] = history_lines(history.get_queryset(request)[:RECENT])
    return context
