"""Where a revision goes: gateway environments, the host of each, and what that breaks for clients."""

from __future__ import annotations

from typing import Any, ClassVar, Final

from django.http import HttpRequest
from django.urls import reverse

from apis import comparing, selectors
from apis.admin.fields import Choice, Choices, Text
from apis.admin.pages import Page, PageForm
from apis.describing import base_of
from apis.models import Api, Environment, Revision
from apis.permissions import Actor
from apis.saying import said
from apis.seeing import seen_in
from apis.services import publishing
from apis.services.placing import host_field, may_deploy_on, places_ticked
from apis.shapes_vhosts import hosts_of
from apis.words import phrase

BREAKING_SHOWN: Final = 5


class PlacesForm(PageForm):
    """Gateway environments by their names; for one with several hosts, which of them clients use."""

    mandatory: ClassVar[tuple[str, ...]] = ("environments",)
    environments = Choices()

    def __init__(self, *args: Any, actor: Actor, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows = open_to(actor)
        self.fields["environments"].choices = [(row.name, row.name) for row in rows]  # type: ignore[attr-defined]
        for row in rows:
            if row.vhosts:
                self.fields[host_field(row)] = _host_choice(row)


class RevisionForm(PlacesForm):
    """A new revision, deployed at once where environments are ticked."""

    mandatory: ClassVar[tuple[str, ...]] = ()
    description = Text(help_text="What is new in it, for you and your colleagues.")
    environments = Choices(label="Deploy at once to", help_text="None: it is only made.")
    field_order = ("description", "environments")


def open_to(actor: Actor) -> list[Environment]:
    """The environments where this person may deploy, by name."""
    return [row for row in selectors.environments() if may_deploy_on(actor, row)]


def usual(actor: Actor) -> list[str]:
    """What is ticked at first: the only environment, or the one that is named Default."""
    names = [row.name for row in open_to(actor)]
    return names if len(names) == 1 else [name for name in names if name == publishing.DEFAULT_ENVIRONMENT]


def _host_choice(row: Environment) -> Choice:
    """The hosts of an environment; where none is chosen, an API stays where it is."""
    hosts = [(host, host) for host in hosts_of(row.host, row.vhosts)]
    label = said(phrase("Host of {environment}", environment=row.name))
    return Choice(label=label, choices=[("", said("as it is")), *hosts])


def deploying(actor: Actor, request: HttpRequest, revision: Revision) -> Page:
    """The page that puts a revision on the gateway."""
    api = revision.api

    def run(cleaned: dict[str, Any]) -> str:
        places = places_ticked(cleaned["environments"], cleaned)
        rows = publishing.revision_deploy(actor=actor, revision=revision, environments=places, seen=seen_in(request))
        if not rows:
            return phrase("An administrator decides whether {revision} is deployed.", revision=revision)
        names = ", ".join(row.environment.name for row in rows)
        return phrase("{revision} is deployed on {names}.", revision=revision, names=names)

    breaks = _breaks(request, revision)
    return Page(
        title=phrase("Deploy revision {number} of {api}", number=revision.number, api=api),
        button="Deploy",
        run=run,
        text=breaks or "It takes the place of the revision that is deployed there.",
        danger=bool(breaks),
        link=("Compare with what is deployed", comparison_at(api, revision)) if api.deployments.exists() else None,
    )


def comparison_at(api: Api, revision: Revision) -> str:
    """The page of the publisher portal that compares what is deployed with a revision."""
    return f"{reverse('publisher:compare', args=[api.pk])}?from={comparing.DEPLOYED}&to={revision.number}"


def _breaks(request: HttpRequest, revision: Revision) -> str:
    """What clients of what is deployed would lose, in words; empty where nothing breaks them."""
    deployed = comparing.deployed_somewhere(revision.api)
    if deployed is None:
        return ""
    comparison = comparing.compared(deployed, comparing.frozen(revision), base_of(request)).comparison
    if not comparison.breaking:
        return ""
    points = [phrase("{where}: {why}", where=row.where, why=row.why) for row in comparison.breaking[:BREAKING_SHOWN]]
    text = phrase("In place of {label}: {summary}", label=deployed.label, summary=comparison.summary)
    for point in points:
        text = phrase("{text} {point}", text=text, point=point)
    return text


def freezing(actor: Actor, request: HttpRequest, api: Api) -> Page:
    """The page that makes a revision, and deploys it where environments are ticked: both or neither."""

    def run(cleaned: dict[str, Any]) -> str:
        made = publishing.revision_create(actor=actor, api=api, description=cleaned["description"])
        if not cleaned["environments"]:
            return phrase("{made} was made of the present design. Deploy it to put it on the gateway.", made=made)
        places = places_ticked(cleaned["environments"], cleaned)
        rows = publishing.revision_deploy(actor=actor, revision=made, environments=places, seen=seen_in(request))
        if not rows:
            return phrase("{revision} is made. An administrator decides whether it is deployed.", revision=made)
        names = ", ".join(row.environment.name for row in rows)
        return phrase("{made} was made and is deployed on {names}.", made=made, names=names)

    return Page(
        title=phrase("New revision of {api}", api=api),
        button="Create revision",
        run=run,
        text=phrase(
            "Topics, endpoints and runtime limits are frozen as they are now. An API keeps at most {most}.",
            most=publishing.REVISIONS_LIMIT,
        ),
    )
