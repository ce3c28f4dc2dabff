"""/apis/{id}/transitions and /revisions: the lifecycle, and what the gateways serve."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import checking, selectors
from apis.lifecycle import Action
from apis.models import Revision
from apis.rest.answers import ApiAnswer, RevisionAnswer, RevisionDetail, TransitionAnswer
from apis.rest.designs import ApiResource
from apis.rest.fields import LIST_LIMIT, Body, Flag, Text, Texts
from apis.rest.schema import operation
from apis.selectors_approvals import step_waiting
from apis.services import publishing


class ChecklistBody(Body):
    """Check items; offered when a version is published for the first time."""

    deprecate_old_versions = Flag(required=False)
    require_resubscription = Flag(required=False)


class TransitionBody(Body):
    """One step of the lifecycle."""

    action = Text(help_text=f"One of: {', '.join(Action)}.")
    checklist = ChecklistBody(required=False)


class RevisionBody(Body):
    """A new revision of the present design."""

    description = Text(required=False)


class PlaceBody(Body):
    """One item of `environments`, where it is no name."""

    name = Text()
    vhost = Text(required=False)


class PlaceField(serializers.Field):
    """A name, or {"name", "vhost"?}."""

    def to_internal_value(self, data: Any) -> Any:
        if isinstance(data, str):
            return data
        if not isinstance(data, dict):
            raise serializers.ValidationError(
                "This should be the name of an environment, or an object with name and vhost."
            )
        reader = PlaceBody(data=data)
        reader.is_valid(raise_exception=True)
        return dict(reader.validated_data)

    def to_representation(self, value: Any) -> Any:
        return value


_PLACE: Final = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "vhost": {"type": "string"}},
    "required": ["name"],
    "additionalProperties": False,
}


@extend_schema_field({"type": "array", "items": {"oneOf": [{"type": "string"}, _PLACE]}, "maxItems": LIST_LIMIT})
class Places(serializers.ListField):
    """Names, or names with a host each."""

    child = PlaceField()


class PlacesBody(Body):
    """Gateway environments, each by its name, or with one of its hosts."""

    environments = Places(required=False, max_length=LIST_LIMIT)


class EnvironmentsBody(Body):
    """Names of gateway environments."""

    environments = Texts(required=False)


class Transitions(ApiResource):
    fields = ("state",)

    @operation(
        "apis_transitions", "List what can be done to an API now", answer=TransitionAnswer(many=True), errors=(403, 404)
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        found = checking.transitions_of(self.actor, self.design(api_id))
        rows = [
            {"action": arrow.action, "to": arrow.target, "allowed": allowed, "missing": missing}
            for arrow, allowed, missing in found
        ]
        return Response(TransitionAnswer(rows, many=True).data)

    @operation(
        "apis_transition",
        "Move an API along its lifecycle",
        body=TransitionBody,
        answer=ApiAnswer,
        or_status=202,
        errors=(403, 404, 409),
        example={"action": "publish"},
        detail="202 where the installation asks for approval of this action: the API stays as it is until an "
        "administrator has decided (`/approvals`). `publish` and `prerelease` deploy a first revision where there is "
        "none; `retire` undeploys.",
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        moved = publishing.api_transition(actor=self.actor, api=api, **self.body(TransitionBody))
        return self.answer(moved, 202 if step_waiting(moved) else 200)


class RevisionResource(ApiResource):
    """Base of everything below /apis/{id}/revisions."""

    def revision(self, api_id: UUID, number: int) -> Revision:
        """Raises: Missing, Forbidden."""
        return selectors.revision_get(self.design(api_id), number)

    def show(self, revision: Revision, shape: Any = RevisionAnswer, status: int = 200) -> Response:
        """The revision as it now is in the database."""
        return Response(shape(selectors.revision_get(revision.api, revision.number)).data, status=status)


class Revisions(RevisionResource):
    @operation("apis_revisions", "List the revisions of an API", rows=RevisionAnswer, errors=(403, 404))
    def get(self, request: Request, api_id: UUID) -> Response:
        return self.page(selectors.revisions_of(self.design(api_id)), RevisionAnswer)

    @operation(
        "apis_revision_create",
        "Freeze the present design as a revision (at most 5)",
        body=RevisionBody,
        answer=RevisionAnswer,
        status=201,
        errors=(403, 404, 409),
        example={"description": "With sandbox endpoint"},
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        values = self.optional_body(RevisionBody)
        return self.show(publishing.revision_create(actor=self.actor, api=api, **values), status=201)


class OneRevision(RevisionResource):
    @operation("apis_revision_read", "Show a revision with its design", answer=RevisionDetail, errors=(403, 404))
    def get(self, request: Request, api_id: UUID, number: int) -> Response:
        return self.show(self.revision(api_id, number), RevisionDetail)

    @operation("apis_revision_delete", "Delete a revision that is not deployed", status=204, errors=(403, 404, 409))
    def delete(self, request: Request, api_id: UUID, number: int) -> Response:
        publishing.revision_delete(actor=self.actor, revision=self.revision(api_id, number))
        return Response(status=204)


class Deploy(RevisionResource):
    @operation(
        "apis_revision_deploy",
        "Deploy a revision to gateway environments",
        body=PlacesBody,
        answer=RevisionAnswer,
        or_status=202,
        errors=(403, 404, 409),
        example={"environments": ["Default", {"name": "Europe", "vhost": "partners.example.com"}]},
        detail="To `Default` unless environments are named; it takes the place of what is deployed there. Without a "
        "`vhost`, clients find it on the host where it is already, or else on the environment's own. 202 where "
        "the installation asks for approval of deployments: what is deployed stays until an administrator has decided "
        "(`/approvals`).",
    )
    def post(self, request: Request, api_id: UUID, number: int) -> Response:
        revision = self.revision(api_id, number)
        done = publishing.revision_deploy(actor=self.actor, revision=revision, **self.optional_body(PlacesBody))
        return self.show(revision, status=200 if done else 202)


class Undeploy(RevisionResource):
    @operation(
        "apis_revision_undeploy",
        "Take a revision off gateway environments",
        body=EnvironmentsBody,
        answer=RevisionAnswer,
        errors=(403, 404, 409),
        detail="Off all of them unless environments are named; live sessions are closed with 1008.",
    )
    def post(self, request: Request, api_id: UUID, number: int) -> Response:
        revision = self.revision(api_id, number)
        publishing.revision_undeploy(actor=self.actor, revision=revision, **self.optional_body(EnvironmentsBody))
        return self.show(revision)


class Restore(RevisionResource):
    @operation(
        "apis_revision_restore",
        "Make a revision the working copy again",
        answer=ApiAnswer,
        errors=(403, 404),
        detail="Copies its topics, endpoints and runtime limits over the design. What is deployed stays as it is.",
    )
    def post(self, request: Request, api_id: UUID, number: int) -> Response:
        revision = self.revision(api_id, number)
        self.optional_body(Body)
        return self.answer(publishing.revision_restore(actor=self.actor, revision=revision))
