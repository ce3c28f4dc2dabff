"""Comments and ratings: what people say about an API, and who takes it away."""

from __future__ import annotations

from uuid import uuid4

import pytest

from apis import selectors_social
from apis.errors import Conflict, Forbidden, Invalid, Missing, TooOften
from apis.models import Api, Comment, Person, Rating
from apis.permissions import Actor
from apis.services import comments, publishing
from apis.services.attempts import Attempts
from apis.services.comments import comment_create, comment_delete, comment_update
from apis.services.ratings import rating_remove, rating_set
from tests.apis.world import everything, last_entry

SPEAKERS = ["carol", "pia", "paul", "sam", "eve", "adam"]


@pytest.fixture
def question(actor, sam, chat):
    return comment_create(actor=actor(sam), api=chat, content="Is the order kept?")


@pytest.fixture
def answer(actor, paul, chat, question):
    return comment_create(actor=actor(paul), api=chat, content="It is.", reply_to=question.pk)


def said(api: Api) -> list[tuple[str, list[str]]]:
    rows = selectors_social.comments_of(api)
    return [(one.content, [reply.content for reply in one.replies.all()]) for one in rows]


# Comments --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", SPEAKERS)
def test_everybody_with_a_role_comments_on_what_they_see(actor, people, chat, name):
    comment = comment_create(actor=actor(people[name]), api=chat, content="Good.\nVery good.")
    assert (comment.author, comment.author_name, comment.edited_at) == (people[name], name, None)


def test_somebody_without_a_role_reads_only(actor, vic, chat, question):
    before = everything()
    with pytest.raises(Forbidden):
        comment_create(actor=actor(vic), api=chat, content="Hello")
    assert everything() == before
    assert said(chat) == [("Is the order kept?", [])]


def test_a_token_that_may_only_read_does_not_speak(actor, carol, chat):
    with pytest.raises(Forbidden) as caught:
        comment_create(actor=Actor.of(carol, ["api:read"]), api=chat, content="Hello")
    assert caught.value.code == "insufficient_scope"


def test_an_api_that_is_not_seen_is_not_talked_about(actor, sam, carol, draft):
    with pytest.raises(Missing):
        comment_create(actor=actor(sam), api=draft, content="Hello")
    comment_create(actor=actor(carol), api=draft, content="Shall we?")
    assert said(draft) == [("Shall we?", [])]


def test_an_api_for_some_roles_is_talked_about_by_those(actor, sam, eve, paul, chat):
    chat.visible_roles = ["partner"]
    chat.save()
    Person.objects.filter(pk=eve.pk).update(roles=["subscriber", "partner"])
    eve = Person.objects.get(pk=eve.pk)
    with pytest.raises(Missing):
        comment_create(actor=actor(sam), api=chat, content="Hello")
    comment_create(actor=actor(eve), api=chat, content="Hello")


@pytest.mark.parametrize("content", ["", " \n\t", "x" * 2001, "a\x00b", "a\u2028b"])
def test_a_comment_says_something_in_at_most_2000_characters(actor, sam, chat, question, content):
    before = everything()
    with pytest.raises(Invalid) as caught:
        comment_create(actor=actor(sam), api=chat, content=content)
    assert caught.value.fields.keys() == {"content"}
    with pytest.raises(Invalid):
        comment_update(actor=actor(sam), comment=question, content=content)
    assert everything() == before
    comment_create(actor=actor(sam), api=chat, content="x" * 2000)


def test_replies_are_one_level_deep_and_on_the_same_api(actor, sam, paul, chat, draft, question, answer):
    assert said(chat) == [("Is the order kept?", ["It is."])]
    for api, reply_to in ((chat, answer.pk), (draft, question.pk), (chat, uuid4())):
        with pytest.raises(Invalid) as caught:
            comment_create(actor=actor(paul), api=api, content="x", reply_to=reply_to)
        assert caught.value.fields.keys() == {"reply_to"}


def test_a_comment_has_so_many_replies_and_no_more(actor, sam, chat, answer, question, monkeypatch):
    monkeypatch.setattr(comments, "REPLIES_LIMIT", 1)
    with pytest.raises(Conflict):
        comment_create(actor=actor(sam), api=chat, content="x", reply_to=question.pk)


def test_the_newest_comes_first_and_the_oldest_reply(actor, sam, paul, chat, question):
    later = comment_create(actor=actor(paul), api=chat, content="News")
    for word in ("one", "two"):
        comment_create(actor=actor(sam), api=chat, content=word, reply_to=question.pk)
    assert said(chat) == [("News", []), ("Is the order kept?", ["one", "two"])]
    assert later.reply_to is None


def test_only_its_author_changes_a_comment_and_it_says_so(actor, people, chat, question):
    for name in ("eve", "paul", "pia", "adam"):
        with pytest.raises(Forbidden):
            comment_update(actor=actor(people[name]), comment=question, content="No.")
    done = comment_update(actor=actor(people["sam"]), comment=question, content="Is the order of messages kept?")
    assert done.edited_at is not None
    done.refresh_from_db()
    assert done.content == "Is the order of messages kept?"


def test_saying_the_same_again_is_no_change(actor, sam, question):
    assert comment_update(actor=actor(sam), comment=question, content=question.content).edited_at is None


