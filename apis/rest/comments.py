"""/apis/{id}/comments, /apis/{id}/rating and /apis/{id}/ratings: what people say about an API."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers
from rest_framework.request import Request
from rest_framework.response import Response

from apis import selectors_social
from apis.models import Comment
from apis.rest.designs import ApiResource
from apis.rest.fields import Body, Id, Text, Whole
from apis.rest.schema import operation
from apis.services import comments, ratings


class CommentChangeBody(Body):
    """A comment said better."""

    content = Text(help_text="Markdown without headings, images and tables; at most 2,000 characters.")


class CommentBody(CommentChangeBody):
    """A comment."""

    reply_to = Id(required=False, allow_null=True, help_text="Id of the comment that it answers; not of a reply.")


class ReplyAnswer(serializers.Serializer):
    """What somebody said."""

    id = serializers.UUIDField()
    author = serializers.CharField(source="author_name")
    content = serializers.CharField(help_text="Markdown as it was typed; empty where it is removed.")
    reply_to = serializers.UUIDField(source="reply_to_id", allow_null=True)
    is_removed = serializers.BooleanField(help_text="Its author or a moderator took it away; its replies are left.")
    created_at = serializers.DateTimeField()
    edited_at = serializers.DateTimeField(allow_null=True)


class CommentAnswer(ReplyAnswer):
    """What somebody said, and the answers to it, oldest first."""

    replies = serializers.SerializerMethodField()

    @extend_schema_field(ReplyAnswer(many=True))
    def get_replies(self, comment: Comment) -> Any:
        return ReplyAnswer(comment.replies.all(), many=True).data


class StarsAnswer(serializers.Serializer):
    """How an API is rated."""

    average = serializers.FloatField(allow_null=True, help_text="Stars, 1 to 5; null while nobody rated it.")
    count = serializers.IntegerField(help_text="People who rated it.")
    mine = serializers.IntegerField(allow_null=True, help_text="What you gave.")


class RatingAnswer(serializers.Serializer):
    """What somebody gave."""

    id = serializers.IntegerField()
    person = serializers.CharField(source="person.username")
    rating = serializers.IntegerField(help_text="Stars, 1 to 5.")
    rated_at = serializers.DateTimeField()


class RatingBody(Body):
    """Stars."""

    rating = Whole(min_value=1, max_value=5)


class Comments(ApiResource):
    @operation(
        "apis_comments",
        "List the comments on an API, newest first, each with its replies",
        rows=CommentAnswer,
        errors=(404,),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        return self.page(selectors_social.comments_of(self.api(api_id)), CommentAnswer)

    @operation(
        "apis_comments_create",
        "Comment on an API that you see (anybody with a role)",
        body=CommentBody,
        answer=CommentAnswer,
        status=201,
        errors=(403, 404, 409, 429),
        example={"content": "Does `/rooms/*` keep the order of messages?"},
    )
    def post(self, request: Request, api_id: UUID) -> Response:
        api = self.api(api_id)
        comment = comments.comment_create(actor=self.actor, api=api, **self.body(CommentBody))
        headers = {"Location": f"/api/v1/apis/{api.pk}/comments/{comment.pk}"}
        return Response(CommentAnswer(comment).data, status=201, headers=headers)


class OneComment(ApiResource):
    def comment(self, api_id: UUID, comment_id: UUID) -> Comment:
        """Raises: Missing."""
        return selectors_social.comment_get(self.api(api_id), comment_id)

    @operation("apis_comments_read", "Show a comment", answer=CommentAnswer, errors=(404,))
    def get(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        return Response(CommentAnswer(self.comment(api_id, comment_id)).data)

    @operation(
        "apis_comments_update",
        "Change what you said; it is marked as changed",
        body=CommentChangeBody,
        answer=CommentAnswer,
        errors=(403, 404),
        example={"content": "It does."},
    )
    def patch(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        comment = self.comment(api_id, comment_id)
        values = self.body(CommentChangeBody, partial=True)
        return Response(CommentAnswer(comments.comment_update(actor=self.actor, comment=comment, **values)).data)

    @operation(
        "apis_comments_delete",
        "Take back what you said, or remove what somebody else said (publishers and administrators)",
        status=204,
        errors=(403, 404),
        detail="Replies stay: a comment that has some is emptied and goes with the last of them.",
    )
    def delete(self, request: Request, api_id: UUID, comment_id: UUID) -> Response:
        comments.comment_delete(actor=self.actor, comment=self.comment(api_id, comment_id))
        return Response(status=204)


class ApiRating(ApiResource):
    def shown(self, api_id: UUID) -> Response:
        return Response(StarsAnswer(selectors_social.stars_of(self.api(api_id), self.actor)).data)

    @operation("apis_rating", "How an API is rated", answer=StarsAnswer, errors=(404,))
    def get(self, request: Request, api_id: UUID) -> Response:
        return self.shown(api_id)

    @operation(
        "apis_rating_set",
        "Rate an API that is on offer, or rate it anew (subscribers)",
        body=RatingBody,
        answer=StarsAnswer,
        errors=(403, 404, 409),
        example={"rating": 4},
    )
    def put(self, request: Request, api_id: UUID) -> Response:
        ratings.rating_set(actor=self.actor, api=self.api(api_id), **self.body(RatingBody))
        return self.shown(api_id)

    @operation("apis_rating_delete", "Take your rating back", status=204, errors=(403, 404, 409))
    def delete(self, request: Request, api_id: UUID) -> Response:
        ratings.rating_remove(actor=self.actor, api=self.api(api_id))
        return Response(status=204)


class Ratings(ApiResource):
    @operation(
        "apis_ratings",
        "List who gave how many stars, the latest first (publishers and administrators)",
        rows=RatingAnswer,
        errors=(403, 404),
    )
    def get(self, request: Request, api_id: UUID) -> Response:
        return self.page(selectors_social.ratings_of(self.actor, self.api(api_id)), RatingAnswer)


class OneRating(ApiResource):
    @operation(
        "apis_ratings_delete",
        "Take away what somebody gave (publishers and administrators)",
        status=204,
        errors=(403, 404),
        detail="It is written into the history of the API; who gave it may rate the API again.",
    )
    def delete(self, request: Request, api_id: UUID, rating_id: int) -> Response:
        rating = selectors_social.rating_get(self.actor, self.api(api_id), rating_id)
        ratings.rating_delete(actor=self.actor, rating=rating)
        return Response(status=204)
