"""Addresses of the publisher portal, below /publisher/."""

from __future__ import annotations

from django.urls import path

from apis.publisher import creating, deploying, designing, endpoints, listing, moving, runtime

app_name = "publisher"

urlpatterns = [
    path("", listing.apis, name="apis"),
    path("apis/new", creating.new, name="new"),
    path("apis/validate", creating.validate, name="validate"),
    path("apis/<uuid:api_id>/", designing.overview, name="overview"),
    path("apis/<uuid:api_id>/info/", designing.info, name="info"),
    path("apis/<uuid:api_id>/plans/", designing.plans, name="plans"),
    path("apis/<uuid:api_id>/subscriptions/", designing.subscriptions, name="subscriptions"),
    path("apis/<uuid:api_id>/topics/", designing.topics, name="topics"),
    path("apis/<uuid:api_id>/endpoints/", endpoints.endpoints, name="endpoints"),
    path("apis/<uuid:api_id>/endpoints/<str:key_type>/", endpoints.endpoint, name="endpoint"),
    path("apis/<uuid:api_id>/runtime/", runtime.runtime, name="runtime"),
    path("apis/<uuid:api_id>/deployments/", deploying.deployments, name="deployments"),
    path("apis/<uuid:api_id>/lifecycle/", moving.lifecycle, name="lifecycle"),
    path("apis/<uuid:api_id>/history/", moving.history, name="history"),
    path("apis/<uuid:api_id>/new-version/", creating.new_version, name="new_version"),
    path("apis/<uuid:api_id>/delete/", creating.delete, name="delete"),
]
