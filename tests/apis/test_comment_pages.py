"""Comments and ratings in both portals, without script: said, answered, changed, taken away; stars given."""

from __future__ import annotations

import pytest

from apis.models import Comment, Rating
from apis.services import comments
from apis.services.attempts import Attempts
from tests.apis.browsing import YES, Visit, at, page_of
from tests.apis.test_markdown import HOSTILE
from tests.apis.world import everything


@pytest.fixture
def question(actor, sam, chat):
    return comments.comment_create(actor=actor(sam), api=chat, content="Is the **order** kept?\nAlways?")


def test_sam_says_something_and_paul_answers(sam, paul, chat):
    visit = Visit(sam)
    shown = visit.see(page_of(chat))
    assert "Your comment" in shown.words
    shown = visit.do(page_of(chat, "comments/"), content="Is the order kept?\r\nAlways?")
    asked = Comment.objects.get()
    assert asked.content == "Is the order kept?\nAlways?"
    assert shown.response.redirect_chain[-1][0].endswith(f"/comments/#comment-{asked.pk}")
    shown = Visit(paul).do(at(chat, f"comments/{asked.pk}/reply"), content="It is.", page="1")
    assert "It is." in shown.words
    shown = visit.see(page_of(chat))
    assert "Is the order kept? Always?" in shown.words
    assert "paul Provider" in shown.words


def test_what_is_refused_keeps_its_text(sam, chat, question, monkeypatch):
    visit, before = Visit(sam), everything()
    for tail in ("comments/", f"comments/{question.pk}/", f"comments/{question.pk}/reply"):
        shown = visit.send(page_of(chat, tail), content="x" * 2001)
        assert shown.status == 400
        assert "at most" in shown.beside("content") or "maximum" in shown.beside("content")
        assert "x" * 2001 in shown.html
        assert visit.send(page_of(chat, tail), content="  ").status == 400
    assert everything() == before
    monkeypatch.setattr(comments, "SPEECH", Attempts("comment", limit=0))
    shown = visit.send(page_of(chat, "comments/"), content="Too fast")
    assert (shown.status, "try again" in shown.beside("content"), "Too fast" in shown.html) == (429, True, True)


def test_sam_changes_and_deletes_what_sam_said(sam, chat, question):
    visit = Visit(sam)
    assert "Is the **order** kept?" in visit.see(page_of(chat, f"comments/{question.pk}/")).html
    shown = visit.do(page_of(chat, f"comments/{question.pk}/"), content="Never mind.")
    assert "Never mind." in shown.words
    assert "(changed)" in shown.words
    assert "Remove the comment of sam?" in visit.see(page_of(chat, f"comments/{question.pk}/remove")).words
    assert "The comment is removed." in visit.do(page_of(chat, f"comments/{question.pk}/remove")).words
    assert not Comment.objects.exists()


def test_a_publisher_moderates_after_a_question(pia, chat, question):
    visit = Visit(pia)
    assert "Remove" in " ".join(visit.see(at(chat, "comments/")).buttons)
    shown = visit.send(at(chat, f"comments/{question.pk}/remove"))
    assert "Remove the comment of sam?" in shown.words
    assert Comment.objects.exists()
    visit.do(at(chat, f"comments/{question.pk}/remove"), **YES)
    assert not Comment.objects.exists()
    assert "Deleted a comment" in visit.see(at(chat, "history/")).words


@pytest.mark.parametrize("name", ["eve", "vic", "carol"])
def test_nobody_else_changes_or_removes_it(people, chat, question, name):
    visit, before = Visit(people[name]), everything()
    shown = visit.see(page_of(chat, "comments/"))
    assert "Is the order kept?" in shown.words
    assert not {"Edit", "Delete", "Remove"} & set(shown.buttons)
    for tail in ("", "remove"):
        assert visit.see(page_of(chat, f"comments/{question.pk}/{tail}")).status == 404
        assert visit.send(page_of(chat, f"comments/{question.pk}/{tail}"), content="x").status == 404
    if name == "carol":
        assert visit.send(at(chat, f"comments/{question.pk}/"), content="x").status == 404
        assert visit.send(at(chat, f"comments/{question.pk}/remove"), **YES).status == 403
    assert everything() == before


def test_somebody_without_a_role_reads_and_is_told_what_speaking_needs(vic, chat, question):
    visit = Visit(vic)
    shown = visit.see(page_of(chat))
    assert "Is the order kept?" in shown.words
    assert "Commenting needs the subscriber role." in shown.words
    assert visit.send(page_of(chat, "comments/"), content="x").status == 403
    assert visit.send(page_of(chat, f"comments/{question.pk}/reply"), content="x").status == 403
    assert visit.send(page_of(chat, "rate"), rating="3").status == 403
    assert Comment.objects.count() == 1


