"""What every page of the publisher portal shares: who may come in, the frame around a page, refusals, questions.

A view is `(request, actor, ...) -> response`. It reads through apis.selectors, writes through apis.services, and
lets the refusals of both rise: this module turns them into pages.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import wraps
from typing import Any, Final, TypeVar
from uuid import UUID

from django.contrib.auth.views import redirect_to_login
from django.core.exceptions import ObjectDoesNotExist
from django.core.paginator import Page, Paginator
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse
from django.http.response import HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods
from django_htmx.middleware import HtmxDetails

from apis.errors import Forbidden, Invalid, Missing, ServiceError, Stale
from apis.models import Api
from apis.permissions import PUBLISHER_PORTAL, Actor
from apis.roles import Capability
from apis.saying import said
from apis.seeing import edition, told
from apis.selectors_pages import api_of_page
from apis.words import phrase

ROWS_PER_PAGE: Final = 20
Row = TypeVar("Row", bound=Model)
View = Callable[..., HttpResponseBase]


class PortalRequest(HttpRequest):
    """A request as django-htmx hands it to a view.

    Attributes:
        edition: of the API, as it was when the API was read; what belongs to it is read later.
    """

    htmx: HtmxDetails
    edition: int


@dataclass(frozen=True, slots=True)
class MenuItem:
    """One line of the menu beside an API: `page` is the URL name and the template alike, `room` whose address it is."""

    page: str
    label: str
    icon: str
    room: str = "publisher"

    @property
    def address(self) -> str:
        """The name of its URL."""
        return f"{self.room}:{self.page}"


MENU: Final[tuple[tuple[str, tuple[MenuItem, ...]], ...]] = (
    ("", (MenuItem("overview", "Overview", "fa-house"),)),
    (
        "Portal configuration",
        (
            MenuItem("info", "Basic info", "fa-pen"),
            MenuItem("business", "Business info", "fa-briefcase"),
            MenuItem("plans", "Business plans", "fa-tags"),
            MenuItem("subscriptions", "Subscriptions", "fa-users", "gateway"),
            MenuItem("documents", "Documents", "fa-book"),
            MenuItem("comments", "Comments", "fa-comments"),
            MenuItem("sessions", "Live sessions", "fa-tower-broadcast", "gateway"),
            MenuItem("analytics", "Analytics", "fa-chart-column", "gateway"),
        ),
    ),
    (
        "API configuration",
        (
            MenuItem("topics", "Topics", "fa-diagram-project"),
            MenuItem("scopes", "Scopes", "fa-key"),
            MenuItem("endpoints", "Endpoints", "fa-plug"),
            MenuItem("definition", "Definition", "fa-file-code"),
            MenuItem("security", "Security", "fa-shield-halved"),
            MenuItem("runtime", "Runtime", "fa-gauge"),
            MenuItem("properties", "Properties", "fa-list"),
        ),
    ),
    (
        "Deploy",
        (
            MenuItem("deployments", "Deployments", "fa-cloud-arrow-up"),
            MenuItem("console", "Test console", "fa-terminal", "gateway"),
        ),
    ),
    ("Publish", (MenuItem("lifecycle", "Lifecycle", "fa-rotate"),)),
    ("", (MenuItem("history", "History", "fa-clock-rotate-left"),)),
)
LABELS: Final = {item.page: item.label for _, items in MENU for item in items}
ADDRESSES: Final = {item.page: item.address for _, items in MENU for item in items}


def page(view: View) -> View:
    """A page for people who may see APIs; the refusals of selectors and services become pages with their status."""

    @wraps(view)
    def checked(request: PortalRequest, *args: Any, **kwargs: Any) -> HttpResponseBase:
        if not request.user.is_authenticated:
            return _sign_in(request)
        actor = Actor.of(request.user, via=PUBLISHER_PORTAL)
        try:
            actor.require(Capability.SEE_APIS)
            return view(request, actor, *args, **kwargs)
        except (Missing, ObjectDoesNotExist) as gone:  # the latter: deleted by somebody else a moment ago
            raise Http404(str(gone)) from gone
        except Forbidden as refusal:
            return render(request, "publisher/forbidden.html", {"reason": said(refusal.detail)}, status=refusal.status)

    return never_cache(require_http_methods(["GET", "HEAD", "POST"])(checked))


def api_page(view: View) -> View:
    """A page about one API: the view is `(request, actor, api, ...)`. An API one may not see is not there (404)."""

    @wraps(view)
    def found(request: PortalRequest, actor: Actor, api_id: UUID, *args: Any, **kwargs: Any) -> HttpResponseBase:
        api, request.edition = api_of_page(actor, api_id)
        return view(request, actor, api, *args, **kwargs)

    return page(found)


def _sign_in(request: PortalRequest) -> HttpResponse:
    """To the sign-in page and back here; a script is told to go there with the whole page."""
    if not request.htmx:
        return redirect_to_login(request.get_full_path())
    here = request.htmx.current_url_abs_path or reverse("publisher:apis")
    return HttpResponse(status=401, headers={"HX-Redirect": redirect_to_login(here).headers["Location"]})


def sentences(refusal: ServiceError) -> list[str]:
    """A refusal in words of the page's language, for a page that has no fields to put them beside."""
    if isinstance(refusal, Invalid):
        return [said(text) for texts in refusal.fields.values() for text in texts]
    return [said(refusal.detail)]


