"""The shop window: which APIs are on offer, and the page of one of them. Anybody may look."""

from __future__ import annotations

from collections import Counter
from typing import Any, Final
from uuid import UUID

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from apis import scoping, selectors
from apis.connecting import sample_urls
from apis.devportal import commands
from apis.devportal.access import Access, access_to
from apis.devportal.base import actor_of, found_or_404, page_of
from apis.devportal.forms import ChangePlanForm, SubscribeForm
from apis.devportal.talks import section
from apis.models import Api, ApiCategory, Application
from apis.searching import apis_matching
from apis.selectors_pages import category_names, offer_of_page, other_versions
from apis.selectors_plans import plans_open_to
from apis.selectors_social import with_stars
from apis.services.row_editions import newest_among
from apis.validators import unversioned_path

SEARCH_LIMIT: Final = 100  # characters
TAGS_SHOWN: Final = 30
SUBSCRIPTIONS_SHOWN: Final = 20


@require_safe
def api_list(request: HttpRequest) -> HttpResponse:
    """Cards of the APIs on offer, narrowed by `q` (see apis.searching), by `tag` and by `category`."""
    asked = {name: request.GET.get(name, "").replace("\x00", "")[:SEARCH_LIMIT] for name in ("q", "tag", "category")}
    offers = selectors.apis_on_offer(actor_of(request))
    tags = [tag for names in offers.order_by().values_list("tags", flat=True) for tag in names]
    query = asked["q"].strip()
    rows = apis_matching(offers, search=query, tag=asked["tag"], category=asked["category"])
    context = {
        "page": page_of(with_stars(rows), request),
        "query": query,
        "tag": asked["tag"],
        "tags": _most_used(tags, asked["tag"]),
        "category": asked["category"],
        "categories": _categories(offers),
        "any_on_offer": offers.exists(),
    }
    return render(request, "devportal/apis.html", context)


def _categories(offers: QuerySet[Api]) -> list[ApiCategory]:
    """Those that APIs on offer are under."""
    return list(ApiCategory.objects.filter(apis__in=offers.order_by().values("pk")).distinct().order_by("name"))


def _most_used(tags: list[str], chosen: str) -> list[str]:
    count = Counter(tags)
    shown = [tag for tag, _ in count.most_common(TAGS_SHOWN)]
    if chosen in count and chosen not in shown:
        shown.append(chosen)
    return sorted(shown, key=str.lower)


@require_safe
@never_cache
@found_or_404
def api_detail(request: HttpRequest, api_id: UUID) -> HttpResponse:
    """One API: what it is, where it is, what it costs, and the way to a connection."""
    return api_page(request, offer_of_page(actor_of(request), api_id))


def api_page(
    request: HttpRequest,
    api: Api,
    *,
    form: SubscribeForm | None = None,
    application: Application | None = None,
    token: dict[str, Any] | None = None,
    status: int = 200,
) -> HttpResponse:
    """Draw an API's page.

    Args:
        form: the subscription form as it was sent, where it was refused.
        application: whose checklist and commands are shown, rather than what the address says.
        token: {"text","seconds","key_type"} of a token made in this very request; it is nowhere else.
    """
    wanted = str(application.pk) if application else request.GET.get("application", "")
    access = access_to(api, actor_of(request), wanted)
    if form is None and access.actor and not access.obstacle:
        form = SubscribeForm(api=api, actor=access.actor, applications=access.unsubscribed)
    needed = list(scoping.scopes_needed(api))
    wanted_scopes = [scope.name for scope in needed]
    offered = scoping.scopes_grantable(access.chosen, None, wanted_scopes) if access.chosen and needed else []
    scopes = [scope for scope in needed if scope in offered]
    plans = plans_open_to(access.actor, api)
    others = other_versions(access.actor, api)
    urls, topics = selectors.gateway_urls_deployed(api), selectors.topics_served(api)
    names = [scope.name for scope in scopes]
    context = {
        "api": api,
        **section(access.actor, api),
        "access": access,
        "form": form,
        "properties": [row for row in api.properties if row["show_in_devportal"]],
        "needed": needed,
        "scopes": scopes,
        "default_urls": default_urls(api, urls),
        "categories": category_names(api),
        "other_versions": others,
        "has_version_before": any(row.created_at < api.created_at for row in others),
        "plans": plans,
        "topics": topics,
        "gateway_urls": urls,
        "subscription_forms": [
            (row, ChangePlanForm(subscription=row), len(plans) > 1)
            for row in access.subscriptions[:SUBSCRIPTIONS_SHOWN]
        ],
        "seen": newest_among(access.subscriptions) if access.subscriptions else "",
        "more_subscriptions": max(0, len(access.subscriptions) - SUBSCRIPTIONS_SHOWN),
        "token": token,
        **_commands(request, sample_urls(urls, topics), access, token["text"] if token else "", names),
    }
    response = render(request, "devportal/api.html", context, status=status)
    # The browser lines are tried in the console of this very page, so it may talk to the gateway (and only there).
    origins = sorted({"/".join(url.split("/")[:3]) for url in urls})
    response._csp_update = {"connect-src": ["'self'", *origins]}  # type: ignore[attr-defined]
    return response


def default_urls(api: Api, urls: list[str]) -> list[str]:
    """Where the API answers without a version in the path; none where another version does, or nobody.

    Args:
        urls: where it answers with its version.
    """
    if api.version_set.default_api_id != api.pk:
        return []
    return [url.removesuffix(api.path) + unversioned_path(api.context) for url in urls]


def _commands(
    request: HttpRequest, addresses: list[str], access: Access, token: str, scopes: list[str]
) -> dict[str, Any]:
    base = commands.portal_url(request)
    pair = access.pair
    key = pair.client.client_id if pair else ""
    by_credentials = pair is None or "client_credentials" in pair.grant_types
    if access.keys_only:
        connect = commands.key_commands(addresses, "API_KEY")
        return {"pair": pair, "get_token": None, "connect": connect, "is_up": settings.MODE != "serve"}
    return {
        "pair": pair,
        "get_token": commands.token_command(base, key=key, scopes=scopes) if by_credentials else None,
        "connect": commands.connect_commands(addresses, token),
        "is_up": settings.MODE != "serve",
    }
