"""/samples: APIs to begin with; /apis/{id}/checks: what is in the way of one before it is published."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import OpenApiParameter
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import checking
from apis.rest.answers import ApiAnswer
from apis.rest.designs import ApiResource
from apis.rest.fields import Body, Text
from apis.rest.schema import operation
from apis.roles import Capability
from apis.services import samples, trying

LOOK = OpenApiParameter(
    "look",
    str,
    enum=["true", "false"],
    description="true: connect to every URL of its endpoints before answering; takes up to three seconds.",
)


class SampleAnswer(serializers.Serializer):
    """An API that can be made as it is."""

    name = serializers.CharField(source="slug")
    title = serializers.CharField()
    about = serializers.CharField(help_text="What there is to learn from it.")
    description = serializers.CharField(help_text="Of the API it becomes, Markdown.")
    topics = serializers.ListField(child=serializers.CharField(), help_text="Names.")
    scopes = serializers.ListField(child=serializers.CharField(), help_text="Last words of their names.")
    business_plans = serializers.ListField(child=serializers.CharField(), source="plans")
    endpoints = serializers.DictField(child=serializers.CharField(), help_text="URL by key type.")
    proposal = serializers.DictField(
        child=serializers.CharField(), help_text="`name`, `context` and `version` that are free now."
    )


class SampleBody(Body):
    """What the API is to be called; what is left out gets what `proposal` says."""

    name = Text(required=False)
    context = Text(required=False)  # type: ignore[assignment]
    version = Text(required=False)


class CheckAnswer(serializers.Serializer):
    """One finding."""

    level = serializers.ChoiceField(choices=[level.value for level in checking.Level])
    code = serializers.CharField(help_text="A stable word for programs.")
    text = serializers.CharField()
    field = serializers.CharField(help_text="What it is about, as this API names it.")


def _facts(sample: samples.Sample) -> dict[str, Any]:
    plain = {name: getattr(sample, name) for name in ("slug", "title", "about", "description", "endpoints")}
    names = [str(topic["name"]) for topic in sample.topics]
    more = {"topics": names, "scopes": list(sample.scopes), "plans": list(sample.plans)}
    return {**plain, **more, "proposal": samples.proposal(sample)}


class Samples(ApiResource):
    @operation("samples_list", "List the samples to begin with", rows=SampleAnswer, errors=(403,))
    def get(self, request: Request) -> Response:
        self.actor.require(Capability.SEE_APIS)
        return self.page([_facts(sample) for sample in samples.SAMPLES], SampleAnswer)


class OneSample(ApiResource):
    @operation(
        "samples_create",
        "Make the API of a sample, in state created",
        body=SampleBody,
        answer=ApiAnswer,
        status=201,
        errors=(403, 404, 409),
        example={"name": "My rooms", "context": "/my-rooms"},
        detail="Design, topics, scopes, endpoints and limits in one step, or nothing of it.",
    )
    def post(self, request: Request, sample_name: str) -> Response:
        self.actor.require(Capability.DESIGN_APIS)
        sample = samples.sample_get(sample_name)
        values = self.optional_body(SampleBody)
        return self.answer(samples.sample_create(actor=self.actor, sample=sample, **values), 201)


class Checks(ApiResource):
    @operation(
        "apis_checks",
        "See what is in the way of an API before it is published",
        rows=CheckAnswer,
        errors=(403, 404, 429),
        query=(LOOK,),
        detail="The gravest first. `error` keeps it from being published (its `field` stands in `missing` of the "
        "transition), `warning` and `hint` stop nothing, `done` is as it should be.",
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        api = self.design(api_id)
        if look := self.choice("look", ("true", "false")) == "true":
            trying.count_look(self.actor)
        return self.page(checking.checks_of(api, self.actor, look=look), CheckAnswer)
