"""Addresses of the developer portal, below /devportal/. No secret and no token is ever part of one."""

from __future__ import annotations

from django.urls import path, register_converter

from apis.devportal import (
    api_keys,
    applications,
    changes,
    clients,
    definition,
    documents,
    keys,
    offers,
    pictures,
    subscriptions,
    talks,
)
from apis.shapes import KEY_TYPES

app_name = "devportal"


class KeyTypeConverter:
    """`production` or `sandbox`."""

    regex = "|".join(KEY_TYPES)

    def to_python(self, value: str) -> str:
        return value

    def to_url(self, value: str) -> str:
        return value


register_converter(KeyTypeConverter, "key_type")

_APPLICATION = "applications/<uuid:application_id>/"
_KEYS = f"{_APPLICATION}keys/<key_type:key_type>/"

urlpatterns = [
    path("", offers.api_list, name="apis"),
    path("apis/<uuid:api_id>/", offers.api_detail, name="api"),
    path("apis/<uuid:api_id>/thumbnail", pictures.thumbnail, name="thumbnail"),
    path("apis/<uuid:api_id>/definition/", definition.definition, name="definition"),
    path("apis/<uuid:api_id>/definition.yaml", definition.download, {"syntax": "yaml"}, name="definition-yaml"),
    path("apis/<uuid:api_id>/definition.json", definition.download, {"syntax": "json"}, name="definition-json"),
    path("apis/<uuid:api_id>/changes/", changes.changes, name="changes"),
    path("apis/<uuid:api_id>/subscribe", subscriptions.subscribe, name="subscribe"),
    path("apis/<uuid:api_id>/token", keys.api_token, name="api-token"),
    path("apis/<uuid:api_id>/documents/<uuid:document_id>/", documents.document, name="document"),
    path("apis/<uuid:api_id>/documents/<uuid:document_id>/content", documents.content, name="document_content"),
    path("apis/<uuid:api_id>/documents/<uuid:document_id>/image", documents.image, name="document_image"),
    path("apis/<uuid:api_id>/comments/", talks.comments, name="comments"),
    path("apis/<uuid:api_id>/comments/<uuid:comment_id>/", talks.comment, name="comment"),
    path("apis/<uuid:api_id>/comments/<uuid:comment_id>/reply", talks.reply, name="comment_reply"),
    path("apis/<uuid:api_id>/comments/<uuid:comment_id>/remove", talks.remove, name="comment_remove"),
    path("apis/<uuid:api_id>/rate", talks.rate, name="rate"),
    path("subscriptions/<uuid:subscription_id>/plan", subscriptions.change_plan, name="change-plan"),
    path("subscriptions/<uuid:subscription_id>/remove", subscriptions.unsubscribe, name="unsubscribe"),
    path("applications/", applications.application_list, name="applications"),
    path("applications/new", applications.application_new, name="application-new"),
    path(_APPLICATION, applications.application_detail, name="application"),
    path(f"{_APPLICATION}edit", applications.application_edit, name="application-edit"),
    path(f"{_APPLICATION}delete", applications.application_delete, name="application-delete"),
    path(f"{_APPLICATION}clients", clients.clients, name="clients"),
    path(f"{_APPLICATION}clients/<uuid:mapped_key_id>/remove", clients.remove, name="client-remove"),
    path(f"{_APPLICATION}api-keys", api_keys.keys, name="api-keys"),
    path(f"{_APPLICATION}api-keys/<uuid:key_id>/revoke", api_keys.revoke, name="api-key-revoke"),
    path(f"{_KEYS}generate", keys.generate, name="keys-generate"),
    path(f"{_KEYS}update", keys.update, name="keys-update"),
    path(f"{_KEYS}secret", keys.regenerate, name="keys-secret"),
    path(f"{_KEYS}token", keys.token, name="keys-token"),
]
