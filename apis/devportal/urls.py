"""Addresses of the developer portal, below /devportal/."""

from __future__ import annotations

from django.urls import path

from apis.devportal import views

app_name = "devportal"

urlpatterns = [
    path("", views.api_list, name="apis"),
    path("applications/", views.application_list, name="applications"),
]
