"""Addresses of the OAuth 2.0 authorization server (CONTRACT section 2)."""

from __future__ import annotations

from django.urls import path

from apis.oauth import consent, views

app_name = "oauth2_provider"  # the namespace in which django-oauth-toolkit looks for its own addresses

urlpatterns = [
    path("oauth2/authorize", consent.Authorize.as_view(), name="authorize"),
    path("oauth2/token", views.Token.as_view(), name="token"),
    path("oauth2/revoke", views.Revoke.as_view(), name="revoke"),
    path("oauth2/introspect", views.Introspect.as_view(), name="introspect"),
    path(".well-known/oauth-authorization-server", views.Metadata.as_view(), name="oauth-server-metadata"),
]
