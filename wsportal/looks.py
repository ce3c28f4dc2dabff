"""How the administration looks: its names, colours, styles and what its first page and its menu are made by."""

from __future__ import annotations

from typing import Any


def administration_look(static_url: str) -> dict[str, Any]:
    """The setting UNFOLD of django-unfold.

    Args:
        static_url: where assets are served, with a slash at its end.
    """
    return {
        "SITE_TITLE": "wsportal administration",
        "SITE_HEADER": "wsportal",
        "SITE_SUBHEADER": "Administration",
        "SITE_URL": "/publisher/",
        "SITE_SYMBOL": "hub",
        "SITE_FAVICONS": [{"rel": "icon", "type": "image/svg+xml", "href": f"{static_url}wsportal/icon.svg"}],
        "SHOW_LANGUAGES": True,
        "SHOW_HISTORY": False,
        "SHOW_VIEW_ON_SITE": False,
        "STYLES": [f"{static_url}wsportal/admin.css"],
        "SCRIPTS": [f"{static_url}wsportal/admin.js"],
        # the portals' teal; 600 is what buttons wear, dark enough for white text
        "COLORS": {
            "primary": {
                "50": "oklch(98.4% .014 180.7)",
                "100": "oklch(95.3% .051 180.8)",
                "200": "oklch(91% .096 180.4)",
                "300": "oklch(85.5% .138 181.1)",
                "400": "oklch(77.7% .152 181.9)",
                "500": "oklch(60% .118 184.7)",
                "600": "oklch(51.1% .096 186.4)",
                "700": "oklch(43.7% .078 188.2)",
                "800": "oklch(38.6% .063 188.4)",
                "900": "oklch(32% .055 190)",
                "950": "oklch(27.7% .046 192.5)",
            }
        },
        "SIDEBAR": {"navigation": "apis.admin.navigation.sidebar"},
        "DASHBOARD_CALLBACK": "wsportal.dashboard.dashboard",
    }