@pytest.mark.parametrize("name", ["pia", "paul", "adam"])
def test_publishers_and_administrators_moderate_and_the_history_says_so(actor, people, chat, question, name):
    comment_delete(actor=actor(people[name]), comment=question)
    assert said(chat) == []
    entry = last_entry()
    assert (entry.action, entry.actor_name, entry.api) == ("delete_comment", name, chat)
    assert entry.detail["before"] == {"author": "sam", "content": "Is the order kept?"}


@pytest.mark.parametrize("name", ["eve", "vic", "carol"])
def test_nobody_else_takes_away_what_sam_said(actor, people, chat, question, name):
    with pytest.raises(Forbidden):
        comment_delete(actor=actor(people[name]), comment=question)
    assert said(chat) == [("Is the order kept?", [])]


def test_a_publisher_who_may_not_see_the_design_does_not_moderate(actor, pia, paul, chat, question):
    chat.access_roles = ["creator"]
    chat.save()
    question.refresh_from_db()
    with pytest.raises(Forbidden):
        comment_delete(actor=actor(pia), comment=question)


def test_taking_back_ones_own_words_is_no_matter_for_the_history(actor, sam, chat, question):
    before = last_entry()
    comment_delete(actor=actor(sam), comment=question)
    assert said(chat) == []
    assert last_entry() == before


def test_replies_outlive_what_they_answer(actor, sam, paul, chat, question, answer):
    comment_delete(actor=actor(sam), comment=question)
    question.refresh_from_db()
    assert (question.is_removed, question.content) == (True, "")
    assert said(chat) == [("", ["It is."])]
    for act in (
        lambda: comment_delete(actor=actor(paul), comment=question),
        lambda: selectors_social.comment_get(chat, question.pk),
    ):
        with pytest.raises(Missing):
            act()
    with pytest.raises(Forbidden):
        comment_update(actor=actor(sam), comment=question, content="x")
    with pytest.raises(Invalid):
        comment_create(actor=actor(sam), api=chat, content="x", reply_to=question.pk)
    comment_delete(actor=actor(paul), comment=answer)
    assert not Comment.objects.exists()


def test_somebody_who_writes_too_fast_waits(actor, sam, eve, chat, monkeypatch):
    monkeypatch.setattr(comments, "SPEECH", Attempts("comment", limit=2))
    for _ in range(2):
        comment_create(actor=actor(sam), api=chat, content="x")
    with pytest.raises(TooOften) as caught:
        comment_create(actor=actor(sam), api=chat, content="x")
    assert 0 < caught.value.wait_s <= 60
    comment_create(actor=actor(eve), api=chat, content="x")
    assert Comment.objects.count() == 3


# Ratings ---------------------------------------------------------------------------------------------------------


def test_subscribers_rate_once_and_change_their_minds(actor, sam, eve, chat):
    rating_set(actor=actor(sam), api=chat, rating=2)
    rating_set(actor=actor(eve), api=chat, rating=5)
    rating_set(actor=actor(sam), api=chat, rating=4)
    stars = selectors_social.stars_of(chat, actor(sam))
    assert (stars.average, stars.count, stars.mine) == (4.5, 2, 4)
    rating_remove(actor=actor(sam), api=chat)
    rating_remove(actor=actor(sam), api=chat)
    stars = selectors_social.stars_of(chat, actor(sam))
    assert (stars.average, stars.count, stars.mine) == (5.0, 1, None)


@pytest.mark.parametrize("rating", [0, 6, -1, 2.5, True, "3", None])
def test_a_rating_is_one_to_five_stars(actor, sam, chat, rating):
    with pytest.raises(Invalid) as caught:
        rating_set(actor=actor(sam), api=chat, rating=rating)
    assert caught.value.fields.keys() == {"rating"}
    assert not Rating.objects.exists()


@pytest.mark.parametrize("name", ["carol", "pia", "paul", "vic"])
def test_nobody_but_subscribers_rates(actor, people, chat, name):
    with pytest.raises(Forbidden):
        rating_set(actor=actor(people[name]), api=chat, rating=5)


def test_what_is_not_on_offer_is_not_rated(actor, sam, adam, draft, paul, chat):
    with pytest.raises(Missing):
        rating_set(actor=actor(sam), api=draft, rating=5)
    with pytest.raises(Conflict):
        rating_set(actor=actor(adam), api=draft, rating=5)
    publishing.api_transition(actor=actor(paul), api=chat, action="block")
    with pytest.raises(Missing):
        rating_set(actor=actor(sam), api=chat, rating=5)


def test_lists_carry_the_stars_in_the_same_query(actor, sam, eve, chat, draft, django_assert_num_queries):
    rating_set(actor=actor(sam), api=chat, rating=3)
    rating_set(actor=actor(eve), api=chat, rating=4)
    with django_assert_num_queries(1):
        found = {api.pk: selectors_social.stars_carried(api) for api in selectors_social.with_stars(Api.objects.all())}
    assert (found[chat.pk].average, found[chat.pk].count) == (3.5, 2)
    assert (found[draft.pk].average, found[draft.pk].count) == (None, 0)
    assert selectors_social.stars_carried(chat) == found[chat.pk]
