"""Mistakes in the gateway's settings, told at start instead of at the first handshake."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.conf import settings
from django.core.checks import CheckMessage, Error, register

from gateway import conf

_LARGEST = {"TICK_S": 0.4, "SWEEP_S": 1.0}  # what CONTRACT section 4 promises depends on these


@register()
def numbers_are_sane(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """gateway.E001: a number is missing or not positive; gateway.E002: it would break a promise of the contract."""
    found: list[CheckMessage] = []
    for name, default in conf.DEFAULTS.items():
        value = conf.get(name)
        if default is None or isinstance(default, str):
            continue
        if isinstance(value, bool) or not isinstance(value, int | float) or value < (default and 1e-9):
            found.append(Error(f"GATEWAY_{name} is {value!r}; expected a positive number.", id="gateway.E001"))
        elif value > _LARGEST.get(name, value):
            found.append(
                Error(
                    f"GATEWAY_{name} is {value}; at most {_LARGEST[name]} keeps usage and live control in time.",
                    id="gateway.E002",
                )
            )
    return found


@register()
def names_are_known(app_configs: Sequence[Any] | None, **_: Any) -> list[CheckMessage]:
    """gateway.E003: a GATEWAY_ setting that nothing reads, most likely misspelt."""
    known = {f"GATEWAY_{name}" for name in conf.DEFAULTS} | {"GATEWAY_URL"}
    given = {name for name in dir(settings) if name.startswith("GATEWAY_")}
    return [Error(f"{name} is not a setting of the gateway.", id="gateway.E003") for name in sorted(given - known)]
