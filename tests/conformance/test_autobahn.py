"""Autobahn tells no difference between a backend and the same backend behind the gateway, nor between clients."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conformance.suite import CORE, LIMITS, Routes, client_routes, server_routes
from tests.conformance.verdicts import Verdict, Verdicts, differences
from tests.gateway.world import World

pytestmark = pytest.mark.conformance

EVERY_CASE = (*CORE, *LIMITS)
IN_CI, WITHOUT_LIMITS = 301, 247
every_leg = pytest.mark.parametrize(
    ("tls", "cases", "count"), [(False, EVERY_CASE, IN_CI), (True, CORE, WITHOUT_LIMITS)], ids=["plain", "tls"]
)


@pytest.fixture(scope="module")
def server(world: World) -> Iterator[Routes]:
    """An echo server, reached by a fuzzing client."""
    with server_routes(world) as routes:
        yield routes


@pytest.fixture(scope="module")
def client(world: World) -> Routes:
    """An echo client of a fuzzing server."""
    return client_routes(world)


@pytest.fixture(scope="module")
def server_direct(server: Routes) -> Verdicts:
    return server.direct(EVERY_CASE)


@pytest.fixture(scope="module")
def client_direct(client: Routes) -> Verdicts:
    return client.direct(EVERY_CASE)


def _shared(direct: Verdicts, through: Verdicts) -> Verdicts:
    """What was said directly about the cases that were run through the gateway."""
    return {case: direct[case] for case in through}


@every_leg
def test_a_backend_behind_the_gateway_gets_the_verdicts_that_it_gets_without_it(
    server: Routes, server_direct: Verdicts, tls: bool, cases: tuple[str, ...], count: int
) -> None:
    through = server.through(cases, tls)
    assert len(through) == count
    assert differences(_shared(server_direct, through), through) == []


@every_leg
def test_a_client_before_the_gateway_gets_the_verdicts_that_it_gets_without_it(
    client: Routes, client_direct: Verdicts, tls: bool, cases: tuple[str, ...], count: int
) -> None:
    through = client.through(cases, tls)
    assert len(through) == count
    assert differences(_shared(client_direct, through), through) == []


def test_the_echo_passes_without_a_gateway_so_the_comparison_means_something(
    server_direct: Verdicts, client_direct: Verdicts
) -> None:
    for verdicts in (server_direct, client_direct):
        assert {case for case, verdict in verdicts.items() if not verdict.good} <= {"7.1.5"}  # websockets 17 says 1002


def test_a_gateway_that_cuts_messages_off_is_found_out(world: World, server_direct: Verdicts) -> None:
    """The same cases through a plan whose largest message is 125 bytes."""
    with server_routes(world, largest=125) as small:
        through = small.through(["1.1.*"], False)
    lines = differences(_shared(server_direct, through), through)
    assert [line.partition(":")[0] for line in lines] == ["1.1.3", "1.1.4", "1.1.5", "1.1.6", "1.1.7", "1.1.8"]
    assert "close code 1009" in lines[0]


# -- the rule itself ----------------------------------------------------------------------------------------------


OK = Verdict("OK", "OK", 1000)


@pytest.mark.parametrize(
    ("case", "direct", "through", "equal"),
    [
        ("1.1.1", OK, OK, True),
        ("1.1.1", OK, Verdict("NON-STRICT", "OK", 1000), False),
        ("1.1.1", OK, Verdict("OK", "OK", 1001), False),
        ("1.1.1", OK, Verdict("OK", "OK", None), False),
        ("1.1.1", OK, Verdict("OK", "UNCLEAN", 1000), False),
        ("7.1.5", Verdict("FAILED", "WRONG CODE", 1002), OK, True),  # better is equal
        ("7.1.5", Verdict("FAILED", "WRONG CODE", 1002), Verdict("FAILED", "WRONG CODE", 1001), False),
        ("4.1.3", OK, Verdict("NON-STRICT", "OK", 1000), True),  # the suite races here
        ("4.1.3", Verdict("OK", "OK", 1002), Verdict("OK", "OK", None), True),
        ("4.1.3", Verdict("OK", "OK", 1002), Verdict("OK", "OK", 1007), False),
        ("4.1.3", OK, Verdict("FAILED", "OK", 1000), False),
        ("5.15", OK, Verdict("NON-STRICT", "OK", 1000), True),
        ("5.1", OK, Verdict("NON-STRICT", "OK", 1000), False),
        ("7.13.1", Verdict("INFORMATIONAL", "INFORMATIONAL", None), OK, True),
    ],
)
def test_two_verdicts_are_equal_by_the_rule(case: str, direct: Verdict, through: Verdict, equal: bool) -> None:
    assert (differences({case: direct}, {case: through}) == []) is equal


def test_a_case_that_only_one_run_knows_is_a_difference() -> None:
    assert differences({"1.1.1": OK, "1.1.10": OK}, {"1.1.1": OK, "1.1.2": OK}) == [
        "1.1.2: not run directly",
        "1.1.10: not run through the gateway",
    ]