def deletion(api: Api) -> Question:
    """What is asked before an API is deleted."""
    return Question(
        phrase("Delete {api}?", api=api),
        "Its revisions and deployments go with it, and clients that are connected are cut off. This cannot be undone.",
        "Delete",
    )


def _frame(api: Api, current: str, refusal: ServiceError | None = None) -> dict[str, Any]:
    """What `publisher/api_base.html` needs."""
    refused = sentences(refusal) if refusal and not isinstance(refusal, Stale) else []
    return {
        "api": api,
        "menu": MENU,
        "current": current,
        "label": LABELS[current],
        "address": ADDRESSES[current],
        "title": "",
        "deletion": deletion(api),
        "refused": refused,
    }


def _edition(request: HttpRequest, refusal: ServiceError | None = None) -> dict[str, Any]:
    """What `publisher/_seen.html` needs, and what was changed meanwhile where the refusal is about that."""
    return {"seen": edition(request, getattr(request, "edition", 0)), **told(refusal)}


def show(
    request: HttpRequest, api: Api, current: str, context: dict[str, Any],
    *, refusal: ServiceError | None = None, status: int = 200, template: str = "",
) -> HttpResponse:  # fmt: skip
    """Render `publisher/{current}.html` with the menu; a refusal gives the page its status and an alert.

    Args:
        template: another one, for a page below that line of the menu.
    """
    extra = {**_frame(api, current, refusal), **_edition(request, refusal)}
    status = refusal.status if refusal else status
    return render(request, template or f"publisher/{current}.html", extra | context, status=status)


def sheet(
    request: PortalRequest, api: Api, template: str, context: dict[str, Any], *, current: str, title: str,
    status: int = 200,
) -> HttpResponse:  # fmt: skip
    """Render a form that is a dialog to a script, and a page of its own without one (or by its address).

    Args:
        template: the form alone; `publisher/sheet.html` puts the page around it.
        current: which line of the menu it belongs to.
    """
    extra = {**_frame(api, current), **_edition(request), "title": title, "sheet": template, "is_dialog": False}
    if request.htmx:
        return render(request, template, extra | context | {"is_dialog": True}, status=status)
    return render(request, "publisher/sheet.html", extra | context, status=status)


def go(request: PortalRequest, name: str, *args: Any) -> HttpResponse:
    """After a write: on to a page, also from a dialog or a form that a script sent."""
    address = reverse(f"publisher:{name}", args=args)
    return HttpResponse(status=204, headers={"HX-Redirect": address}) if request.htmx else redirect(address)


@dataclass(frozen=True, slots=True)
class Question:
    """What a page asks before something that hurts, or is worth a second look.

    Attributes:
        button: the verb on the button that does it.
        points: sentences that stand below the text as a list.
        more: the address of a page that says more, or "".
    """

    title: str
    text: str
    button: str
    points: tuple[str, ...] = ()
    hurts: bool = True
    more: str = ""


def is_confirmed(request: HttpRequest) -> bool:
    """Whether the person said yes: a script asked in a dialog, or `ask` did in a page."""
    return request.POST.get("confirmed") == "yes"


def ask(
    request: HttpRequest, api: Api, question: Question, *, current: str, refusal: ServiceError | None = None
) -> HttpResponse:
    """The question as a page that sends the same form again, for browsers without script.

    Args:
        refusal: why it was not done after a yes; shown, with its status.
    """
    values = [
        (name, value)
        for name, values in request.POST.lists()
        for value in values
        if name not in {"csrfmiddlewaretoken", "confirmed"}
    ]
    context = {**_frame(api, current, refusal), "question": question, "title": question.button, "values": values}
    return render(request, "publisher/confirm.html", context, status=refusal.status if refusal else 200)


def paged(request: HttpRequest, rows: QuerySet[Row]) -> Page[Row]:
    """The page of `rows` that `?page=` asks for; whatever it says, some page is shown."""
    return Paginator(rows, ROWS_PER_PAGE).get_page(request.GET.get("page"))
