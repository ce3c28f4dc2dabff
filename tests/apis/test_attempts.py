"""Failed tries are counted where every process sees them, exactly, and forgotten when their minute is over."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest
from django.db import connection

from apis.models import Attempt
from apis.services import attempts
from apis.services.attempts import Attempts

FEW = Attempts("test", limit=3)


@pytest.mark.django_db(transaction=True)
def test_of_many_tries_at_once_exactly_as_many_go_on_as_the_limit_says() -> None:
    def attempt(_: int) -> int:
        try:
            return FEW.begin("eve")
        finally:
            connection.close()

    with ThreadPoolExecutor(8) as threads:
        waits = list(threads.map(attempt, range(20)))
    assert sorted(waits) == [0] * 3 + [30] * 17


@pytest.mark.django_db
def test_a_try_that_was_right_is_forgiven_and_hurts_nobody_else() -> None:
    for _ in range(10):
        assert FEW.begin("sam") == 0
        FEW.forgive("sam")
    assert [FEW.begin("eve") for _ in range(4)] == [0, 0, 0, 30]
    assert FEW.begin("sam") == 0


@pytest.mark.django_db
def test_what_was_counted_ends_with_its_window_and_leaves_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    assert [FEW.begin("eve") for _ in range(4)] == [0, 0, 0, 30]
    monkeypatch.setattr(attempts, "time", lambda: 1_800_000_060.5)
    assert FEW.begin("eve") == 0
    assert Attempt.objects.count() == 1
    FEW.forgive("eve")
    FEW.forgive("eve")
    assert Attempt.objects.get().count == 0
