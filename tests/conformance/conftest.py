"""The suite runs against the gateway of the gateway's tests."""

from __future__ import annotations

from tests.gateway.conftest import certificate, database, gateway, world

__all__ = ["certificate", "database", "gateway", "world"]
