"""The switch that makes a version the one that answers where the path names none."""

from __future__ import annotations

from typing import Any

from django.contrib import messages
from django.http import HttpResponse

from apis import selectors
from apis.errors import Forbidden, ServiceError
from apis.lifecycle import SERVED
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, api_page, go, sentences
from apis.roles import Capability
from apis.saying import said
from apis.seeing import seen_in
from apis.services import versions
from apis.validators import unversioned_path
from apis.words import phrase


def default_facts(actor: Actor, api: Api) -> dict[str, Any]:
    """What the card about the default version says."""
    return {
        "default": api.version_set.default_api,
        "path": unversioned_path(api.context),
        "answers": api.state in SERVED and api.deployments.exists(),
        "may_move": actor.can(Capability.PUBLISH_APIS) or actor.can(Capability.DESIGN_APIS),
        "urls": [url.removesuffix(api.path) + unversioned_path(api.context) for url in selectors.gateway_urls(api)],
    }


@api_page
def default_version(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Turn it on or off, and back to Basic info."""
    if request.method == "POST":
        wanted = request.POST.get("default") == "yes"
        try:
            versions.default_version_set(actor=actor, api=api, is_default=wanted, seen=seen_in(request))
        except Forbidden:
            raise
        except ServiceError as refusal:
            messages.error(request, " ".join(sentences(refusal)))
        else:
            done = phrase("{api} is now the default version.", api=api)
            if not wanted:
                done = phrase("{api} is no longer the default version.", api=api)
            messages.success(request, said(done))
    return go(request, "info", api.pk)
