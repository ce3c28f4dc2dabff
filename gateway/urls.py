"""Addresses of this room: its REST resources, and the pieces it puts into portal pages."""

from __future__ import annotations

from django.urls import path

from gateway import rest, screens

app_name = "gateway"

urlpatterns = [
    path("api/v1/usage", rest.Usage.as_view(), name="usage"),
    path("api/v1/close-codes", rest.CloseCodes.as_view(), name="close-codes"),
    path("publisher/fragments/usage/<uuid:api_id>", screens.usage_of_api, name="usage-of-api"),
    path("devportal/fragments/usage/<uuid:application_id>", screens.usage_of_application, name="usage-of-application"),
]
