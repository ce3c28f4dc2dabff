"""Administration: the same APIs, plans, applications and people as in the portals, written by the same services.

Django's autodiscovery imports this package; each module registers the pages of its area.
"""

from __future__ import annotations

from apis.admin import (
    about,
    api_plans,
    applications,
    approvals,
    denying,
    designs,
    key_managers,
    oauth,
    people,
    plans,
    records,
    scopes,
    social,
    subscriptions,
)

__all__ = [
    "about",
    "api_plans",
    "applications",
    "approvals",
    "denying",
    "designs",
    "key_managers",
    "oauth",
    "people",
    "plans",
    "records",
    "scopes",
    "social",
    "subscriptions",
]
