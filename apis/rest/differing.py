"""/apis/{id}/revisions/{n}/diff: what differs, and what of it breaks clients."""

from __future__ import annotations

from typing import Any, Final
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import comparing
from apis.comparing import DEPLOYED, WORKING
from apis.describing import base_of
from apis.differing.changes import SECTIONS
from apis.rest.fields import Raw
from apis.rest.problems import BadQuery
from apis.rest.publishing import RevisionResource
from apis.rest.schema import operation

AGAINST: Final = OpenApiParameter(
    "against", str,
    description="What it is compared with: `working`, `deployed` or the number of a revision. `working` unless given; "
    "with `api`, what is deployed, or the design where nothing is.",
)  # fmt: skip
OTHER: Final = OpenApiParameter("api", UUID, description="Another version of the same API, of which `against` is.")


class ChangeAnswer(serializers.Serializer):
    """One difference."""

    section = serializers.ChoiceField(list(SECTIONS))
    kind = serializers.ChoiceField(["added", "removed", "changed"])
    where = serializers.CharField(help_text="In words.")
    pointer = serializers.CharField(help_text="JSON pointer into the design, or into the AsyncAPI document.")
    before = Raw(allow_null=True, help_text="Null for nothing; secrets are never told.")
    after = Raw(allow_null=True)
    breaking = serializers.BooleanField(help_text="Whether clients that did well before may not any more.")
    why = serializers.CharField()


class DiffAnswer(serializers.Serializer):
    """What turns one design into another."""

    before = serializers.CharField(help_text="What is compared with, in words.")
    after = serializers.CharField()
    summary = serializers.CharField()
    breaking = serializers.IntegerField(help_text="How many changes break clients.")
    is_cut = serializers.BooleanField(help_text="There is more than is told here.")
    changes = ChangeAnswer(many=True, help_text="What breaks clients first in each section.")


class Diff(RevisionResource):
    @operation(
        "apis_revision_diff", "Compare a revision with another design",
        answer=DiffAnswer, errors=(400, 403, 404), query=(AGAINST, OTHER),
        detail="Field by field, from what it is compared with to the revision: what would become of clients if it took "
        "that one's place.",
    )  # fmt: skip
    def get(self, request: Request, api_id: UUID, number: int) -> Response:
        revision = self.revision(api_id, number)
        other = self.identifier("api")
        key = self.query("against")
        if key and key not in {WORKING, DEPLOYED} and not (key.isascii() and key.isdecimal() and len(key) < 10):
            raise BadQuery({"against": "This should be working, deployed or the number of a revision."})
        if other is None:
            before = comparing.side_of(self.actor, revision.api, key or WORKING)
        elif key:
            before = comparing.side_of(self.actor, comparing.version_of(self.actor, revision.api, str(other)), key)
        else:
            before = comparing.side_of(self.actor, revision.api, str(other))
        found = comparing.compared(before, comparing.frozen(revision), base_of(request))
        return Response(DiffAnswer(_facts(found)).data)


def _facts(found: comparing.Compared) -> dict[str, Any]:
    return {
        "before": found.before.label,
        "after": found.after.label,
        "summary": found.comparison.summary,
        "breaking": len(found.comparison.breaking),
        "is_cut": found.comparison.is_cut,
        "changes": found.comparison.changes,
    }
