"""/apis: designing APIs, their endpoints, versions and history."""

from __future__ import annotations

from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework.request import Request
from rest_framework.response import Response

from apis import searching, selectors
from apis.errors import Forbidden
from apis.lifecycle import State
from apis.models import Api
from apis.permissions import can_see_api, designs_for
from apis.rest.about import AboutBody
from apis.rest.answers import ApiAnswer, RuntimeLimits, api_context
from apis.rest.editing import Editions
from apis.rest.fields import Body, Flag, Text, Texts
from apis.rest.schema import operation
from apis.roles import Capability
from apis.selectors_approvals import step_waiting
from apis.selectors_social import with_stars
from apis.services import configuring, designs, publishing, versions

EXAMPLE = {
    "name": "Chat",
    "context": "/chat",
    "version": "1.0.0",
    "endpoint": "wss://chat.example.com/socket",
    "business_plans": ["Bronze"],
}
PUBLISH = OpenApiParameter(
    "publish", bool, description="true: create, first revision, deploy and publish in one step, or none of them."
)
SEARCH = OpenApiParameter(
    "search", str,
    description="Words that must all occur, anywhere or where a prefix says: `tag:chat`, also "
    f"{', '.join(f'`{name}:`' for name in searching.PREFIXES if name != 'tag')}; several words in quotes are one.",
)  # fmt: skip
STATE = OpenApiParameter("state", str, enum=[state.value for state in State])
TAG = OpenApiParameter("tag", str, description="Exactly one tag.")
CATEGORY = OpenApiParameter("category", str, description="Exactly one API category, by its name.")


class ApiBody(AboutBody):
    """The design of a new API."""

    name = Text()
    context = Text(help_text="`{version}` may stand in it once.")  # type: ignore[assignment]
    version = Text()
    endpoint = Text(required=False, allow_blank=False, help_text="ws:// or wss://, for production and sandbox alike.")
    business_plans = Texts(required=False, help_text="Names.")
    description = Text(required=False, help_text="Markdown.")
    tags = Texts(required=False)
    display_name = Text(required=False)


class ApiChangeBody(ApiBody):
    """What may be changed of an API."""

    api_plan = Text(
        required=False, allow_null=True, help_text="Name of an API plan for all of its sessions together; null: none."
    )

    is_default_version = Flag(
        required=False, help_text="true: it answers where the path names no version, in the place of the one that does."
    )


class VersionBody(Body):
    """A further version."""

    version = Text()


class ApiResource(Editions):
    """Base of everything below /apis/{id}."""

    def api(self, api_id: UUID) -> Api:
        """The API, if the actor may see it in any form. Raises: Missing."""
        return selectors.api_readable(self.actor, api_id)

    def design(self, api_id: UUID) -> Api:
        """The API, if the actor may see its design. Raises: Missing; Forbidden where only its page may be seen."""
        api = self.api(api_id)
        self.actor.require(Capability.SEE_APIS)
        if not can_see_api(self.actor, api):
            raise Forbidden("The design of this API is shown only to people with a role that it names.")
        return api

    def answer(self, api: Api, status: int = 200) -> Response:
        """The API as it now is in the database."""
        fresh = self.api(api.pk)
        headers = {"Location": f"/api/v1/apis/{api.pk}"} if status == 201 else None
        return Response(ApiAnswer(fresh, context=api_context(self.actor)).data, status=status, headers=headers)


class Apis(ApiResource):
    @operation("apis_list", "List the APIs you may see", rows=ApiAnswer, query=(SEARCH, STATE, TAG, CATEGORY))
    def get(self, request: Request) -> Response:
        rows = searching.apis_matching(
            selectors.apis_readable(self.actor),
            search=self.query("search"),
            state=self.choice("state", [state.value for state in State]),
            tag=self.query("tag"),
            category=self.query("category"),
            whole=designs_for(self.actor),
        )
        return self.page(with_stars(rows), ApiAnswer, **api_context(self.actor))

    @operation(
        "apis_create",
        "Design an API, or design and publish it in one step",
        body=ApiBody,
        answer=ApiAnswer,
        status=201,
        or_status=202,
        errors=(403, 409),
        query=(PUBLISH,),
        detail="202 with `publish=true` where publishing has to be approved: the API is created, and an administrator "
        "is asked.",
        example=EXAMPLE,
    )
    def post(self, request: Request) -> Response:
        at_once = self.choice("publish", ["true", "false"]) == "true"
        create = publishing.api_create_and_publish if at_once else designs.api_create
        self.actor.require(Capability.DESIGN_APIS)
        api = create(actor=self.actor, **self.body(ApiBody))
        return self.answer(api, 202 if at_once and step_waiting(api) else 201)


class OneApi(ApiResource):
    @operation("apis_read", "Show an API", answer=ApiAnswer, errors=(404,))
    def get(self, request: Request, api_id: UUID) -> Response:
        return self.answer(self.api(api_id))

    @operation(
        "apis_update",
        "Change an API",
        body=ApiChangeBody,
        answer=ApiAnswer,
        errors=(403, 404, 409),
        detail="Name, context and version are fixed once a revision or a further version exists. Only a version that "
        "is deployed and published can become the default one.",
        example={"description": "Rooms for everybody.", "tags": ["chat"]},
    )
    def patch(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        return self.answer(versions.api_change(actor=self.actor, api=api, **self.body(ApiChangeBody, partial=True)))

    @operation("apis_delete", "Delete an API that nobody subscribes to", status=204, errors=(403, 404, 409))
    def delete(self, request: Request, api_id: UUID) -> Response:
        designs.api_delete(actor=self.actor, api=self.design(api_id))
        return Response(status=204)


class Runtime(ApiResource):
    fields = ("runtime",)

    @operation("apis_runtime_read", "Show the runtime limits", answer=RuntimeLimits, errors=(403, 404))
    def get(self, request: Request, api_id: UUID) -> Response:
        return Response(RuntimeLimits(self.design(api_id).runtime).data)

    @operation(
        "apis_runtime_replace",
        "Set the runtime limits",
        body=RuntimeLimits,
        answer=RuntimeLimits,
        errors=(403, 404),
        detail="Takes effect at once where the API is deployed, for live sessions too. A business plan may allow less. "
        "The answer has every field, filled in.",
        example={"max_message_bytes": 65536, "idle_s": 300, "max_sessions_per_ip": 10},
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        api = configuring.runtime_configure(actor=self.actor, api=self.design(api_id), limits=self.whole_body())
        return Response(RuntimeLimits(api.runtime).data)


class Versions(ApiResource):
    @operation("apis_versions", "List the versions of an API", rows=ApiAnswer, errors=(404,))
    def get(self, request: Request, api_id: UUID) -> Response:
        rows = selectors.apis_readable(self.actor).filter(version_set=self.api(api_id).version_set_id)
        return self.page(rows, ApiAnswer, **api_context(self.actor))

    @operation(
        "apis_version_create",
        "Copy the design into a new version",
        body=VersionBody,
        answer=ApiAnswer,
        status=201,
        errors=(403, 404, 409),
        example={"version": "2.0.0"},
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        return self.answer(designs.api_version_create(actor=self.actor, api=api, **self.body(VersionBody)), 201)
