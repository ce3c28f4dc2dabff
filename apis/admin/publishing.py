"""What the buttons on an API's page do: lifecycle, revisions, deployments, new versions, endpoints, runtime limits."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any
from uuid import UUID

from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import URLPattern, path

from apis import selectors, shapes
from apis.admin.base import ServiceAdmin
from apis.admin.endpoints import EndpointForm
from apis.admin.fields import Choices, Text, YesNo
from apis.admin.pages import Page, PageForm, answer
from apis.admin.runtime import RuntimeForm
from apis.lifecycle import ACTION_LABELS, CHECK_ITEM_LABELS, LABELS, Action, CheckItem, State, Transition, arrow
from apis.models import Api, Environment, Revision
from apis.permissions import Actor
from apis.roles import Capability
from apis.seeing import seen_in
from apis.selectors_approvals import step_in_words
from apis.services import configuring, designs, editions, publishing
from apis.shapes_endpoint import shown

# What a move means for people who use the API, said before it is made.
_MEANING = {
    State.CREATED: "It leaves the developer portal, and nobody's subscription opens it at the gateway any more.",
    State.PRERELEASED: "Developers see it as a pre-release and can try it.",
    State.PUBLISHED: "Developers find it, subscribe and connect.",
    State.BLOCKED: "Everybody who is connected is cut off at once, and nobody can connect until it is re-published.",
    State.DEPRECATED: "Subscribers keep their access; there are no new subscriptions. This cannot be taken back.",
    State.RETIRED: "It is undeployed and everybody who is connected is cut off. This cannot be taken back.",
}


class ChecklistForm(PageForm):
    """The check items of `publish`."""

    deprecate_old_versions = YesNo(label=CHECK_ITEM_LABELS[CheckItem.DEPRECATE_OLD_VERSIONS])
    require_resubscription = YesNo(
        label=CHECK_ITEM_LABELS[CheckItem.REQUIRE_RESUBSCRIPTION],
        help_text="Otherwise the subscribers of the version before this one are subscribed to it too.",
    )


class VersionForm(PageForm):
    mandatory = ("version",)
    version = Text(help_text="e.g. 2.0.0")


class RevisionForm(PageForm):
    description = Text(help_text="What is new in it, for you and your colleagues.")


class EnvironmentsForm(PageForm):
    """Gateway environments by their names."""

    mandatory = ("environments",)
    environments = Choices()

    def __init__(self, *args: Any, names: list[str], **kwargs: Any) -> None:
        chosen = names if len(names) == 1 else [name for name in names if name == publishing.DEFAULT_ENVIRONMENT]
        super().__init__(*args, initial={"environments": chosen}, **kwargs)
        self.fields["environments"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


class PublishingPages(ServiceAdmin):
    """Pages below `/admin/apis/api/<id>/`."""

    def get_urls(self) -> list[URLPattern]:
        pages = (
            ("transition/<str:action>", "transition", self.transition_page),
            ("versions/create", "version_create", self.version_page),
            ("revisions/create", "revision_create", self.revision_create_page),
            ("revisions/<int:number>/<str:verb>", "revision", self.revision_page),
            ("endpoints/<str:key_type>", "endpoint", self.endpoint_page),
            ("runtime", "runtime", self.runtime_page),
        )
        urls = [
            path(f"<uuid:object_id>/{route}/", self.admin_site.admin_view(view), name=f"apis_api_{name}")
            for route, name, view in pages
        ]
        return urls + super().get_urls()

    def remember(self, request: HttpRequest, object_id: Any) -> None:
        """Ask for the edition of the API before anything of it is read."""
        try:
            request.edition = editions.newest(UUID(str(object_id)))  # type: ignore[attr-defined]
        except ValueError:  # an address of no API
            return

    def find(self, request: HttpRequest, object_id: Any) -> Any:
        self.remember(request, object_id)
        return super().find(request, object_id)

    def _api(self, request: HttpRequest, object_id: UUID, *needed: Capability) -> tuple[Api, Actor]:
        """Raises: Http404, and PermissionDenied unless one of the capabilities is held."""
        api: Api = self.find(request, object_id)
        if not self._any(request, needed):
            raise PermissionDenied
        return api, self.actor(request)

    def transition_page(self, request: HttpRequest, object_id: UUID, action: str) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.PUBLISH_APIS)
        if action not in set(Action):
            raise Http404
        step = arrow(State(api.state), Action(action))
        label = ACTION_LABELS[Action(action)]

        def run(cleaned: dict[str, Any]) -> str:
            checklist = {item: True for item, wanted in cleaned.items() if wanted}
            moved = publishing.api_transition(
                actor=actor, api=api, action=action, checklist=checklist, seen=seen_in(request)
            )
            return step_in_words(moved) or f"{moved} is now {LABELS[State(moved.state)]}."

        page = Page(
            title=f"{label} {api}",
            button=label,
            run=run,
            text=_MEANING[step.target] if step else f"{api} is {LABELS[State(api.state)]}; this is not possible now.",
            danger=step is not None and step.hurts,
        )
        return answer(self, request, api, page, _form_of(step))

    def version_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.DESIGN_APIS)

        def run(cleaned: dict[str, Any]) -> HttpResponse:
            copy = designs.api_version_create(actor=actor, api=api, version=cleaned["version"])
            self.message_user(request, f"{copy} was created as a copy of {api}.")
            return HttpResponseRedirect(self.url("change", copy.pk))

        text = "Topics, endpoints, runtime limits and business plans are copied; the new version starts as Created."
        page = Page(title=f"New version of {api.name}", button="Create version", run=run, text=text)
        return answer(self, request, api, page, VersionForm)

    def revision_create_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.DEPLOY_APIS)

        def run(cleaned: dict[str, Any]) -> str:
            made = publishing.revision_create(actor=actor, api=api, description=cleaned["description"])
            return f"{made} was made of the present design. Deploy it to put it on the gateway."

        most = f"An API keeps at most {publishing.REVISIONS_LIMIT}."
        text = f"Topics, endpoints and runtime limits are frozen as they are now. {most}"
        page = Page(title=f"New revision of {api}", button="Create revision", run=run, text=text)
        return answer(self, request, api, page, RevisionForm)

    def revision_page(self, request: HttpRequest, object_id: UUID, number: int, verb: str) -> HttpResponse:
        needed = Capability.DESIGN_APIS if verb == "restore" else Capability.DEPLOY_APIS
        api, actor = self._api(request, object_id, needed)
        revision = selectors.revisions_of(api).filter(number=number).first()
        if revision is None or verb not in {"deploy", "undeploy", "restore", "delete"}:
            raise Http404
        if verb == "deploy":
            names = list(Environment.objects.order_by("name").values_list("name", flat=True))
            page = _deploying(actor, revision, seen_in(request))
            return answer(self, request, api, page, EnvironmentsForm, names=names)
        return answer(self, request, api, _confirming(actor, revision, verb, seen_in(request)), PageForm)

    def endpoint_page(self, request: HttpRequest, object_id: UUID, key_type: str) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.DESIGN_APIS)
        if key_type not in shapes.KEY_TYPES:
            raise Http404
        row = api.endpoints.filter(key_type=key_type).first()
        present = shown(row.config) if row else {}

        def run(cleaned: dict[str, Any]) -> str:
            config = {**present, **EndpointForm.config_of(cleaned)}
            seen = seen_in(request)
            configuring.endpoint_configure(actor=actor, api=api, key_type=key_type, config=config, seen=seen)
            return f"The {key_type} endpoint of {api} was saved; new connections use it."

        page = Page(
            title=f"{key_type.capitalize()} endpoint of {api}",
            button="Save endpoint",
            run=run,
            text=f"Where clients with {key_type} keys are connected to. Where the API is deployed, it holds at once. "
            "Security, headers, TLS, proxy and dynamic targets stay as they are.",
            again=lambda merged: EndpointForm.initial_of(merged["endpoints"].get(key_type, {})),
            link=("All of it, and a test, in the publisher portal", f"/publisher/apis/{api.pk}/endpoints/{key_type}/"),
        )
        return answer(self, request, api, page, EndpointForm, initial=EndpointForm.initial_of(present))

    def runtime_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.DESIGN_APIS)

        def run(cleaned: dict[str, Any]) -> str:
            configuring.runtime_configure(actor=actor, api=api, limits=cleaned, seen=seen_in(request))
            return f"The runtime limits of {api} were saved."

        page = Page(
            title=f"Runtime limits of {api}",
            button="Save limits",
            run=run,
            text="The limits of the business plan and of the gateway hold besides. Where the API is deployed, a change "
            "holds at once, also for live sessions.",
            again=lambda merged: merged["runtime"],
        )
        return answer(self, request, api, page, RuntimeForm, initial=api.runtime)


def _form_of(step: Transition | None) -> type[PageForm]:
    return ChecklistForm if step is not None and step.checklist else PageForm


def _deploying(actor: Actor, revision: Revision, seen: int | None) -> Page:
    def run(cleaned: dict[str, Any]) -> str:
        where = cleaned["environments"]
        rows = publishing.revision_deploy(actor=actor, revision=revision, environments=where, seen=seen)
        return f"{revision} is deployed on {', '.join(row.environment.name for row in rows)}."

    text = "It takes the place of the revision that is deployed there."
    return Page(title=f"Deploy revision {revision.number} of {revision.api}", button="Deploy", run=run, text=text)


def _confirming(actor: Actor, revision: Revision, verb: str, seen: int | None) -> Page:
    """The page of undeploy, restore or delete."""
    where = ", ".join(row.environment.name for row in revision.deployments.all()) or "nowhere"
    words: dict[str, tuple[Callable[..., object], str, str]] = {
        "undeploy": (
            publishing.revision_undeploy,
            f"It is deployed on {where}. Everybody who is connected is cut off.",
            f"{revision} was undeployed.",
        ),
        "restore": (
            publishing.revision_restore,
            "Topics, endpoints and runtime limits of the working copy are replaced by those of this revision.",
            f"The working copy is that of {revision} again.",
        ),
        "delete": (publishing.revision_delete, "It cannot be brought back.", f"{revision} was deleted."),
    }
    service, text, done = words[verb]

    def run(cleaned: dict[str, Any]) -> str:
        service(actor=actor, revision=revision, **({} if verb == "delete" else {"seen": seen}))
        return done

    title = f"{verb.capitalize()} revision {revision.number} of {revision.api}"
    return Page(title=title, button=verb.capitalize(), run=run, text=text, danger=True)
