"""What an administrator changes of an endpoint in a hurry: URLs, strategy, timeouts, suspension.

Security, headers, TLS, proxy and dynamic targets stay what they are; they are edited in the publisher portal, whose
dialog is made for them, and the page links there.
"""

from __future__ import annotations

from typing import Any

from apis import shapes_endpoint as shapes
from apis.admin.fields import Choice, Choices, Column, Decimal, Rows, Whole
from apis.admin.pages import PageForm


class EndpointForm(PageForm):
    """Fields are named like the last part of their path in the config (apis.shapes_endpoint.endpoint_config)."""

    urls = Rows(
        (Column("url", "URL (ws:// or wss://)"), Column("weight", "Weight", whole=True, default="1")),
        key="url",
        limit=shapes.URLS_LIMIT,
        label="URLs",
        help_text="Empty a row to remove it. Weights count for the weighted strategy only.",
    )
    strategy = Choice(choices=list(shapes.STRATEGY_LABELS.items()))
    connect_ms = Whole(label="Connect within", help_text="Milliseconds.")
    handshake_ms = Whole(label="Upgrade answered within", help_text="Milliseconds.")
    action = Choice(label="On a timeout", choices=list(shapes.TIMEOUT_ACTIONS.items()))
    idle_s = Whole(label="Close when idle for", help_text="Seconds without a message either way; 0 = never.")
    suspend_on = Choices(choices=list(shapes.SUSPENSION_ERRORS.items()), label="Suspend on")
    retries = Whole(label="Retries before suspending", help_text="How many more times it is tried at once.")
    retry_delay_ms = Whole(label="Wait between retries", help_text="Milliseconds.")
    initial_ms = Whole(label="Suspended for", help_text="Milliseconds; 0 = never suspended.")
    factor = Decimal(label="Longer by a factor of", help_text="Each further suspension in a row; 1 = always the same.")
    max_ms = Whole(label="At most", help_text="Milliseconds.")

    fieldsets = (
        (None, ("urls", "strategy")),
        ("Timeouts", ("connect_ms", "handshake_ms", "action", "idle_s")),
        ("Suspension", ("suspend_on", "retries", "retry_delay_ms", "initial_ms", "factor", "max_ms")),
    )

    places = {"suspension/errors": "suspend_on"}
    mandatory = ("urls", "strategy", *shapes.TIMEOUT_CHECKS, *(set(shapes.SUSPENSION_CHECKS) - {"errors"}))

    @staticmethod
    def initial_of(config: dict[str, Any]) -> dict[str, Any]:
        """The fields for a stored config, or for none yet."""
        full = shapes.complete(config)
        return {
            "urls": full["urls"],
            "strategy": full["strategy"],
            **full["timeouts"],
            **full["suspension"],
            "suspend_on": full["suspension"]["errors"],
        }

    @staticmethod
    def config_of(cleaned: dict[str, Any]) -> dict[str, Any]:
        """The config that the fields make up."""
        return {
            "urls": cleaned["urls"],
            "strategy": cleaned["strategy"],
            "timeouts": {key: cleaned[key] for key in shapes.TIMEOUT_CHECKS},
            "suspension": {key: cleaned["suspend_on" if key == "errors" else key] for key in shapes.SUSPENSION_CHECKS},
        }
