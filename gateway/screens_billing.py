"""Statements in both portals, and the plan simulator."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from django import forms
from django.http import HttpRequest, HttpResponse, QueryDict
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.http import require_safe

from apis import pricing, selectors, shapes
from apis.devportal.base import member, own_page
from apis.errors import Forbidden, Invalid, Missing, ServiceError
from apis.models import Api, BusinessPlan
from apis.permissions import Actor
from apis.publisher.forms import ServiceForm
from apis.publisher.pages import PortalRequest, api_page, page, show
from apis.roles import Capability
from apis.saying import said
from apis.words import phrase
from gateway import simulating, statements
from gateway.core.replay import LENGTH, SESSIONS, Finding

LIMIT_ROWS: Final = 4
_DIRECTIONS: Final = (("both", "both ways"), ("in", "sent by the client"), ("out", "received by the client"))
_WAYS: Final = {"in": " sent", "out": " received", "both": ""}


# Statements -------------------------------------------------------------------------------------------------------


def _statement_context(actor: Actor, subscription_id: UUID, asked: str) -> dict[str, Any]:
    """What `gateway/_statement.html` shows; a month that is none is the present one."""
    now = timezone.now()
    try:
        month = statements.month_read(asked, now)
    except Invalid:
        month = pricing.Month(now.year, now.month)
    done = statements.statement(actor, subscription_id, month, now)
    return {"statement": done, "next_month": month.next if month.next.start <= now else None}


@require_safe
@own_page
def own_statement(request: HttpRequest, subscription_id: UUID) -> HttpResponse:
    """The statement of a subscription of one's own application."""
    actor = member(request)
    return render(
        request,
        "devportal/statement.html",
        _statement_context(actor, subscription_id, request.GET.get("month", "")),
    )


@require_safe
@api_page
def statement(request: PortalRequest, actor: Actor, api: Api, subscription_id: UUID) -> HttpResponse:
    """The statement of a subscription to an API."""
    context = _statement_context(actor, subscription_id, request.GET.get("month", ""))
    if context["statement"].subject.api_id != api.pk:
        raise Missing("There is no such subscription to this API.")
    return show(request, api, "subscriptions", {"title": "Statement", **context})


# The simulator ----------------------------------------------------------------------------------------------------


def _pairs(words: tuple[str, ...]) -> list[tuple[str, str]]:
    return [(word, word) for word in words]


class DraftForm(ServiceForm):
    """The limits of a draft plan; an empty amount is no limit."""

    FIELD_OF = {"burst/amount": "burst_amount", "burst/per": "burst_amount", "burst": "burst_amount"}

    burst_amount = forms.CharField(label="Burst: at most", required=False)
    burst_per = forms.ChoiceField(label="In one", required=False, choices=_pairs(shapes.BURST_PERIODS))
    max_sessions = forms.CharField(label="Sessions at a time", required=False)
    max_session_s = forms.CharField(label="Longest session", required=False)
    stop_on_quota = forms.BooleanField(label="Stop at the limit", required=False)
    days = forms.CharField(label="Of the last", required=False)
    api = forms.ChoiceField(label="API", required=False)
    plan = forms.ChoiceField(label="Now under", required=False)

    def __init__(self, actor: Actor, data: QueryDict | None, initial: dict[str, Any]) -> None:
        super().__init__(data, initial=initial)
        for index in range(LIMIT_ROWS):
            self.fields[f"kind_{index}"] = forms.ChoiceField(required=False, choices=_pairs(shapes.LIMIT_KINDS))
            self.fields[f"amount_{index}"] = forms.CharField(required=False)
            self.fields[f"per_{index}"] = forms.ChoiceField(
                required=False, choices=_pairs(tuple(shapes.PERIODS)), initial="minute"
            )
            ways = [(way, said(words)) for way, words in _DIRECTIONS]
            self.fields[f"direction_{index}"] = forms.ChoiceField(required=False, choices=ways)
        apis = [
            (str(key), f"{name} {version}")
            for key, name, version in selectors.apis_visible(actor).values_list("pk", "version_set__name", "version")
        ]
        plans = [(str(row.pk), row.name) for row in selectors.business_plans()]
        for name, choices in (("api", apis), ("plan", plans)):
            field = self.fields[name]
            assert isinstance(field, forms.ChoiceField)  # noqa: S101
            field.choices = [("", said("every API" if name == "api" else phrase("any plan"))), *choices]
        for field in self.fields.values():
            kind = "form-select" if isinstance(field, forms.ChoiceField) else "form-control"
            field.widget.attrs["class"] = "form-check-input" if isinstance(field, forms.BooleanField) else kind
            field.widget.attrs["autocomplete"] = "off"

    def rows(self) -> list[tuple[Any, Any, Any, Any]]:
        """The fields of the limits, a row each."""
        return [
            (self[f"kind_{index}"], self[f"amount_{index}"], self[f"per_{index}"], self[f"direction_{index}"])
            for index in range(LIMIT_ROWS)
        ]

    def values(self) -> dict[str, Any]:
        """What was typed, for the service, which checks it."""
        typed = self.cleaned_data
        numbers = {name: whole(typed[name]) for name in ("max_sessions", "max_session_s")}
        days, burst = whole(typed["days"]), whole(typed["burst_amount"])
        return {
            "limits": [self._limit(index) for index in self._filled()],
            "burst": None if burst is None else {"amount": burst, "per": typed["burst_per"] or "second"},
            **numbers,
            "stop_on_quota": typed["stop_on_quota"],
            "days": simulating.DAYS if days is None else days,
            "api_id": UUID(typed["api"]) if typed["api"] else None,
            "plan_id": UUID(typed["plan"]) if typed["plan"] else None,
        }

    def _filled(self) -> list[int]:
        return [index for index in range(LIMIT_ROWS) if self.cleaned_data[f"amount_{index}"].strip()]

    def _limit(self, index: int) -> dict[str, Any]:
        typed = self.cleaned_data
        return {
            "kind": typed[f"kind_{index}"] or "events",
            "amount": whole(typed[f"amount_{index}"]),
            "per": typed[f"per_{index}"] or "minute",
            "direction": typed[f"direction_{index}"] or "both",
        }

    def take(self, refusal: ServiceError) -> int:
        """A refusal of "limits/1/amount" stands beside the amount of that row."""
        if isinstance(refusal, Invalid):
            filled = self._filled()
            moved: dict[str, list[str]] = {}
            for path, texts in refusal.fields.items():
                parts = path.split("/")
                is_row = parts[0] == "limits" and len(parts) > 1 and parts[1].isdigit()
                moved.setdefault(f"amount_{filled[int(parts[1])]}" if is_row else path, []).extend(texts)
            refusal = Invalid(moved)
        return super().take(refusal)


