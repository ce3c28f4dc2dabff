"""REST used as its links lead: something is created, then read, changed, used and deleted, in an order that is drawn.

schemathesis walks from what an operation created to the operations on it. What begins a walk is sent with a body that
REST takes (`tests.apis.writes`), or hardly any walk would begin. Each walk is one undone transaction.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from typing import Any, Final

from hypothesis import HealthCheck, Phase, seed, settings
from schemathesis.core.failures import FailureGroup
from schemathesis.generation.modes import GenerationMode
from schemathesis.generation.stateful.state_machine import StepInput
from schemathesis.openapi.checks import UseAfterFree

from tests.apis.contract import SEED, existing, loaded
from tests.apis.rights import body_of
from tests.apis.whole_world import World, undone

STEPS: Final = 12  # of a walk
OUTLIVES: Final = {"GET /api/v1/subscriptions/{subscription_id}/statement"}
"""What is still answered about something that was deleted: a subscription that has ended is billed all the same."""


def walked(world: World, name: str, walks: int) -> list[str]:
    """What is wrong with the answers that somebody gets on these walks; each kind of fault once."""
    found: dict[str, str] = {}
    schema = loaded()
    schema.config.checks.ignored_auth.enabled = False  # that is asked by `contract.faults`
    base: Any = schema.as_state_machine()

    class Walk(base):  # type: ignore[misc]
        def setup(self) -> None:
            self.stack = ExitStack()
            self.stack.enter_context(undone())

        def teardown(self) -> None:
            self.stack.close()
            super().teardown()

        def step(self, input: StepInput) -> Any:
            case = input.case
            if case.meta is not None and case.meta.generation.mode is GenerationMode.NEGATIVE:
                return super().step(input)  # what the schema forbids is sent as it was drawn
            linked = {part for _, part in input.applied_parameters}
            drawn = case.path_parameters or {}
            kept = {part: value for part, value in drawn.items() if part in linked}
            case.path_parameters = {**existing(world, drawn, case.operation.path), **kept}
            if input.transition is None and (body := body_of(world, case.operation.method, case.operation.path)):
                case.body = json.loads(body)
            if case.headers:
                case.headers.pop("If-Match", None)  # it names a state that nobody has seen
            return super().step(input)

        def get_call_kwargs(self, case: Any) -> dict[str, Any]:
            return {"headers": {"Authorization": f"Bearer {world.tokens[name]}"}}

        def validate_response(self, response: Any, case: Any, *arguments: Any, **options: Any) -> None:
            try:
                super().validate_response(response, case, *arguments, **options)
            except FailureGroup as group:
                found.update(_told(case.operation.label, name, group) | found)

    machine: Any = seed(SEED)(Walk)
    bounds = settings(max_examples=walks, stateful_step_count=STEPS, deadline=None, database=None)
    machine.run(settings=settings(bounds, phases=(Phase.generate,), suppress_health_check=list(HealthCheck)))
    return list(found.values())


def _told(label: str, name: str, group: FailureGroup) -> dict[str, str]:
    """Each fault of an answer, by its kind."""
    faults = [one for one in group.exceptions if not (isinstance(one, UseAfterFree) and label in OUTLIVES)]
    keys = {f"{label} as {name}: {type(one).__name__}": one for one in faults}
    return {key: f"{key}\n{one}\n{group}" for key, one in keys.items()}
