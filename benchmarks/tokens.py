"""What a token request costs: CPU of the authorization server per request, by grant and endpoint. See README.md.

Run by hand: python benchmarks/tokens.py [--requests 300]. It makes a database of its own in a temporary folder and asks
in its own process, so the little that Django's test client costs is in the numbers, too. Target: under 15 ms.
"""

# ruff: noqa: PLC0415 - Django's models can be imported only once it is set up
from __future__ import annotations

import argparse
import base64
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
TARGET_MS = 15.0
Ask = Callable[[], object]


def prepared(folder: str) -> dict[str, Ask]:
    """One way to ask per row of the table, each ready to be called again and again."""
    os.environ |= {"WSPORTAL_MODE": "up", "VAR_DIR": folder, "DATABASE_URL": f"sqlite:///{folder}/tokens.sqlite3"}
    os.environ["DJANGO_SETTINGS_MODULE"] = "wsportal.settings"
    sys.path.insert(0, str(ROOT))
    import django

    django.setup()
    from django.core.management import call_command

    call_command("migrate", verbosity=0)
    return _asked()


def _asked() -> dict[str, Ask]:
    from django.test import Client

    from apis.models import Person
    from apis.permissions import Actor
    from apis.services import demo, keys, subscribing

    person = Person.objects.create_user("bench", password="bench", roles=["subscriber", "administrator"])
    actor = Actor.of(person)
    demo.seed_essentials(actor)
    application = subscribing.application_create(actor=actor, name="Bench")
    pair, secret = keys.keys_generate(actor=actor, application=application, key_type="production")
    basic = "Basic " + base64.b64encode(f"{pair.client.client_id}:{secret}".encode()).decode()
    client, numbers = Client(), iter(range(1, 1 << 30))

    def post(where: str, **form: str) -> str:
        # another address each time, or the limit of 300 a minute would be what is measured
        number = next(numbers)
        address = f"10.{number >> 16 & 255}.{number >> 8 & 255}.{number & 255}"
        answer = client.post(f"/oauth2/{where}", form, headers={"Authorization": basic}, REMOTE_ADDR=address)
        assert answer.status_code == 200, answer.content
        return answer.content.decode()

    token, _ = keys.token_generate(actor=actor, application=application, key_type="production")
    return {
        "token, client credentials": lambda: post("token", grant_type="client_credentials"),
        "introspection": lambda: post("introspect", token=token),
        "revocation of an unknown token": lambda: post("revoke", token="unknown"),
    }


def measured(ask: Ask, requests: int) -> tuple[float, float]:
    """CPU in ms per request: median, and 95 of 100."""
    for _ in range(20):
        ask()
    spent = []
    for _ in range(requests):
        began = time.process_time()
        ask()
        spent.append((time.process_time() - began) * 1000)
    return statistics.median(spent), statistics.quantiles(spent, n=20)[-1]


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--requests", type=int, default=300)
    requests = options.parse_args().requests
    with tempfile.TemporaryDirectory() as folder:
        print("| request | CPU, median | 95 % | target |\n|---|---|---|---|")
        for name, ask in prepared(folder).items():
            median, high = measured(ask, requests)
            verdict = "met" if median < TARGET_MS else "MISSED"
            print(f"| {name} | {median:.1f} ms | {high:.1f} ms | {TARGET_MS:g} ms, {verdict} |")


if __name__ == "__main__":
    main()
