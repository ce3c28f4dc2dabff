"""The wiring as a Django app, so that its management commands are found."""

from __future__ import annotations

from django.apps import AppConfig


class WsportalConfig(AppConfig):
    name = "wsportal"
    verbose_name = "wsportal"
