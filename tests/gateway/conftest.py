"""What the tests of the gateway share."""

from __future__ import annotations

from tests.apis.conftest import rest

__all__ = ["rest"]
