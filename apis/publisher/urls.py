"""Addresses of the publisher portal, below /publisher/."""

from __future__ import annotations

from django.urls import path

from apis.publisher import (
    api_plan,
    creating,
    defaults,
    deploying,
    designing,
    endpoints,
    listing,
    moving,
    overview,
    runtime,
    scopes,
    securing,
    starting,
    topics,
)

app_name = "publisher"

urlpatterns = [
    path("", listing.apis, name="apis"),
    path("create/", starting.start, name="start"),
    path("create/version/", starting.pick_version, name="pick_version"),
    path("create/samples/<str:sample_name>/", starting.sample, name="sample"),
    path("drafts/<str:form>", starting.draft, name="draft"),
    path("drafts/<str:form>/discard", starting.discard, name="draft_discard"),
    path("apis/new", creating.new, name="new"),
    path("apis/validate", creating.validate, name="validate"),
    path("apis/<uuid:api_id>/", overview.overview, name="overview"),
    path("apis/<uuid:api_id>/info/", designing.info, name="info"),
    path("apis/<uuid:api_id>/default-version/", defaults.default_version, name="default_version"),
    path("apis/<uuid:api_id>/plans/", designing.plans, name="plans"),
    path("apis/<uuid:api_id>/topics/", topics.topics, name="topics"),
    path("apis/<uuid:api_id>/topics/edit", topics.topic, name="topic"),
    path("apis/<uuid:api_id>/scopes/", scopes.scopes, name="scopes"),
    path("apis/<uuid:api_id>/scopes/new", scopes.scope, name="new_scope"),
    path("apis/<uuid:api_id>/scopes/<uuid:scope_id>", scopes.scope, name="scope"),
    path("scopes/", scopes.shared, name="shared_scopes"),
    path("scopes/new", scopes.shared_scope, name="new_shared_scope"),
    path("scopes/<uuid:scope_id>", scopes.shared_scope, name="shared_scope"),
    path("apis/<uuid:api_id>/endpoints/", endpoints.endpoints, name="endpoints"),
    path("apis/<uuid:api_id>/endpoints/<str:key_type>/", endpoints.endpoint, name="endpoint"),
    path("apis/<uuid:api_id>/endpoints/<str:key_type>/remove", endpoints.endpoint_remove, name="endpoint_remove"),
    path("apis/<uuid:api_id>/security/", securing.security, name="security"),
    path("apis/<uuid:api_id>/test-key/", securing.test_key, name="test_key"),
    path("apis/<uuid:api_id>/runtime/", runtime.runtime, name="runtime"),
    path("apis/<uuid:api_id>/api-plan/", api_plan.api_plan, name="api_plan"),
    path("apis/<uuid:api_id>/deployments/", deploying.deployments, name="deployments"),
    path("apis/<uuid:api_id>/lifecycle/", moving.lifecycle, name="lifecycle"),
    path("apis/<uuid:api_id>/history/", moving.history, name="history"),
    path("apis/<uuid:api_id>/new-version/", creating.new_version, name="new_version"),
    path("apis/<uuid:api_id>/delete/", creating.delete, name="delete"),
]
