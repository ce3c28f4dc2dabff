"""The Topics page: where clients connect below the API, what they may do there, and what their tokens need for it."""

from __future__ import annotations

from typing import Any, Final

from django.contrib import messages
from django.http import HttpResponse, QueryDict

from apis import scoping, selectors, selectors_plans
from apis.errors import Forbidden, Invalid, Missing, ServiceError, Stale
from apis.models import Api, ApiPlan, Scope, Topic
from apis.permissions import Actor
from apis.publisher.pages import PortalRequest, Question, api_page, ask, go, is_confirmed, sentences, sheet, show
from apis.roles import Capability
from apis.saying import said
from apis.seeing import in_section, seen_in, told
from apis.services import topics as service
from apis.shapes_topics import SCOPE_FIELDS, TOPIC_DEFAULTS, TOPIC_FIELDS
from apis.words import phrase

SECURITY_LABELS: Final = {
    "oauth": "A credential that the API accepts",
    "none": "Nothing: anybody may connect, limited by address",
}
WHAT_FOR: Final = {"scopes": "to connect", "subscribe_scopes": "to receive", "publish_scopes": "to send"}


class TopicForm:
    """One topic as it is shown and sent. Scopes are boxes: a row for each scope, a column for each of SCOPE_FIELDS.

    Attributes:
        topic: in the shape of `apis.shapes_topics`.
        api_plans: those that it may name.
        problems: a sentence for each of its fields; `general` those that belong to none.
    """

    def __init__(self, topic: dict[str, Any], scopes: list[Scope], api_plans: list[ApiPlan]) -> None:
        self.topic = topic
        self.api_plans = api_plans
        self.problems: dict[str, str] = {}
        self.general: list[str] = []
        self.scope_rows = [
            (scope, [(field, WHAT_FOR[field], scope.name in topic[field]) for field in SCOPE_FIELDS])
            for scope in scopes
        ]

    def take(self, refusal: ServiceError) -> int:
        """Put a refusal beside its fields, or above the form. Returns: the HTTP status that fits."""
        fields = refusal.fields if isinstance(refusal, Invalid) else {}
        self.problems = {name: " ".join(texts) for name, texts in fields.items() if name in TOPIC_FIELDS}
        self.general = [] if self.problems else sentences(refusal)
        return refusal.status

    @property
    def scopes_problem(self) -> str:
        """What is wrong with the boxes, in one line."""
        return " ".join(self.problems[field] for field in SCOPE_FIELDS if field in self.problems)


def sent(data: QueryDict) -> dict[str, Any]:
    """The topic that a form holds."""
    return {
        **{name: data.get(name, "") for name in ("name", "url_mapping")},
        **{name: name in data for name in ("subscribe", "publish")},
        **{name: data.getlist(name) for name in SCOPE_FIELDS},
        "security": data.get("security", TOPIC_DEFAULTS["security"]),
        **({"api_plan": data["api_plan"]} if "api_plan" in data else {}),
    }


@api_page
def topics(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """The topics of the design, and whether what is deployed has others."""
    refusal = None
    if request.method == "POST":
        name = request.POST.get("remove", "")
        actor.require(Capability.DESIGN_APIS)
        if not is_confirmed(request):
            return ask(request, api, removal(name), current="topics")
        try:
            service.topic_remove(actor=actor, api=api, name=name, seen=seen_in(request))
        except Forbidden:
            raise
        except ServiceError as error:
            refusal = error
        else:
            messages.success(request, said(phrase("{name} is removed.", name=name)))
            return go(request, "topics", api.pk)
    rows = list(Topic.objects.filter(api=api))
    context = {
        "rows": [(topic, asks_for(topic), removal(topic.name)) for topic in rows],
        "is_last": len(rows) == 1,
        "is_deployed": bool(selectors.deployments_of(api)),
        "differs": differs(api, rows),
    }
    return show(request, api, "topics", context, refusal=refusal)


def differs(api: Api, rows: list[Topic]) -> bool:
    """Whether clients meet other topics than these now."""
    served = {topic["name"]: topic for topic in selectors.topics_served(api)}
    return served != {topic.name: topic.design for topic in rows}


def asks_for(topic: Topic) -> list[tuple[str, list[str]]]:
    """Which scopes the topic asks for, and what for, in words."""
    return [(WHAT_FOR[field], getattr(topic, field)) for field in SCOPE_FIELDS if getattr(topic, field)]


def removal(name: str) -> Question:
    text = "Clients can no longer connect there once a revision without it is deployed."
    return Question(phrase("Remove the topic {name}?", name=name), text, "Remove")


@api_page
def topic(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Add a topic, or edit the one named in the query: a dialog to a script, a page without."""
    actor.require(Capability.DESIGN_APIS)
    was = request.GET.get("name")
    scopes, plans = list(scoping.scopes_usable(api)), list(selectors_plans.api_plans(actor))
    if request.method != "POST":
        return _sheet(request, api, was, TopicForm(_designed(api, was), scopes, plans))
    seen = seen_in(request)
    stored = _designed(api, was, must_exist=seen is None)
    form = TopicForm({**stored, **sent(request.POST)}, scopes, plans)  # what the form has no field for stays
    try:
        service.topic_save(actor=actor, api=api, topic=form.topic, was=was, seen=seen)
    except (Forbidden, Missing):
        raise
    except Stale as stale:
        mine = {**form.topic, **in_section(stale, "topics").get(form.topic["name"], {})}
        was = was if Topic.objects.filter(api=api, name=was).exists() else None  # removed: it can be made anew
        return _sheet(request, api, was, TopicForm(mine, scopes, plans), stale=stale)
    except ServiceError as refusal:
        return _sheet(request, api, was, form, status=form.take(refusal))
    messages.success(request, said(phrase("The topic {name} is saved.", name=form.topic["name"])))
    return go(request, "topics", api.pk)


def _designed(api: Api, name: str | None, *, must_exist: bool = True) -> dict[str, Any]:
    """The topic as it is designed now, or an empty one. Raises: Missing where it must exist."""
    found = next((row for row in Topic.objects.filter(api=api) if row.name == name), None)
    if found is None and name is not None and must_exist:
        raise Missing(phrase("There is no topic {name} any more.", name=name))
    return found.design if found else {"name": "", **TOPIC_DEFAULTS}


def _sheet(
    request: PortalRequest, api: Api, was: str | None, form: TopicForm, *, status: int = 200, stale: Stale | None = None
) -> HttpResponse:
    endpoint = api.endpoints.filter(key_type="production").first()
    context = {
        "form": form,
        "was": was,
        "endpoint": endpoint.urls[0].partition("?")[0].rstrip("/") if endpoint else "",
        "securities": SECURITY_LABELS,
        **told(stale),
    }
    status = stale.status if stale else status
    title = phrase("Topic {was}", was=was) if was else "New topic"
    return sheet(request, api, "publisher/_topic_form.html", context, current="topics", title=title, status=status)
