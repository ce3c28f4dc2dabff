"""Every address there is, from Django's own resolver, and each filled in with things that exist."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Final

from django.urls import get_resolver
from django.urls.resolvers import RoutePattern, URLPattern, URLResolver

PARAMETERS: Final[Mapping[str, str]] = {
    "api_id": "{api}",
    "document_id": "{document}",
    "comment_id": "{comment}",
    "rating_id": "{rating}",
    "scope_id": "{scope}",
    "subscription_id": "{subscription}",
    "application_id": "{application}",
    "mapped_key_id": "{mapped_key}",
    "key_id": "{api_key}",
    "environment_id": "{environment}",
    "session_id": "{session}",
    "connection_id": "{session}",
    "entry_id": "{entry}",
    "policy_id": "{deny_policy}",
    "key_manager_id": "{key_manager}",
    "person_id": "{person}",
    "role_id": "{role}",
    "category_id": "{category}",
    "approval_id": "{approval}",
    "token_id": "{token}",
    "number": "1",
    "key_type": "production",
    "sample_name": "chat",
    "form": "new-api",
    "what": "all",
    "action": "block",
    "verb": "restore",
    "how": "approve",
    "content_type_id": "1",
}
"""What stands for a parameter of an address: the name of an id of the world, or a word."""

HERE: Final[Mapping[str, Mapping[str, str]]] = {
    "publisher/scopes/": {"scope_id": "{shared_scope}"},
    "api/v1/scopes/": {"scope_id": "{shared_scope}"},
    "api/v1/business-plans/": {"plan_id": "{plan}"},
    "api/v1/application-plans/": {"plan_id": "{application_plan}"},
    "api/v1/api-plans/": {"plan_id": "{api_plan}"},
    "api/v1/custom-plans/": {"plan_id": "{custom_plan}"},
    "admin/apis/api/": {"action": "deprecate"},
    "admin/r/": {"object_id": "{api}"},
}
"""What stands for it below some addresses."""

OF_MODELS: Final[Mapping[str, str]] = {
    "apis/apicategory": "category",
    "apis/businessplan": "plan",
    "apis/applicationplan": "application_plan",
    "apis/apiplan": "api_plan",
    "apis/customplan": "custom_plan",
    "apis/denypolicy": "deny_policy",
    "apis/historyentry": "entry",
    "apis/approvalrules": "approval_rules",
    "apis/keymanager": "key_manager",
    "apis/personaltoken": "token",
    "apis/apidocument": "document",
    "oauth2_provider/application": "management_client",
    "oauth2_provider/accesstoken": "access_token",
    "gateway/livesession": "session",
}
"""Which id of the world the administration shows under `object_id`, where that is not the model's name."""

_PARAMETER: Final = re.compile(r"<(?:\w+:)?(\w+)>|\{(\w+)\}")


def routes(resolver: URLResolver | None = None, before: str = "") -> Iterator[str]:
    """All addresses as they are written in urls.py, without the slash in front."""
    for one in (resolver or get_resolver()).url_patterns:
        address = before + (str(one.pattern) if isinstance(one.pattern, RoutePattern) else "^" + str(one.pattern))
        if isinstance(one, URLPattern):
            yield address
        else:
            yield from routes(one, address.replace("^", ""))


def parameters(route: str, ids: Mapping[str, str]) -> dict[str, str]:
    """What stands for each parameter of an address."""
    route = route.lstrip("/")
    here = next((dict(values) for start, values in HERE.items() if route.startswith(start)), {})
    if route.startswith("admin/") and "object_id>" in route and "object_id" not in here:
        model = "/".join(route.split("/")[1:3])
        here["object_id"] = "{" + OF_MODELS.get(model, model.partition("/")[2]) + "}"
    known = {**PARAMETERS, **here}
    return {name: known[name].format(**ids) for name in map("".join, _PARAMETER.findall(route))}


def filled(route: str, ids: Mapping[str, str]) -> str:
    """An address that leads somewhere.

    Args:
        route: as of `routes`, or a path of the OpenAPI schema.
        ids: of the world, by what they are of.

    Raises: KeyError for a parameter that PARAMETERS does not know.
    """
    known = parameters(route, ids)
    return "/" + _PARAMETER.sub(lambda found: known[found[1] or found[2]], route.lstrip("/"))
