"""Deny policies: who may not use the gateway."""

from __future__ import annotations

from typing import Any

from django import forms
from django.contrib import admin
from unfold.decorators import display
from unfold.widgets import UnfoldAdminTextInputWidget

from apis.admin.base import ServiceAdmin, ServiceForm
from apis.admin.fields import Lines, Pick, Text, YesNo
from apis.models import Api, Application, DenyPolicy, Person
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import said
from apis.services import denying


class DenyPolicyForm(ServiceForm):
    """All conditions that are set must be met."""

    api = Pick(Api.objects.select_related("version_set"), label="API")
    application = Pick(Application.objects.select_related("owner"))
    person = Pick(Person.objects.order_by("username"), help_text="The person behind the token.")
    ip = Text(label="Address")
    ip_from = Text(
        label="Addresses from", help_text="A range instead of one address; or a network, such as 10.0.0.0/8."
    )
    ip_to = Text(label="to")
    invert = YesNo(label="Everybody but this address or range")
    enabled = YesNo(label="On")
    expires_at = forms.DateTimeField(
        required=False,
        label="Until (UTC)",
        help_text="Such as 2030-01-31 12:00; empty = until it is deleted.",
        widget=UnfoldAdminTextInputWidget(),
    )
    description = Lines(rows=2)

    places = {"ip_range": "ip_from"}

    class Meta:
        model = DenyPolicy
        fields: tuple[str, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        row = self.instance
        stored: dict[str, Any] = {"enabled": True}
        if not row._state.adding:
            names = ("ip", "ip_from", "ip_to", "invert", "enabled", "expires_at", "description")
            stored = {name: getattr(row, name) for name in names}
            stored |= {name: getattr(row, f"{name}_id") for name in ("api", "application", "person")}
        self.initial = {**stored, **self.initial}

    def values(self) -> dict[str, Any]:
        """What was filled in, in the words of the service."""
        data = self.cleaned_data
        names = ("api", "application", "person", "ip", "invert", "enabled", "expires_at", "description")
        first, last = data["ip_from"].strip(), data["ip_to"].strip()
        span: Any = {"from": first, "to": last} if last else first
        return {**{name: data[name] for name in names}, "ip_range": span or None}


@admin.register(DenyPolicy)
class DenyPolicyAdmin(ServiceAdmin):
    """Administrators only. Live sessions that a policy meets end within a second."""

    form = DenyPolicyForm
    adds = changes = deletes = (Capability.ADMINISTER,)
    list_display = ("who", "address", "enabled", "expires_at", "description")
    list_filter = ("enabled",)
    list_select_related = ("api__version_set", "application", "person")
    search_fields = ("description", "application__name", "person__username", "api__version_set__name")
    fieldsets = (
        ("Who is refused: whoever meets every condition that is set", {"fields": ("api", "application", "person")}),
        ("Address", {"fields": ("ip", "ip_from", "ip_to", "invert")}),
        ("When", {"fields": ("enabled", "expires_at", "description")}),
    )

    @display(description="Who")
    def who(self, policy: DenyPolicy) -> str:
        parts = [str(one) for one in (policy.api, policy.application, policy.person) if one is not None]
        return ", ".join(parts) or said("everybody")

    @display(description="Address")
    def address(self, policy: DenyPolicy) -> str:
        return said(policy.address_words) or said("any")

    def create(self, actor: Actor, form: Any) -> DenyPolicy:
        return denying.deny_policy_create(actor=actor, **form.values())

    def update(self, actor: Actor, obj: DenyPolicy, form: Any) -> None:
        denying.deny_policy_update(actor=actor, policy=obj, seen=form.seen, **form.values())

    def remove(self, actor: Actor, obj: DenyPolicy) -> None:
        denying.deny_policy_delete(actor=actor, policy=obj)
