"""Lists are paged: `?page=&page_size=` -> {"count", "next", "previous", "results"}."""

from __future__ import annotations

from typing import Any, Final

from django.core.paginator import InvalidPage
from rest_framework.exceptions import NotFound
from rest_framework.pagination import PageNumberPagination
from rest_framework.request import Request

from apis.rest.problems import BadQuery

PAGE_SIZE: Final = 25
PAGE_SIZE_LIMIT: Final = 100
_PAGE_LIMIT: Final = 1_000_000_000


class Pages(PageNumberPagination):
    """Pages by number. What is not a number of a page is 400, a page behind the last one 404."""

    page_size = PAGE_SIZE
    page_size_query_param = "page_size"
    max_page_size = PAGE_SIZE_LIMIT
    page_query_description = "Number of the page, from 1."
    page_size_query_description = f"Rows per page, 1 to {PAGE_SIZE_LIMIT}; {PAGE_SIZE} unless given."

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any] | None:
        """Raises: BadQuery, NotFound."""
        number = _number(request, self.page_query_param, 1, _PAGE_LIMIT)
        size = _number(request, "page_size", PAGE_SIZE, PAGE_SIZE_LIMIT)
        paginator = self.django_paginator_class(queryset, size)
        try:
            self.page = paginator.page(number)
        except InvalidPage:
            raise NotFound(f"There is no page {number}; the last one is {paginator.num_pages}.") from None
        self.request = request
        return list(self.page)


def _number(request: Request, name: str, default: int, most: int) -> int:
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) <= 10 and 1 <= int(text) <= most):
        raise BadQuery({name: f"This should be a whole number between 1 and {most}."})
    return int(text)
