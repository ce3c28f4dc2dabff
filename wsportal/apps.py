"""The wiring as Django apps: management commands, and the administration with its own site."""

from __future__ import annotations

from django.apps import AppConfig
from django.contrib.admin import apps as django_admin  # the module: a second AppConfig here would be ambiguous


class WsportalConfig(AppConfig):
    name = "wsportal"
    verbose_name = "wsportal"


class AdministrationConfig(django_admin.AdminConfig):
    """django.contrib.admin with the site that knows the portal's sign-in and services."""

    default = False
    default_site = "wsportal.administration.PortalAdminSite"
