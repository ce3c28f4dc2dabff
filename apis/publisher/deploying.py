"""Revisions and where they are deployed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.db import transaction
from django.http import HttpRequest, HttpResponse

from apis import selectors
from apis.checking import asking
from apis.errors import Forbidden, Invalid, ServiceError
from apis.frozen import different_parts
from apis.lifecycle import SERVED, State
from apis.models import Api, Approval, Deployment, Environment, Revision
from apis.permissions import Actor
from apis.publisher import comparing
from apis.publisher.asking import connected
from apis.publisher.forms import RevisionForm, number
from apis.publisher.pages import PortalRequest, Question, api_page, ask, go, is_confirmed, show
from apis.saying import said
from apis.seeing import seen_in
from apis.selectors_approvals import deployment_waiting, places_in_words, rejection_of
from apis.services import approving, publishing
from apis.services.placing import Wanted, may_deploy_on, places_ticked
from apis.words import phrase


@api_page
def deployments(request: PortalRequest, actor: Actor, api: Api) -> HttpResponse:
    """Up to five revisions: make, deploy, undeploy, restore, delete (`do` names which)."""
    form, refusal, status = RevisionForm(), None, 200
    if request.method == "POST":
        do = request.POST.get("do", "")
        try:
            if do == "withdraw":
                messages.success(request, said(_withdraw(actor, api)))
                return go(request, "deployments", api.pk)
            if do == "create":
                form = RevisionForm(request.POST)
                if form.is_valid():
                    question = comparing.deploying(request, api, None, form.cleaned_data["environments"])
                    if question and not is_confirmed(request):
                        return ask(request, api, question, current="deployments")
                    places = places_ticked(form.cleaned_data["environments"], request.POST)
                    messages.success(request, said(_create(actor, api, form.cleaned_data["description"], places)))
                    return go(request, "deployments", api.pk)
                status = 400
            else:
                revision = _named(api, request.POST.get("number", ""))
                if not is_confirmed(request) and (question := _question(request, do, api, revision)):
                    return ask(request, api, question, current="deployments")
                messages.success(request, said(_act(request, actor, do, revision)))
                return go(request, "deployments", api.pk)
        except Forbidden:
            raise
        except ServiceError as error:
            refusal = error
    context = {"form": form, "limit": publishing.REVISIONS_LIMIT, **_facts(actor, api)}
    return show(request, api, "deployments", context, refusal=refusal, status=status)


def _facts(actor: Actor, api: Api) -> dict[str, Any]:
    """Where what is deployed, since when and by whom; each revision with what is different about it."""
    deployments = list(api.deployments.select_related("revision", "environment", "deployed_by"))
    places = {row.environment_id: row for row in deployments}
    environments = list(selectors.environments())
    urls = {row.pk: _urls(api, row, places.get(row.pk)) for row in environments}
    open_ones = [row for row in environments if may_deploy_on(actor, row)]
    revisions = [(row, different_parts(api, row.design)) for row in api.revisions.select_related("created_by")]
    clients = asking.clients_of(api)
    waiting = deployment_waiting(api)
    done = (one.deployed_at for one in deployments)
    rejected = None if waiting else rejection_of(api, Approval.Kind.DEPLOYMENT, done)
    return {
        "places": [(row, places.get(row.pk), urls[row.pk], row in open_ones) for row in environments],
        "clients": clients,
        "revisions": [
            (
                row,
                [one for one in deployments if one.revision_id == row.pk],
                parts,
                deleting(row),
            )
            for row, parts in revisions
        ],
        "environments": open_ones,
        "waiting": waiting,
        "waiting_places": places_in_words(waiting) if waiting else "",
        "rejected": rejected,
        "rejected_places": places_in_words(rejected) if rejected else "",
        "may_withdraw": waiting is not None and waiting.asked_by_id == actor.person.pk,
        "is_retired": api.state == State.RETIRED,
        "undeploy": undeploying(api, deployments, clients),
    }


def _urls(api: Api, row: Environment, deployment: Deployment | None) -> list[str]:
    bases = selectors.environment_urls(row, deployment.vhost if deployment is not None else "")
    return [f"{base}{api.path}" for base in bases]


def undeploying(api: Api, deployments: list[Deployment], clients: int | None) -> Question:
    """What is asked before an environment stops serving the API."""
    points = ["The gateway stops serving this API there at once, and clients that are connected are cut off."]
    if len(deployments) == 1 and api.state in SERVED:
        points.append("It is deployed nowhere else: nobody will be able to connect.")
    return Question("Undeploy?", connected(clients), "Undeploy", tuple(points))


def deleting(revision: Revision) -> Question:
    """What is asked before a revision is deleted."""
    return Question(phrase("Delete revision {number}?", number=revision.number), "It cannot be brought back.", "Delete")


def _question(request: PortalRequest, do: str, api: Api, revision: Revision) -> Question | None:
    if do == "deploy":
        return comparing.deploying(request, api, revision, request.POST.getlist("environments"))
    if do == "undeploy":
        return undeploying(api, list(api.deployments.all()), asking.clients_of(api))
    if do == "delete":
        return deleting(revision)
    return comparing.restoring(request, revision) if do == "restore" else None


def _named(api: Api, typed: str) -> Revision:
    wanted = number(typed)
    if not isinstance(wanted, int):
        raise Invalid({"number": "This should be the number of a revision."})
    return selectors.revision_get(api, wanted)


@transaction.atomic
def _create(actor: Actor, api: Api, description: str, places: list[Wanted]) -> str:
    """A revision, deployed at once where `places` names some: both or neither."""
    revision = publishing.revision_create(actor=actor, api=api, description=description)
    if not places:
        return phrase("{revision} is made.", revision=revision)
    rows = publishing.revision_deploy(actor=actor, revision=revision, environments=places)
    if not rows:
        return phrase("{revision} is made. An administrator decides whether it is deployed.", revision=revision)
    names = ", ".join(row.environment.name for row in rows)
    return phrase("{revision} is made and deployed to {environments}.", revision=revision, environments=names)


def _withdraw(actor: Actor, api: Api) -> str:
    """Take back what waits for an administrator."""
    waiting = deployment_waiting(api)
    if waiting is None:
        return "Nothing waits any more."
    approving.approval_withdraw(actor=actor, approval=waiting)
    return "The request is taken back."


def _act(request: HttpRequest, actor: Actor, do: str, revision: Revision) -> str:
    """Do one of the named things to a revision. Returns: a sentence that says so."""
    environments, seen = request.POST.getlist("environments"), seen_in(request)
    names = ", ".join(environments)

    def deploy() -> str:
        places = places_ticked(environments, request.POST)
        if not publishing.revision_deploy(actor=actor, revision=revision, environments=places, seen=seen):
            return phrase(
                "An administrator decides whether {revision} is deployed to {names}.", revision=revision, names=names
            )
        return phrase("{revision} is deployed to {names}.", revision=revision, names=names)

    def undeploy() -> str:
        publishing.revision_undeploy(actor=actor, revision=revision, environments=environments or None, seen=seen)
        if names:
            return phrase("{revision} is no longer deployed to {names}.", revision=revision, names=names)
        return phrase("{revision} is no longer deployed.", revision=revision)

    def restore() -> str:
        publishing.revision_restore(actor=actor, revision=revision, seen=seen)
        return phrase("You are now working on the design of revision {number}.", number=revision.number)

    def delete() -> str:
        publishing.revision_delete(actor=actor, revision=revision)
        return phrase("{revision} is deleted.", revision=revision)

    known: dict[str, Callable[[], str]] = {"deploy": deploy, "undeploy": undeploy, "restore": restore, "delete": delete}
    if do not in known:
        raise Invalid({"do": phrase("This should be one of: create, {known}.", known=", ".join(known))})
    return known[do]()
