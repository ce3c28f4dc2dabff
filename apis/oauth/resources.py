"""What a token is for (RFC 8707): one API's URL at the gateway for a consumer's, the REST API for the others.

A token that names nothing opens whatever its application may use; one that names an API opens that one only, also
where somebody steals it from its backend.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from django.conf import settings
from oauth2_provider.models import Application as OAuthClient

from apis.models import Deployment
from apis.selectors import environment_urls

RESOURCES_LIMIT: Final = 10
REST_PATH: Final = "/api/v1"


def api_urls() -> dict[str, str]:
    """Where deployed APIs answer at the gateway: URL -> what it leads to, in words. One query."""
    rows = Deployment.objects.select_related("api__version_set", "revision", "environment")
    pairs = ((row, base) for row in rows for base in environment_urls(row.environment, row.vhost))
    return {f"{base}{row.design['path']}": str(row.api) for row, base in pairs}


def is_rest_url(url: str) -> bool:
    """Whether this is the REST API's address: in production the one of the portal, else any (`up` has several)."""
    return url == f"{settings.PORTAL_URL}{REST_PATH}" or (settings.MODE != "serve" and url.endswith(REST_PATH))


def target_problem(client: OAuthClient, resources: Sequence[str]) -> str:
    """What is wrong with the `resource` parameters of a request, or ""."""
    if len(resources) > RESOURCES_LIMIT:
        return f"At most {RESOURCES_LIMIT} resources can be named."
    if not hasattr(client, "key_pair"):
        wrong = [one for one in resources if not is_rest_url(one)]
        return "The only resource for this client is the REST API." if wrong else ""
    known = api_urls() if resources else {}
    wrong = [one for one in resources if one not in known]
    return f"No API answers at {wrong[0][:200]!r}; name it as the portal shows it." if wrong else ""
