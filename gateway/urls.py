"""Addresses of this room: its REST resources, and the pieces it puts into portal pages."""

from __future__ import annotations

from django.urls import path

from gateway import (
    rest,
    rest_analytics,
    rest_billing,
    rest_sessions,
    rest_simulation,
    rest_subscriptions,
    rest_tickets,
    rest_trials,
    rest_upstreams,
    screens,
    screens_analytics,
    screens_billing,
    screens_console,
    screens_live,
    screens_own,
    screens_subscriptions,
    screens_trial,
    wellknown,
)

app_name = "gateway"

urlpatterns = [
    path("api/v1/usage", rest.Usage.as_view(), name="usage"),
    path("api/v1/usage/records", rest_billing.UsageRecords.as_view(), name="usage-records"),
    path("api/v1/subscriptions", rest_subscriptions.Subscriptions.as_view()),
    path("api/v1/subscriptions/<uuid:subscription_id>/statement", rest_billing.SubscriptionStatement.as_view()),
    path("api/v1/business-plans/simulate", rest_simulation.Simulate.as_view()),
    path("api/v1/apis/<uuid:api_id>/analytics", rest_analytics.ApiAnalytics.as_view()),
    path("api/v1/applications/<uuid:application_id>/analytics", rest_analytics.ApplicationAnalytics.as_view()),
    path("api/v1/close-codes", rest.CloseCodes.as_view(), name="close-codes"),
    path("api/v1/sessions", rest_sessions.Sessions.as_view()),
    path("api/v1/sessions/close", rest_sessions.CloseSessions.as_view()),
    path("api/v1/sessions/<str:session_id>", rest_sessions.OneSession.as_view()),
    path("api/v1/sessions/<str:session_id>/frames", rest_sessions.Frames.as_view()),
    path("api/v1/sessions/<str:session_id>/close", rest_sessions.CloseSession.as_view()),
    path("api/v1/tickets", rest_tickets.Tickets.as_view(), name="tickets"),
    path("api/v1/connections/<str:connection_id>/token", rest_sessions.ConnectionToken.as_view()),
    path("api/v1/apis/<uuid:api_id>/endpoints/<str:key_type>/health", rest_upstreams.EndpointHealth.as_view()),
    path("api/v1/apis/<uuid:api_id>/endpoints/<str:key_type>/test", rest_trials.TryEndpoint.as_view()),
    path(".well-known/jwks.json", wellknown.jwk_set, name="jwks"),
    path("publisher/fragments/health/<uuid:api_id>/<str:key_type>", screens.health_of_endpoint, name="health"),
    path("publisher/apis/<uuid:api_id>/endpoints/<str:key_type>/test", screens_trial.try_endpoint, name="trial"),
    path("publisher/apis/<uuid:api_id>/sessions/", screens_live.sessions, name="sessions"),
    path("publisher/apis/<uuid:api_id>/sessions/close/", screens_live.close_many, name="sessions-close"),
    path("publisher/apis/<uuid:api_id>/sessions/<str:session_id>/", screens_live.frames, name="session-frames"),
    path("publisher/apis/<uuid:api_id>/sessions/<str:session_id>/close/", screens_live.close, name="session-close"),
    path("publisher/apis/<uuid:api_id>/analytics/", screens_analytics.analytics_of_api, name="analytics"),
    path(
        "devportal/applications/<uuid:application_id>/analytics/",
        screens_analytics.analytics_of_application,
        name="own-analytics",
    ),
    path("publisher/apis/<uuid:api_id>/console/", screens_console.console_page, name="console"),
    path("publisher/apis/<uuid:api_id>/console/open", screens_console.console_open, name="console-open"),
    path("devportal/apis/<uuid:api_id>/console/", screens_console.own_console_page, name="own-console"),
    path("devportal/apis/<uuid:api_id>/console/open", screens_console.own_console_open, name="own-console-open"),
    path("publisher/apis/<uuid:api_id>/subscriptions/", screens_subscriptions.subscriptions, name="subscriptions"),
    path(
        "publisher/apis/<uuid:api_id>/subscriptions/<uuid:subscription_id>/",
        screens_subscriptions.subscription,
        name="subscription",
    ),
    path("publisher/plan-simulator/", screens_billing.simulator, name="simulator"),
    path(
        "publisher/apis/<uuid:api_id>/subscriptions/<uuid:subscription_id>/statement/",
        screens_billing.statement,
        name="statement",
    ),
    path(
        "devportal/subscriptions/<uuid:subscription_id>/statement/", screens_billing.own_statement, name="own-statement"
    ),
    path("devportal/applications/<uuid:application_id>/sessions/", screens_own.sessions, name="own-sessions"),
    path(
        "devportal/applications/<uuid:application_id>/sessions/close/<str:session_id>/",
        screens_own.close,
        name="own-session-close",
    ),
    path("publisher/fragments/reach/<uuid:api_id>", screens.reach_of_api, name="reach"),
    path("publisher/fragments/usage/<uuid:api_id>", screens.usage_of_api, name="usage-of-api"),
    path("devportal/fragments/usage/<uuid:application_id>", screens.usage_of_application, name="usage-of-application"),
]
