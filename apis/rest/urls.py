"""The routes of the REST API, in the order of CONTRACT section 4. Addresses end without a slash."""

from __future__ import annotations

from django.urls import path, re_path
from django.views.generic import RedirectView

from apis.rest import (
    api_plans,
    applications,
    approvals,
    beginning,
    denying,
    designs,
    docs,
    endpoints,
    key_managers,
    people,
    plans,
    publishing,
    security,
    subscriptions,
    tokens,
    topics,
)

app_name = "rest"

_API = "apis/<uuid:api_id>"
_REVISION = f"{_API}/revisions/<int:number>"
_APPLICATION = "applications/<uuid:application_id>"
_SUBSCRIPTION = "subscriptions/<uuid:subscription_id>"

urlpatterns = [
    path("schema", docs.SchemaDocument.as_view(), name="schema"),
    path("docs", docs.DocsPage.as_view(), name="docs"),
    path("tokens", tokens.Tokens.as_view(), name="tokens"),
    path("tokens/<uuid:token_id>", tokens.OneToken.as_view()),
    path("me", people.Me.as_view(), name="me"),
    path("people", people.People.as_view(), name="people"),
    path("people/<uuid:person_id>", people.OnePerson.as_view()),
    path("people/<uuid:person_id>/set-password", people.SetPassword.as_view()),
    path("apis", designs.Apis.as_view(), name="apis"),
    path(_API, designs.OneApi.as_view()),
    path("samples", beginning.Samples.as_view(), name="samples"),
    path("samples/<str:sample_name>", beginning.OneSample.as_view()),
    path(f"{_API}/checks", beginning.Checks.as_view()),
    path(f"{_API}/transitions", publishing.Transitions.as_view()),
    path(f"{_API}/endpoints/<str:key_type>", endpoints.OneEndpoint.as_view()),
    path(f"{_API}/runtime", designs.Runtime.as_view()),
    path(f"{_API}/security", security.Security.as_view()),
    path(f"{_API}/test-key", security.TestKey.as_view()),
    path(f"{_API}/topics", topics.Topics.as_view()),
    path(f"{_API}/scopes", topics.LocalScopes.as_view()),
    path(f"{_API}/scopes/<uuid:scope_id>", topics.OneLocalScope.as_view()),
    path("scopes", topics.SharedScopes.as_view()),
    path("scopes/<uuid:scope_id>", topics.OneSharedScope.as_view()),
    path(f"{_API}/versions", designs.Versions.as_view()),
    path(f"{_API}/history", designs.History.as_view()),
    path(f"{_API}/revisions", publishing.Revisions.as_view()),
    path(_REVISION, publishing.OneRevision.as_view()),
    path(f"{_REVISION}/deploy", publishing.Deploy.as_view()),
    path(f"{_REVISION}/undeploy", publishing.Undeploy.as_view()),
    path(f"{_REVISION}/restore", publishing.Restore.as_view()),
    path("business-plans", plans.BusinessPlans.as_view()),
    path("business-plans/<uuid:plan_id>", plans.OneBusinessPlan.as_view()),
    path("application-plans", plans.ApplicationPlans.as_view()),
    path("application-plans/<uuid:plan_id>", plans.OneApplicationPlan.as_view()),
    path("api-plans", api_plans.ApiPlans.as_view()),
    path("api-plans/<uuid:plan_id>", api_plans.OneApiPlan.as_view()),
    path("custom-plans", api_plans.CustomPlans.as_view()),
    path("custom-plans/<uuid:plan_id>", api_plans.OneCustomPlan.as_view()),
    path("deny-policies", denying.DenyPolicies.as_view()),
    path("deny-policies/<uuid:policy_id>", denying.OneDenyPolicy.as_view()),
    path("key-managers", key_managers.KeyManagers.as_view()),
    path("key-managers/<uuid:key_manager_id>", key_managers.OneKeyManager.as_view()),
    path("key-managers/<uuid:key_manager_id>/test", key_managers.TryKeyManager.as_view()),
    path("environments", plans.Environments.as_view()),
    path("applications", applications.Applications.as_view(), name="applications"),
    path(_APPLICATION, applications.OneApplication.as_view()),
    path(f"{_APPLICATION}/keys", applications.Keys.as_view()),
    path(f"{_APPLICATION}/keys/<str:key_type>", applications.OneKeyPair.as_view()),
    path(f"{_APPLICATION}/keys/<str:key_type>/regenerate-secret", applications.Secret.as_view()),
    path(f"{_APPLICATION}/api-keys", security.ApiKeys.as_view()),
    path(f"{_APPLICATION}/api-keys/<uuid:key_id>", security.OneApiKey.as_view()),
    path(f"{_APPLICATION}/mapped-keys", key_managers.MappedKeys.as_view()),
    path(f"{_APPLICATION}/mapped-keys/<uuid:mapped_key_id>", key_managers.OneMappedKey.as_view()),
    path(f"{_APPLICATION}/generate-token", applications.GenerateToken.as_view()),
    path("subscriptions", subscriptions.Subscriptions.as_view(), name="subscriptions"),
    path("approvals", approvals.Approvals.as_view()),
    path("approvals/<uuid:approval_id>", approvals.OneApproval.as_view()),
    path("approvals/<uuid:approval_id>/decide", approvals.Decide.as_view()),
    path(_SUBSCRIPTION, subscriptions.OneSubscription.as_view()),
    path(f"{_SUBSCRIPTION}/block", subscriptions.Block.as_view()),
    path(f"{_SUBSCRIPTION}/unblock", subscriptions.Unblock.as_view()),
    path("", RedirectView.as_view(pattern_name="rest:docs")),
    re_path(r"", docs.UnknownAddress.as_view()),
]
