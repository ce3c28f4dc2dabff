"""Addresses of the publisher portal."""

from __future__ import annotations

from django.urls import path

from apis.publisher import listing

app_name = "publisher"

urlpatterns = [
    path("", listing.apis, name="apis"),
]
