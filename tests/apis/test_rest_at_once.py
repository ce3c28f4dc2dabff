"""People who do the same thing at the same moment, on real connections: one wins, the other is told."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest
from django.db import connection

from apis.models import Api, HistoryEntry, Subscription, VersionSet
from apis.services import designs
from tests.apis.conftest import Answer
from tests.conftest import CHAT

pytestmark = pytest.mark.django_db(transaction=True)


def at_once(*calls: Callable[[], Answer]) -> list[Answer]:
    """Start every call at the same barrier, each in a thread with its own database connection."""
    barrier, answers = threading.Barrier(len(calls)), []

    def run(call: Callable[[], Answer]) -> None:
        barrier.wait()
        try:
            answers.append(call())
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=(call,)) for call in calls]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=30)
    return sorted(answers, key=lambda answer: answer.status)


def test_two_people_create_the_same_context(rest, carol, paul):
    callers: list[tuple[Any, str]] = [(rest(carol), "One"), (rest(paul), "Two"), (rest(carol), "Three")]
    answers = at_once(*(lambda c=c, name=name: c.post("/apis", {**CHAT, "name": name}) for c, name in callers))
    assert [answer.status for answer in answers] == [201, 409, 409]
    for loser in answers[1:]:
        assert loser.refused(409, "already_exists").keys() == {"#/context"}
    assert (
        Api.objects.count() == VersionSet.objects.count() == HistoryEntry.objects.filter(action="create").count() == 1
    )


def test_two_people_create_and_publish_the_same_api(rest, paul):
    callers = [rest(paul), rest(paul)]
    answers = at_once(*(lambda c=c: c.post("/apis?publish=true", CHAT) for c in callers))
    assert [answer.status for answer in answers] == [201, 409]
    assert Api.objects.get().deployments.count() == 1


def test_the_same_version_twice(rest, carol, actor):
    api = designs.api_create(actor=actor(carol), **CHAT)
    callers = [rest(carol), rest(carol)]
    answers = at_once(*(lambda c=c: c.post(f"/apis/{api.pk}/versions", {"version": "2"}) for c in callers))
    assert [answer.status for answer in answers] == [201, 409]
    assert answers[1].refused(409).keys() == {"#/version"}


def test_the_same_subscription_twice(rest, sam, phone, chat):
    body = {"api": str(chat.pk), "application": str(phone.pk), "business_plan": "Bronze"}
    callers = [rest(sam), rest(sam)]
    answers = at_once(*(lambda c=c: c.post("/subscriptions", body) for c in callers))
    assert [answer.status for answer in answers] == [201, 409]
    assert Subscription.objects.count() == 1


def test_the_same_step_of_the_lifecycle_twice(rest, paul, chat):
    callers = [rest(paul), rest(paul)]
    step = {"action": "block"}
    answers = at_once(*(lambda c=c: c.post(f"/apis/{chat.pk}/transitions", step) for c in callers))
    assert [answer.status for answer in answers] == [200, 409]


def test_the_sixth_revision_from_six_sides(rest, carol, actor):
    api = designs.api_create(actor=actor(carol), **CHAT)
    callers = [rest(carol) for _ in range(7)]
    answers = at_once(*(lambda c=c: c.post(f"/apis/{api.pk}/revisions") for c in callers))
    assert [answer.status for answer in answers] == [201] * 5 + [409] * 2
    assert sorted(answer.body["number"] for answer in answers[:5]) == [1, 2, 3, 4, 5]
