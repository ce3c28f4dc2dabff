"""Looking at the whole control plane at once, and bringing an API into any state of its life."""

from __future__ import annotations

from typing import Any

from django.apps import apps
from django.db import connection
from oauth2_provider.models import AccessToken, RefreshToken
from oauth2_provider.models import Application as OAuthClient

from apis.lifecycle import TRANSITIONS, Action, State
from apis.models import Api, HistoryEntry
from apis.permissions import Actor
from apis.services import publishing


def everything() -> dict[str, Any]:
    """Every row of every table of the control plane; two equal answers mean that nothing was changed."""
    models = [*apps.get_app_config("apis").get_models(), OAuthClient, AccessToken, RefreshToken]
    rows = {model._meta.label: list(model._default_manager.order_by("pk").values()) for model in models}
    for person in rows["apis.Person"]:
        del person["last_login"]  # looking needs signing in
    plans_of = Api.business_plans.through.objects.order_by("pk").values()
    return {**rows, "plans of APIs": list(plans_of)}


def way_to(state: State) -> list[Action]:
    """The shortest way from created to `state`, along the table."""
    ways: dict[State, list[Action]] = {State.CREATED: []}
    while state not in ways:
        for step in TRANSITIONS:
            if step.source in ways and step.target not in ways:
                ways[step.target] = [*ways[step.source], step.action]
    return ways[state]


def walk(api: Api, state: State, actor: Actor) -> Api:
    """Bring a new API that has everything it needs into `state`, step by step."""
    for action in way_to(state):
        api = publishing.api_transition(actor=actor, api=api, action=action)
    assert api.state == state
    return api


def last_entry() -> HistoryEntry:
    """The newest entry of the history."""
    entry = HistoryEntry.objects.order_by("-id").first()
    assert entry is not None
    return entry


def whole_database() -> str:
    """Every cell of every table as one text, to look for what must not be in it."""
    found = []
    with connection.cursor() as cursor:
        for table in connection.introspection.table_names():
            cursor.execute(f'SELECT * FROM "{table}"')
            found += [str(row) for row in cursor.fetchall()]
    return "\n".join(found)
