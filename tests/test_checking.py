"""`manage.py test` runs every step, says which did not pass, and fails when one did."""

from __future__ import annotations

import sys
from collections.abc import Sequence

import pytest

from wsportal.management.commands import test as checking
from wsportal.management.commands.test import Step


def step(heading: str, code: int) -> Step:
    return Step(heading, (sys.executable, "-c", f"print('{heading} ran'); raise SystemExit({code})"))


@pytest.fixture
def steps(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """The exit codes of two checks and the tests, in place of the real ones."""
    codes = [0, 0, 0]
    monkeypatch.setattr(checking, "checks", lambda: [step("lint", codes[0]), step("types", codes[1])])

    def tests(arguments: Sequence[str]) -> Step:
        return step("tests" + "".join(arguments), codes[2])

    monkeypatch.setattr(checking, "pytest_step", tests)
    monkeypatch.setattr(checking, "failed_tests", lambda: [])
    return codes


@pytest.mark.parametrize(
    ("codes", "expected"), [((0, 0, 0), 0), ((1, 0, 0), 1), ((0, 2, 0), 1), ((0, 0, 5), 1), ((1, 1, 1), 1)]
)
def test_one_failure_fails_the_run_and_stops_nothing(
    steps: list[int], capfd: pytest.CaptureFixture[str], codes: tuple[int, ...], expected: int
) -> None:
    steps[:] = codes
    assert checking.run([]) == expected
    out = capfd.readouterr().out
    assert [line for line in out.splitlines() if line.endswith("ran")] == ["lint ran", "types ran", "tests ran"]
    assert out.splitlines()[-1] == "tests ran"  # the summary of pytest closes the output
    for heading, code in zip(("lint", "types"), codes, strict=False):
        assert (f"Not passed so far: {heading}" in out or f"; {heading}" in out) == bool(code)


def test_arguments_go_to_pytest_and_nothing_else_runs(steps: list[int], capfd: pytest.CaptureFixture[str]) -> None:
    steps[0] = 1
    assert checking.run(["-k", "close"]) == 0
    out = capfd.readouterr().out
    assert "tests-kclose ran" in out
    assert "lint" not in out


def test_without_arguments_the_whole_suite_runs() -> None:
    assert "tests" not in checking.pytest_step([]).command
    assert checking.pytest_step(["tests/core", "-x"]).command[-2:] == ("tests/core", "-x")


@pytest.mark.parametrize(
    ("failed", "alone", "expected"), [(["one"], 0, 0), (["one"], 1, 1), (["one", "two", "three", "four"], 0, 1)]
)
def test_few_tests_that_fail_beside_others_are_run_alone_and_named(
    steps: list[int],
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
    failed: list[str],
    alone: int,
    expected: int,
) -> None:
    steps[2] = 1
    monkeypatch.setattr(checking, "failed_tests", lambda: failed)
    monkeypatch.setattr(checking, "again_step", lambda: step("alone", alone))
    assert checking.run([]) == expected
    assert ("please mend:\n  one\n" in capfd.readouterr().out) == (expected == 0)
