"""What a developer types.

Rules are those of the services; a form only gathers, offers choices and keeps what was typed.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from django import forms
from django.http import QueryDict

from apis import selectors
from apis.models import Api, Application, BusinessPlan, KeyPair, Subscription
from apis.models.plan import Plan
from apis.permissions import Actor
from apis.saying import said
from apis.selectors_plans import plans_open_to
from apis.services.keys import DEFAULT_GRANT_TYPES, GRANT_TYPES
from apis.services.subscribing import DEFAULT_APPLICATION_PLAN
from apis.validators import NAME_LIMIT
from apis.words import phrase

Data = QueryDict | dict[str, Any] | None

NEW_APPLICATION: Final = "new"
GRANT_LABELS: Final = {
    "client_credentials": "Client credentials",
    "authorization_code": "Authorization code with PKCE",
    "refresh_token": "Refresh token",
}


def _text(label: str, *, rows: int = 0, **attrs: Any) -> forms.CharField:
    """Free text as it was typed: not trimmed, never "required", because the service says what is missing."""
    attrs = {"class": "form-control", "autocomplete": "off", **attrs}
    widget = forms.Textarea({**attrs, "rows": rows}) if rows else forms.TextInput(attrs)
    return forms.CharField(label=label, required=False, strip=False, widget=widget)


def _choice(label: str, choices: Sequence[tuple[str, str]] = ()) -> forms.ChoiceField:
    return forms.ChoiceField(label=label, choices=choices, widget=forms.Select({"class": "form-select"}))


class ApplicationForm(forms.Form):
    """Name, application plan and description of an application."""

    name = _text("Name", maxlength=NAME_LIMIT)
    plan = _choice("Application plan")
    description = _text("Description", rows=3)

    def __init__(self, data: Data = None, *, initial: dict[str, str] | None = None) -> None:
        super().__init__(data, initial=initial)
        self.fields["plan"] = _choice(
            "Application plan",
            [(plan.name, plan_label(plan)) for plan in selectors.application_plans()],
        )
        self.fields["plan"].initial = DEFAULT_APPLICATION_PLAN


class SubscribeForm(forms.Form):
    """An own application (or the name of a new one) and a business plan of the API."""

    application = _choice("Application")
    new_name = _text("Name of the new application", maxlength=NAME_LIMIT)
    plan = _choice("Business plan")

    def __init__(self, data: Data = None, *, api: Api, actor: Actor, applications: Sequence[Application]) -> None:
        super().__init__(data)
        own = [(str(application.pk), application.name) for application in applications]
        self.fields["application"] = _choice("Application", [*own, (NEW_APPLICATION, "New application…")])
        self.fields["plan"] = _choice("Business plan", plan_choices(api, actor))

    @property
    def only_new(self) -> bool:
        """Whether there is no application to choose, so the name is all that is asked."""
        return len(self.fields["application"].choices) == 1  # type: ignore[attr-defined]


def plan_label(plan: Plan) -> str:
    """A plan's name with its first limit and its price in words; all its terms stand on the API's page."""
    parts = [said(plan.limit_lines[0]) + (", …" if len(plan.limits) > 1 else "")] if plan.limits else []
    if isinstance(plan, BusinessPlan) and plan.billing == BusinessPlan.Billing.COMMERCIAL:
        parts.append(said(plan.price_line))
    if isinstance(plan, BusinessPlan) and plan.approval:
        parts.append(said("needs approval"))
    return f"{plan.name}: {'; '.join(parts)}" if parts else plan.name


def plan_choices(api: Api, actor: Actor) -> list[tuple[str, str]]:
    """The business plans on offer to this person."""
    return [(plan.name, plan_label(plan)) for plan in plans_open_to(actor, api)]


class ChangePlanForm(forms.Form):
    """Another business plan for a subscription."""

    plan = _choice("Business plan")

    def __init__(self, data: Data = None, *, subscription: Subscription) -> None:
        super().__init__(data, auto_id=f"%s-{subscription.pk}")
        current = subscription.business_plan.name
        choices = plan_choices(subscription.api, Actor.of(subscription.application.owner))
        if current not in dict(choices):  # the API no longer offers it; it stays until it is changed
            choices.insert(
                0,
                (
                    current,
                    phrase("{plan_label} (no longer offered)", plan_label=plan_label(subscription.business_plan)),
                ),
            )
        self.fields["plan"] = _choice("Business plan", choices)
        self.fields["plan"].initial = current


class KeysForm(forms.Form):
    """Grant types and redirect URIs of a key pair."""

    grant_types = forms.MultipleChoiceField(
        label="Grant types",
        required=False,
        choices=[(name, GRANT_LABELS[name]) for name in GRANT_TYPES],
        widget=forms.CheckboxSelectMultiple({"class": "form-check-input"}),
    )
    redirect_uris = _text("Redirect URIs", rows=2, placeholder="https://example.com/callback")

    def __init__(self, data: Data = None, *, key_type: str, pair: KeyPair | None = None) -> None:
        initial = {
            "grant_types": pair.grant_types if pair else list(DEFAULT_GRANT_TYPES),
            "redirect_uris": "\n".join((pair.client.redirect_uris if pair else "").split()),
        }
        super().__init__(data, auto_id=f"{key_type}-%s", initial=initial)

    def uris(self) -> list[str]:
        """The redirect URIs, one a line; empty lines do not count."""
        return [line.strip() for line in self.cleaned_data["redirect_uris"].splitlines() if line.strip()]


class TokenForm(forms.Form):
    """For which of its subscribed APIs the commands of a new token are shown; the newest subscription first."""

    api = _choice("Commands for")

    def __init__(
        self, data: Data = None, *, key_type: str, subscriptions: Sequence[Subscription], chosen: Api | None = None
    ) -> None:
        super().__init__(data, auto_id=f"{key_type}-token-%s")
        self.apis = [row.api for row in sorted(subscriptions, key=lambda row: row.created_at, reverse=True)]
        choices = [(str(api.pk), f"{api.title} {api.version}") for api in self.apis]
        self.fields["api"] = _choice("Commands for", choices)
        self.fields["api"].initial = str(chosen.pk) if chosen else None

    def chosen(self) -> Api | None:
        """The API that was asked for, or the one subscribed last; None without a subscription."""
        wanted = self.cleaned_data["api"] if self.is_valid() else ""
        return next((api for api in self.apis if str(api.pk) == wanted or not wanted), None)
