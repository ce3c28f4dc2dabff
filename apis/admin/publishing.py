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
from apis.admin.deploying import PlacesForm, RevisionForm, deploying, freezing, usual
from apis.admin.endpoints import EndpointForm
from apis.admin.fields import Text, YesNo
from apis.admin.pages import Page, PageForm, answer
from apis.admin.runtime import RuntimeForm
from apis.lifecycle import ACTION_LABELS, CHECK_ITEM_LABELS, LABELS, Action, CheckItem, State, Transition, arrow
from apis.models import Api, Revision
from apis.permissions import Actor
from apis.roles import Capability
from apis.saying import said
from apis.seeing import seen_in
from apis.selectors_approvals import step_in_words
from apis.services import configuring, designs, editions, publishing
from apis.shapes_endpoint import shown
from apis.words import phrase

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
        state = LABELS[State(api.state)]

        def run(cleaned: dict[str, Any]) -> str:
            checklist = {item: True for item, wanted in cleaned.items() if wanted}
            moved = publishing.api_transition(
                actor=actor, api=api, action=action, checklist=checklist, seen=seen_in(request)
            )
            return step_in_words(moved) or phrase(
                "{moved} is now {labels}.", moved=moved, labels=LABELS[State(moved.state)]
            )

        page = Page(
            title=phrase("{action_labels}: {api}", action_labels=label, api=api),
            button=label,
            run=run,
            text=_MEANING[step.target]
            if step
            else phrase("{api} is {labels}; this is not possible now.", api=api, labels=state),
            danger=step is not None and step.hurts,
        )
        return answer(self, request, api, page, _form_of(step))

    def version_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.DESIGN_APIS)

        def run(cleaned: dict[str, Any]) -> HttpResponse:
            copy = designs.api_version_create(actor=actor, api=api, version=cleaned["version"])
            made = phrase("{copy} was created as a copy of {api}.", copy=copy, api=api)
            self.message_user(request, said(made))
            return HttpResponseRedirect(self.url("change", copy.pk))

        text = "Topics, endpoints, runtime limits and business plans are copied; the new version starts as Created."
        page = Page(title=phrase("New version of {name}", name=api.name), button="Create version", run=run, text=text)
        return answer(self, request, api, page, VersionForm)

    def revision_create_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.DEPLOY_APIS)
        return answer(self, request, api, freezing(actor, request, api), RevisionForm, actor=actor)

    def revision_page(self, request: HttpRequest, object_id: UUID, number: int, verb: str) -> HttpResponse:
        needed = Capability.DESIGN_APIS if verb == "restore" else Capability.DEPLOY_APIS
        api, actor = self._api(request, object_id, needed)
        revision = selectors.revisions_of(api).filter(number=number).first()
        if revision is None or verb not in {"deploy", "undeploy", "restore", "delete"}:
            raise Http404
        if verb == "deploy":
            page, ticked = deploying(actor, request, revision), {"environments": usual(actor)}
            return answer(self, request, api, page, PlacesForm, actor=actor, initial=ticked)
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
            return phrase(
                "The {key_type} endpoint of {api} was saved; new connections use it.", key_type=key_type, api=api
            )

        page = Page(
            title=phrase("Endpoint for {key_type} keys of {api}", key_type=key_type, api=api),
            button="Save endpoint",
            run=run,
            text=phrase(
                "Where clients with {key_type} keys are connected to. Where the API is deployed, it holds at once. "
                "Security, headers, TLS, proxy and dynamic targets stay as they are.",
                key_type=key_type,
            ),
            again=lambda merged: EndpointForm.initial_of(merged["endpoints"].get(key_type, {})),
            link=("All of it, and a test, in the publisher portal", f"/publisher/apis/{api.pk}/endpoints/{key_type}/"),
        )
        return answer(self, request, api, page, EndpointForm, initial=EndpointForm.initial_of(present))

    def runtime_page(self, request: HttpRequest, object_id: UUID) -> HttpResponse:
        api, actor = self._api(request, object_id, Capability.DESIGN_APIS)

        def run(cleaned: dict[str, Any]) -> str:
            configuring.runtime_configure(actor=actor, api=api, limits=cleaned, seen=seen_in(request))
            return phrase("The runtime limits of {api} were saved.", api=api)

        page = Page(
            title=phrase("Runtime limits of {api}", api=api),
            button="Save limits",
            run=run,
            text="The limits of the business plan and of the gateway hold besides. Where the API is deployed, a change "
            "holds at once, also for live sessions.",
            again=lambda merged: merged["runtime"],
        )
        return answer(self, request, api, page, RuntimeForm, initial=api.runtime)


def _form_of(step: Transition | None) -> type[PageForm]:
    return ChecklistForm if step is not None and step.checklist else PageForm


def _confirming(actor: Actor, revision: Revision, verb: str, seen: int | None) -> Page:
    """The page of undeploy, restore or delete."""
    where = ", ".join(row.environment.name for row in revision.deployments.all()) or phrase("nowhere")
    about = {"number": revision.number, "api": revision.api}
    words: dict[str, tuple[Callable[..., object], str, str, str, str]] = {
        "undeploy": (
            publishing.revision_undeploy,
            "Undeploy",
            phrase("Undeploy revision {number} of {api}", **about),
            phrase("It is deployed on {where}. Everybody who is connected is cut off.", where=where),
            phrase("{revision} was undeployed.", revision=revision),
        ),
        "restore": (
            publishing.revision_restore,
            "Restore",
            phrase("Restore revision {number} of {api}", **about),
            "Topics, endpoints and runtime limits of the working copy are replaced by those of this revision.",
            phrase("The working copy is that of {revision} again.", revision=revision),
        ),
        "delete": (
            publishing.revision_delete,
            "Delete",
            phrase("Delete revision {number} of {api}", **about),
            "It cannot be brought back.",
            phrase("{revision} was deleted.", revision=revision),
        ),
    }
    service, button, title, text, done = words[verb]

    def run(cleaned: dict[str, Any]) -> str:
        service(actor=actor, revision=revision, **({} if verb == "delete" else {"seen": seen}))
        return done

    return Page(title=title, button=button, run=run, text=text, danger=True)
