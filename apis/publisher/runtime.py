"""The Runtime page: what an API asks of every session."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse

from apis.errors import Forbidden, ServiceError, Stale
from apis.models import Api
from apis.permissions import Actor
from apis.publisher.api_plan import choice_of
from apis.publisher.forms import RuntimeForm
from apis.publisher.pages import PortalRequest, api_page, go, show
from apis.saying import said
from apis.seeing import in_section, seen_in
from apis.services import configuring


@api_page
def runtime(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Messages, time and sessions; in words for those who may not change them."""
    form = RuntimeForm(request.POST if request.method == "POST" else None, initial=api.runtime)
    status, stale = 200, None
    if form.is_valid():
        try:
            configuring.runtime_configure(actor=actor, api=api, limits=form.limits(), seen=seen_in(request))
        except Forbidden:
            raise
        except Stale as refusal:
            stale, form = refusal, RuntimeForm(initial=in_section(refusal, "runtime"))
        except ServiceError as refusal:
            status = form.take(refusal)
        else:
            messages.success(request, said("The runtime limits are saved."))
            return go(request, "runtime", api.pk)
    context = {"form": form, "is_deployed": api.deployments.exists(), **choice_of(actor, api)}
    return show(request, api, "runtime", context, refusal=stale, status=status)
