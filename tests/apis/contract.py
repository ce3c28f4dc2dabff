"""REST held against its own schema: requests that the schema allows and forbids, and what is wrong with the answers.

schemathesis draws the requests and judges the answers. They go to the WSGI application in this process, through
every layer of middleware, one undone transaction each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any, Final

import schemathesis
from django.core import signals
from django.core.wsgi import get_wsgi_application
from django.db import close_old_connections
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis.errors import Unsatisfiable
from schemathesis.config import SchemathesisConfig
from schemathesis.core.failures import FailureGroup
from schemathesis.core.result import Ok
from schemathesis.generation.modes import GenerationMode

from tests.apis.addresses import parameters
from tests.apis.whole_world import NOBODY, World, undone

SEED: Final = 20_261_124
_PARAMETER: Final = re.compile(r"\{(\w+)\}")


@contextmanager
def connection_kept() -> Iterator[None]:
    """The end of a request does not close the connection that holds the transaction of a test."""
    for signal in (signals.request_started, signals.request_finished):
        signal.disconnect(close_old_connections)
    try:
        yield
    finally:
        for signal in (signals.request_started, signals.request_finished):
            signal.connect(close_old_connections)


def operations() -> list[Any]:
    """Every operation of the schema as schemathesis takes it."""
    return [found.ok() for found in loaded().get_all_operations() if isinstance(found, Ok)]


def loaded() -> Any:
    """The schema as schemathesis takes it, and what it may expect of answers."""
    config = SchemathesisConfig()
    schema = schemathesis.openapi.from_wsgi("/api/v1/schema", get_wsgi_application(), config=config)
    checks = schema.config.checks
    # The schema says of which type a value is; which names exist and which rules hold between fields, it cannot.
    checks.positive_data_acceptance.expected_statuses += ["400", "412", "413"]
    # If-Match is asked before the body is judged, and names a state that nobody has seen.
    checks.negative_data_rejection.expected_statuses += ["412", "413"]
    return schema


def faults(world: World, name: str, operation: Any, examples: int) -> list[str]:
    """What is wrong with the answers that somebody gets from one operation.

    Args:
        examples: requests of each kind, allowed and forbidden.
    """
    headers = {} if name == NOBODY else {"Authorization": f"Bearer {world.tokens[name]}"}
    found: dict[str, str] = {}
    for mode in GenerationMode:

        @seed(SEED)
        @settings(
            max_examples=examples, deadline=None, database=None, phases=(Phase.generate,),
            suppress_health_check=list(HealthCheck),
        )  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def ask(case: Any) -> None:
            if case.meta is None or not case.meta.is_negative_at("path"):
                case.path_parameters = existing(world, case.path_parameters or {}, operation.path)
            if case.headers and "If-Match" in case.headers and len(case.headers["If-Match"]) % 3:
                del case.headers["If-Match"]  # or hardly anything would get further than 412
            with undone():
                try:
                    case.call_and_validate(headers=headers)
                except FailureGroup as group:
                    for one in group.exceptions:
                        key = f"{operation.label} as {name}: {type(one).__name__}"
                        found.setdefault(key, f"{key}\n{one}\n{group}")

        with suppress(Unsatisfiable):  # what takes no parameter and no body cannot be asked in a way that is forbidden
            ask()
    return list(found.values())


def existing(world: World, drawn: dict[str, Any], path: str) -> dict[str, Any]:
    """Parameters of a path that lead somewhere."""
    known = parameters(path, world.ids)
    return {name: known.get(name, value) for name, value in drawn.items()}
