"""How long pages take with 1,000 APIs and 10,000 subscriptions on SQLite. See README.md.

Run by hand: python benchmarks/pages.py [--times 10] [--slowest 15]. It makes a database of its own in a temporary
folder, fills it with the crowd of `tests/apis/test_page_speed.py` and asks in its own process, so the little that
Django's test client costs is in the numbers, too. Target: 100 ms a page.
"""

# ruff: noqa: PLC0415 - Django's models can be imported only once it is set up
from __future__ import annotations

import argparse
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
TARGET_MS = 100.0


def prepared(folder: str) -> None:
    """Django, and an empty database in `folder`."""
    os.environ |= {"WSPORTAL_MODE": "up", "VAR_DIR": folder, "DATABASE_URL": f"sqlite:///{folder}/pages.sqlite3"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "wsportal.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.core.management import call_command
    from django.test.utils import setup_test_environment

    call_command("migrate", verbosity=0)
    setup_test_environment(debug=False)


def measured(browser: Any, address: str, times: int) -> tuple[float, float] | None:
    """Wall time in ms of a GET: median and longest; None where the page is not there for this person."""
    if browser.get(address).status_code >= 400:
        return None
    spent = []
    for _ in range(times):
        began = time.perf_counter()
        browser.get(address)
        spent.append((time.perf_counter() - began) * 1000)
    return statistics.median(spent), max(spent)


def report(times: int, slowest: int) -> None:
    """Measure every page, print the slowest as a table, and how many are within the target."""
    from django.db import transaction

    from tests.apis.addresses import filled
    from tests.apis.crowd import gather
    from tests.apis.test_page_speed import pages
    from tests.apis.whole_world import build

    began = time.perf_counter()
    with transaction.atomic():
        world = build()
        gather(world)
    print(f"A world of that size was made in {time.perf_counter() - began:.0f} s.\n", flush=True)
    rows = []
    for route, name in pages():
        taken = measured(world.browser(name), filled(route, world.ids), times)
        if taken is not None:
            rows.append((*taken, name, route))
    rows.sort(reverse=True)
    print("| page | who | median ms | longest ms |\n| --- | --- | --- | --- |")
    for median, longest, name, route in rows[:slowest]:
        print(f"| `{route}` | {name} | {median:.0f} | {longest:.0f} |")
    within = sum(median <= TARGET_MS for median, *_ in rows)
    middle = statistics.median(median for median, *_ in rows)
    print(f"\n{within} of {len(rows)} pages within {TARGET_MS:.0f} ms; the median page takes {middle:.0f} ms.")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--slowest", type=int, default=15)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        prepared(folder)
        report(chosen.times, chosen.slowest)


if __name__ == "__main__":
    main()