def whole(text: str) -> Any:
    """A number where it is one, None for nothing, else what was typed: the service says what is wrong with it."""
    text = text.strip()
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else text or None


def initial_of(plan: BusinessPlan | None) -> dict[str, Any]:
    """The form as it begins: empty, or like a plan that is there."""
    if plan is None:
        return {"days": simulating.DAYS, "stop_on_quota": True}
    first: dict[str, Any] = {"days": simulating.DAYS, "stop_on_quota": plan.stop_on_quota}
    first |= {"max_sessions": plan.max_sessions, "max_session_s": plan.max_session_s}
    if plan.burst:
        first |= {"burst_amount": plan.burst["amount"], "burst_per": plan.burst["per"]}
    for index, limit in enumerate(plan.limits[:LIMIT_ROWS]):
        first |= {f"{name}_{index}": limit.get(name, "both") for name in ("kind", "amount", "per", "direction")}
    return first


def _like(asked: str) -> BusinessPlan | None:
    try:
        return selectors.business_plans().filter(pk=UUID(asked)).first() if asked else None
    except ValueError:
        return None


@page
def simulator(request: PortalRequest, actor: Actor) -> HttpResponse:
    """Try a draft plan on what was used lately. Nothing is saved."""
    actor.require(Capability.MANAGE_SUBSCRIPTIONS, Capability.ADMINISTER)
    like = _like(request.GET.get("like", ""))
    form = DraftForm(actor, request.POST if request.method == "POST" else None, initial_of(like))
    done, status = None, 200
    if form.is_bound:
        status = 400
        if form.is_valid():
            try:
                done, status = simulating.plan_simulate(actor=actor, now=timezone.now(), **form.values()), 200
            except Forbidden:
                raise
            except ServiceError as refusal:
                status = form.take(refusal)
    context: dict[str, Any] = {"form": form, "done": done, "plans": selectors.business_plans(), "like": like}
    if done is not None:
        context["lines"] = [(row, [(one, in_words(one)) for one in row.findings]) for row in done.rows]
        context["not_told"] = simulating.NOT_TOLD
    return render(request, "publisher/simulator.html", context, status=status)


def in_words(one: Finding) -> str:
    """A limit of the draft, in words."""
    if one.kind == SESSIONS:
        return phrase("{amount:,} sessions at a time", amount=one.amount)
    if one.kind == LENGTH:
        return phrase("sessions of at most {amount:,} s", amount=one.amount)
    noun = {"seconds": "seconds of connection time", "events": "messages"}.get(one.kind, one.kind)
    return phrase(
        "{amount:,} {noun}{ways} per {per}", amount=one.amount, noun=noun, ways=_WAYS[one.direction], per=one.per
    )