def test_somebody_who_has_not_signed_in_reads_what_is_public_and_signs_in_to_speak(chat, question):
    visit = Visit()
    shown = visit.see(page_of(chat))
    assert "Is the order kept?" in shown.words
    assert "Sign in to comment." in shown.words
    for tail in ("comments/", f"comments/{question.pk}/reply", "rate"):
        answer = visit.send(page_of(chat, tail), content="x", rating="3")
        assert (answer.status, answer.response["Location"].startswith("/login")) == (302, True)
    chat.visible_roles = ["subscriber"]
    chat.save()
    assert visit.see(page_of(chat, "comments/")).status == 404


def test_comments_of_an_api_that_is_not_on_offer_are_not_there(sam, draft):
    visit = Visit(sam)
    assert visit.see(page_of(draft, "comments/")).status == 404
    assert visit.send(page_of(draft, "comments/"), content="x").status == 404
    assert visit.send(page_of(draft, "rate"), rating="3").status == 404


def test_comments_come_by_the_page_and_the_way_back_leads_to_it(sam, paul, chat, actor, monkeypatch):
    monkeypatch.setattr(comments, "SPEECH", Attempts("much", limit=100))
    for number in range(21):
        comments.comment_create(actor=actor(sam), api=chat, content=f"number {number}")
    first = Comment.objects.order_by("created_at").first()
    visit = Visit(sam)
    assert "All comments" in visit.see(page_of(chat)).words
    assert "Page 1 of 2" in visit.see(page_of(chat, "comments/")).words
    shown = visit.do(page_of(chat, f"comments/{first.pk}/reply"), content="Late", page="2")
    assert shown.response.redirect_chain[-1][0].startswith(f"/devportal/apis/{chat.pk}/comments/?page=2#comment-")
    assert "Late" in shown.words
    assert visit.see(page_of(chat, "comments/"), page="99").status == 200
    shown = Visit(paul).do(at(chat, f"comments/{first.pk}/reply"), content="Later", page="<script>")
    assert "script" not in shown.response.redirect_chain[-1][0]


def test_a_removed_comment_keeps_its_place_above_its_replies(actor, sam, paul, chat, question):
    comments.comment_create(actor=actor(paul), api=chat, content="It is.", reply_to=question.pk)
    comments.comment_delete(actor=actor(sam), comment=question)
    shown = Visit(sam).see(page_of(chat, "comments/"))
    assert "This comment is removed. paul Provider" in shown.words
    assert Visit(sam).see(page_of(chat, f"comments/{question.pk}/")).status == 404


def test_nothing_that_is_said_is_run(actor, sam, paul, chat):
    for text in ("\n\n".join(HOSTILE)[:2000], "\"'><script>alert(1)</script>"):
        comments.comment_create(actor=actor(sam), api=chat, content=text)
    for shown in (
        Visit(sam).see(page_of(chat)), Visit(sam).see(page_of(chat, "comments/")),
        Visit(paul).see(at(chat, "comments/")),
        Visit(paul).see(at(chat, f"comments/{Comment.objects.first().pk}/remove")),
        Visit(sam).see(page_of(chat, f"comments/{Comment.objects.first().pk}/")),
        Visit(sam).see(page_of(chat, f"comments/{Comment.objects.first().pk}/remove")),
    ):  # fmt: skip
        assert shown.status == 200
        assert "<script>alert" not in shown.html
        assert "onerror=alert" not in shown.html.replace("&lt;img src=x onerror=alert", "").replace("OnErRoR", "")


# Stars -----------------------------------------------------------------------------------------------------------


def test_stars_are_given_changed_and_taken_back(sam, eve, chat):
    visit = Visit(sam)
    shown = visit.see(page_of(chat))
    assert "Nobody has rated it yet" in shown.words
    assert "Rate" in shown.buttons
    shown = visit.do(page_of(chat, "rate"), rating="4")
    assert "Your rating is saved." in shown.words
    assert 'aria-label="4.0 of 5 stars, rated by 1 person"' in shown.html
    assert 'value="4" required checked' in shown.html
    Visit(eve).do(page_of(chat, "rate"), rating="5")
    shown = visit.see("/devportal/")
    assert 'aria-label="4.5 of 5 stars, rated by 2 people"' in shown.html
    visit.do(page_of(chat, "rate"), rating="none")
    assert [row.person for row in Rating.objects.all()] == [eve]


@pytest.mark.parametrize("rating", ["", "0", "6", "x", "4.5", "٣", "12"])
def test_other_numbers_are_no_rating(sam, chat, rating):
    assert "Choose one to five stars." in Visit(sam).do(page_of(chat, "rate"), rating=rating).words
    assert not Rating.objects.exists()


@pytest.mark.parametrize("name", ["carol", "pia", "vic", None])
def test_who_does_not_subscribe_sees_stars_and_gives_none(people, chat, name):
    shown = Visit(people[name] if name else None).see(page_of(chat))
    assert shown.status == 200
    assert "Nobody has rated it yet" in shown.words
    assert "Rate" not in shown.buttons


def test_who_had_to_sign_in_first_comes_back_to_the_api(sam, chat):
    assert Visit(sam).see(page_of(chat, "rate")).response["Location"] == page_of(chat) + "#rating"
