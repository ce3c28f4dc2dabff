"""What a stranger tries: to do two things at one moment, and to ask for what is half there."""

from __future__ import annotations

from uuid import UUID

import pytest

from apis.errors import Invalid, Missing
from apis.models import Api, Comment, Person
from apis.permissions import Actor
from apis.services import comments, designs, drafts, ratings
from tests.apis.browsing import Visit

pytestmark = pytest.mark.django_db


class Meanwhile:
    """Stands where a try is counted, which is after everything was looked at and before anything is written."""

    def __init__(self, act: object) -> None:
        self.act = act

    def begin(self, who: str) -> int:
        self.act()  # type: ignore[operator]
        return 0


def test_nobody_answers_to_a_comment_that_is_taken_away_at_that_moment(
    monkeypatch: pytest.MonkeyPatch, chat: Api, sam: Person, eve: Person
) -> None:
    first = comments.comment_create(actor=Actor.of(sam), api=chat, content="Hello")
    comments.comment_create(actor=Actor.of(eve), api=chat, content="Hi", reply_to=first.pk)
    mine = Comment.objects.get(pk=first.pk)
    monkeypatch.setattr(
        comments, "SPEECH", Meanwhile(lambda: comments.comment_delete(actor=Actor.of(sam), comment=mine))
    )
    with pytest.raises(Invalid) as refusal:
        comments.comment_create(actor=Actor.of(eve), api=chat, content="Still there?", reply_to=first.pk)
    assert refusal.value.fields == {"reply_to": ["There is no such comment on this API."]}
    assert Comment.objects.count() == 2


def test_nobody_comments_or_rates_what_is_deleted_at_that_moment(
    monkeypatch: pytest.MonkeyPatch, draft: Api, chat: Api, carol: Person, sam: Person, adam: Person
) -> None:
    actor = Actor.of(carol)
    gone = Api.objects.get(pk=draft.pk)
    monkeypatch.setattr(comments, "SPEECH", Meanwhile(lambda: designs.api_delete(actor=actor, api=gone)))
    with pytest.raises(Missing):
        comments.comment_create(actor=actor, api=draft, content="Hello")
    monkeypatch.setattr(ratings, "rating_problem", lambda _: designs.api_delete(actor=Actor.of(adam), api=chat) or "")
    with pytest.raises(Missing):
        ratings.rating_set(actor=Actor.of(sam), api=chat, rating=5)


@pytest.mark.parametrize("form", ["info", "document", "definition", f"new-api:{UUID(int=7)}", "info:", "new-api:x"])
def test_a_draft_of_a_form_that_does_not_fit_its_kind_is_not_there(carol: Person, form: str) -> None:
    visit = Visit(carol)
    assert visit.see(f"/publisher/drafts/{form}/discard").status == 404
    assert visit.send(f"/publisher/drafts/{form}", name="x", description="x", content="x").status == 404
    with pytest.raises(Missing):
        drafts.fields_of(form)
