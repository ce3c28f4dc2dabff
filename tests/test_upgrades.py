"""A rolling upgrade: while processes restart, the previous release works on the tables of the next one."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import migrations, models
from django.db.migrations.operations.base import Operation
from django.db.migrations.state import ProjectState

from wsportal import upgrades

TOPIC: list[tuple[str, models.Field]] = [
    ("id", models.BigAutoField(primary_key=True)),
    ("name", models.CharField(max_length=100)),
    ("note", models.TextField(null=True)),
]


@pytest.fixture
def before() -> ProjectState:
    """One table, as the previous release knows it."""
    state = ProjectState()
    migrations.CreateModel("Topic", TOPIC).state_forwards("rooms", state)
    return state


@pytest.mark.parametrize(
    ("operation", "told"),
    [
        (migrations.RemoveField("topic", "note"), "drops topic.note"),
        (migrations.RenameField("topic", "note", "remark"), "renames topic.note"),
        (migrations.RenameModel("Topic", "Subject"), "renames Topic"),
        (migrations.AlterModelTable("Topic", "elsewhere"), "renames Topic"),
        (migrations.DeleteModel("Topic"), "drops Topic"),
        (migrations.AddField("topic", "kind", models.CharField(max_length=9, default="x")), "topic.kind is new"),
        (migrations.AlterField("topic", "note", models.TextField()), "may no longer be null"),
        (migrations.AlterField("topic", "name", models.CharField(max_length=50)), "takes less"),
        (migrations.AlterField("topic", "name", models.CharField(max_length=100, unique=True)), "must be unique"),
        (migrations.AlterField("topic", "name", models.IntegerField()), "type of topic.name"),
        (
            migrations.AddConstraint("topic", models.UniqueConstraint(fields=["name"], name="one")),
            "a rule to topic",
        ),
        (migrations.RunSQL("ALTER TABLE rooms_topic DROP COLUMN note"), "runs SQL"),
        (migrations.SeparateDatabaseAndState([migrations.RemoveField("topic", "note")]), "drops topic.note"),
    ],
)
def test_what_the_previous_release_needs_may_not_be_taken_away(
    before: ProjectState, operation: Operation, told: str
) -> None:
    (problem,) = upgrades.problems([operation], "rooms", before)
    assert told in problem


@pytest.mark.parametrize(
    "operation",
    [
        migrations.CreateModel("Room", TOPIC),
        migrations.AddField("topic", "kind", models.CharField(max_length=9, db_default="x")),
        migrations.AddField("topic", "kind", models.CharField(max_length=9, null=True)),
        migrations.AddField("topic", "rooms", models.ManyToManyField("rooms.Topic")),
        migrations.AlterField("topic", "name", models.CharField(max_length=200, null=True)),
        migrations.AddIndex("topic", models.Index(fields=["name"], name="by_name")),
        migrations.SeparateDatabaseAndState([], [migrations.RemoveField("topic", "note")]),
        migrations.RemoveField("topic", "kind"),  # came and went since the previous release
        migrations.DeleteModel("Room"),
    ],
)
def test_what_it_does_not_know_may_come_and_go(before: ProjectState, operation: Operation) -> None:
    assert list(upgrades.problems([operation], "rooms", before)) == []


def test_our_own_migrations_since_the_previous_release_are_safe_and_the_command_says_so() -> None:
    assert upgrades.unsafe_migrations() == []
    said = StringIO()
    call_command("check_upgrade", stdout=said)
    assert "safe" in said.getvalue()


def test_the_command_refuses_what_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    found = upgrades.unsafe_migrations({"apis": "0002_design_plans_and_subscriptions", "gateway": "0001_initial"})
    assert any(line.startswith("apis 0003_api_runtime: api.runtime is new") for line in found)
    monkeypatch.setattr(upgrades, "unsafe_migrations", lambda: found)
    with pytest.raises(CommandError, match=r"apis 0003_api_runtime: api\.runtime is new"):
        call_command("check_upgrade")
