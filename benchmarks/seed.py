"""Prints what a client of the benchmark needs, after putting it into an empty database: a path and a token.

Run with the environment of `manage.py serve gateway`: seed.py ENDPOINT_URL. The API is published, the application
subscribed under a business plan that counts events and bytes, generous enough never to be spent.
"""

# ruff: noqa: PLC0415 - Django's models can be imported only once it is set up
from __future__ import annotations

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))
os.environ.setdefault("DJANGO_SETTINGS_MODULE", "wsportal.settings")

AMOUNT = 10**12
LIMITS = [{"kind": kind, "amount": AMOUNT, "per": "day"} for kind in ("events", "bytes")]


def main(endpoint: str) -> None:
    """See the module."""
    import django

    django.setup()
    from django.core.management import call_command

    from apis.models import Person
    from apis.permissions import Actor
    from apis.services import demo, designs, keys, plans, publishing, subscribing

    call_command("migrate", verbosity=0)
    roles = ["creator", "publisher", "subscriber", "administrator"]
    actor = Actor.of(Person.objects.create_user("bench", "bench@example.com", os.urandom(9).hex(), roles=roles))
    demo.seed_essentials(actor)
    plan = plans.business_plan_create(actor=actor, name="Counted", limits=LIMITS)
    api = designs.api_create(
        actor=actor,
        name="Bench",
        context="/bench",
        version="1.0.0",
        endpoint=endpoint,
        business_plans=[plan.name],
    )
    api = publishing.api_transition(actor=actor, api=api, action="publish")
    application = subscribing.application_create(actor=actor, name="Bench")
    subscribing.subscription_create(actor=actor, api=api, application=application, business_plan=plan.name)
    keys.keys_generate(actor=actor, application=application, key_type="production")
    token, _ = keys.token_generate(actor=actor, application=application, key_type="production")
    print(json.dumps({"path": api.path, "token": token}))


if __name__ == "__main__":
    main(sys.argv[1])
