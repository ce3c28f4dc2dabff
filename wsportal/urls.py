"""Which room answers which address (CONTRACT section 2)."""

from __future__ import annotations

from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView
from django.views.i18n import set_language

from wsportal import env, metrics, views

urlpatterns = [
    path("", views.home, name="home"),
    path("login", views.SignIn.as_view(), name="login"),
    path("logout", views.SignOut.as_view(), name="logout"),
    path("language", set_language, name="set_language"),
    path("publisher/", include("apis.publisher.urls")),
    path("devportal/", include("apis.devportal.urls")),
    path("", include("gateway.urls")),
    path("admin/", admin.site.urls),
    path("api/v1/", include("apis.rest.urls")),
    path("", include("apis.oauth_urls")),
    path("publisher", RedirectView.as_view(url="/publisher/")),
    path("devportal", RedirectView.as_view(url="/devportal/")),
    path("favicon.ico", RedirectView.as_view(url="/static/wsportal/icon.svg")),
]

if env.MODE == "up":  # `serve` has a port of its own for them (METRICS_PORT)
    urlpatterns.append(path("metrics", metrics.page))

handler400 = "wsportal.views.bad_request"
handler403 = "wsportal.views.forbidden"
handler404 = "wsportal.views.not_found"
handler500 = "wsportal.views.server_error"
