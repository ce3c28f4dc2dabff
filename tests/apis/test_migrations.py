"""An installation that is updated: what was there before goes on as it was."""

from __future__ import annotations

import pytest
from django.db import connection
from django.db.migrations.executor import MigrationExecutor

from apis import shapes
from apis.models import Api


@pytest.mark.django_db(transaction=True)
def test_an_api_from_before_there_were_runtime_limits_has_the_defaults(chat: Api) -> None:
    MigrationExecutor(connection).migrate([("apis", "0002_design_plans_and_subscriptions")])
    executor = MigrationExecutor(connection)
    executor.migrate(executor.loader.graph.leaf_nodes())
    assert Api.objects.get().runtime == shapes.DEFAULT_RUNTIME
