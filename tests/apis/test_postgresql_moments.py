"""Deleting what others write about at that moment, on a real PostgreSQL server: refusals, no faults, no deadlocks."""

from __future__ import annotations

from tests.apis.at_once import told_on_postgresql

STORY = """
from django.db import connection
from apis.models import Api, Application, Comment, Person, Subscription
from apis.permissions import Actor
from apis.services import comments, demo, designs, publishing, ratings, subscribing
from tests.apis.at_once import at_once
roles = {"adam": ["administrator"], "paul": ["creator", "publisher"], "sam": ["subscriber"]}
who = {name: Actor.of(Person.objects.create_user(name, roles=held)) for name, held in roles.items()}
demo.seed_essentials(who["adam"])
comments.SPEECH = type("Never", (), {"begin": lambda self, who: 0})()

for number in range(12):
    api = publishing.api_create_and_publish(actor=who["paul"], name="Chat", context="/chat", version="1.0.0",
        endpoint="wss://chat.example.com", business_plans=["Bronze", "Unlimited"])
    mine = lambda: Api.objects.select_related("version_set").get(pk=api.pk)
    first, second = (comments.comment_create(actor=who["sam"], api=api, content=text) for text in "ab")
    replies = [comments.comment_create(actor=who["sam"], api=api, content="c", reply_to=first.pk) for _ in "12"]
    comments.comment_delete(actor=who["paul"], comment=first)
    left = [Comment.objects.select_related("api", "reply_to").get(pk=row.pk) for row in replies]
    answers = at_once(*(lambda row=row: comments.comment_delete(actor=who["sam"], comment=row) for row in left))
    assert answers == ["done"] * 2, answers
    assert not Comment.objects.filter(pk=first.pk).exists()

    phone = subscribing.application_create(actor=who["sam"], name="Phone")
    row = subscribing.subscription_create(actor=who["sam"], api=api, application=phone, business_plan="Bronze")
    one, other = Subscription.objects.get(pk=row.pk), Application.objects.get(pk=phone.pk)
    answers = at_once(
        lambda: subscribing.subscription_change_plan(actor=who["sam"], subscription=one, business_plan="Unlimited"),
        lambda: subscribing.application_delete(actor=who["sam"], application=other),
    )
    assert answers in (["done", "done"], ["not_found", "done"]), answers

    gone, spoken, rated, said = mine(), mine(), mine(), Comment.objects.select_related("api").get(pk=second.pk)
    answers = at_once(
        lambda: designs.api_delete(actor=who["paul"], api=gone),
        lambda: comments.comment_create(actor=who["sam"], api=spoken, content="Hello"),
        lambda: ratings.rating_set(actor=who["sam"], api=rated, rating=5),
        lambda: comments.comment_delete(actor=who["paul"], comment=said),
    )
    assert answers[0] == "done" and set(answers[1:]) <= {"done", "not_found"}, answers
    assert not Api.objects.exists()
print("CALM", connection.vendor)
"""


def test_what_is_deleted_while_others_write_about_it_is_not_there_for_them() -> None:
    assert "CALM postgresql" in told_on_postgresql(STORY)
