"""The sidebar: only what this person may open (settings.UNFOLD names `sidebar`)."""

from __future__ import annotations

from typing import Any, Final

from django.apps import apps
from django.contrib import admin
from django.http import HttpRequest
from django.urls import reverse
from oauth2_provider.models import AccessToken
from oauth2_provider.models import Application as OAuthClient

from apis.models import (
    Api,
    ApiCategory,
    ApiDocument,
    ApiPlan,
    Application,
    ApplicationPlan,
    Approval,
    ApprovalRules,
    BusinessPlan,
    Comment,
    CustomPlan,
    DenyPolicy,
    Environment,
    HistoryEntry,
    KeyManager,
    Person,
    PersonalToken,
    Rating,
    Role,
    Scope,
    Subscription,
)
from apis.permissions import Actor
from apis.saying import said
from apis.selectors_approvals import waiting_count

APPROVALS: Final = "approval"  # the symbol of their line

# Group -> (model or its name, title, Material symbol).
GROUPS: Final[tuple[tuple[str, tuple[tuple[Any, str, str], ...]], ...]] = (
    (
        "APIs",
        (
            (Api, "APIs", "hub"),
            (Subscription, "Subscriptions", "sync_alt"),
            (Approval, "Approvals", APPROVALS),
            (ApprovalRules, "What needs approval", "rule"),
            (Scope, "Scopes", "passkey"),
            (ApiDocument, "Documents", "menu_book"),
            (Comment, "Comments", "forum"),
            (Rating, "Ratings", "star"),
            (ApiCategory, "API categories", "category"),
            (HistoryEntry, "History", "history"),
        ),
    ),
    ("Developers", ((Application, "Applications", "apps"), (AccessToken, "Access tokens", "key"))),
    (
        "Plans",
        (
            (BusinessPlan, "Business plans", "sell"),
            (ApplicationPlan, "Application plans", "speed"),
            (ApiPlan, "API plans", "tune"),
            (CustomPlan, "Custom plans", "key_visualizer"),
        ),
    ),
    (
        "People and programs",
        (
            (Person, "People", "group"),
            (Role, "Roles", "shield_person"),
            (PersonalToken, "Personal tokens", "badge"),
            (OAuthClient, "Management clients", "terminal"),
        ),
    ),
    (
        "Gateway",
        (
            ("gateway.LiveSession", "Live sessions", "cell_tower"),
            (DenyPolicy, "Deny policies", "block"),
            (Environment, "Environments", "dns"),
            (KeyManager, "Key managers", "vpn_key"),
        ),
    ),
)


def _model(one: Any) -> Any:
    """A model, or the one of another room by its name."""
    return apps.get_model(one) if isinstance(one, str) else one


def _count_waiting(request: HttpRequest, items: list[dict[str, Any]]) -> None:
    """The line of approvals says how many wait for this administrator."""
    for item in items:
        if item["icon"] == APPROVALS and (waiting := waiting_count(Actor.of(request.user))):  # type: ignore[arg-type]
            item |= {"badge": waiting, "badge_variant": "warning"}


def sidebar(request: HttpRequest) -> list[dict[str, Any]]:
    """Groups of links in unfold's shape; groups without a link for this person are left out."""
    dashboard = {"title": said("Dashboard"), "icon": "dashboard", "link": reverse("admin:index")}
    groups: list[dict[str, Any]] = [{"title": "", "items": [dashboard]}]
    for title, models in GROUPS:
        items = [
            {
                "title": said(label),
                "icon": icon,
                "link": reverse(f"admin:{model._meta.app_label}_{model._meta.model_name}_changelist"),
            }
            for model, label, icon in [(_model(one), label, icon) for one, label, icon in models]
            if admin.site.get_model_admin(model).has_module_permission(request)
        ]
        _count_waiting(request, items)
        if items:
            groups.append({"title": said(title), "separator": True, "items": items})
    return groups
