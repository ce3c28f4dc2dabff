"""What people may write about an API: documents, comments, ratings. Checks, no database.

Source: sections 4.2, 9 and 10 of the reference.
"""

from __future__ import annotations

import re
from typing import Any, Final

from apis.validators import text_problem, url_problem
from apis.words import phrase

DOCUMENT_TYPES: Final = ("howto", "samples", "public_forum", "support_forum", "other")
FORUMS: Final = frozenset({"public_forum", "support_forum"})  # places, so nothing but links
DOCUMENT_VISIBILITIES: Final = ("api", "private")
DOCUMENT_NAME_LIMIT: Final = 50
SUMMARY_LIMIT: Final = 500
CONTENT_LIMIT: Final = 100_000  # characters; apis.markdown renders no more
DOCUMENTS_LIMIT: Final = 50  # of one API
COMMENT_LIMIT: Final = 2_000
REPLIES_LIMIT: Final = 200  # to one comment; a page shows them all
RATINGS: Final = (1, 2, 3, 4, 5)
_PRINTABLE: Final = re.compile(r"[!-~]*")


def document_problems(values: dict[str, Any]) -> dict[str, str]:
    """What is wrong with those fields of a document that are given, by field.

    Args:
        values: any of name, type, other_type, summary, visibility, content, url.
    """
    problems = {}
    for field, check in _CHECKS.items():
        if field in values and (problem := check(values[field])):
            problems[field] = problem
    return problems


def _name_problem(name: str) -> str:
    if not name or name != name.strip():
        return "A document needs a name without leading or trailing spaces."
    return text_problem(name, DOCUMENT_NAME_LIMIT, "Name") or _line_problem(name)


def _line_problem(text: str) -> str:
    return "This should be a single line." if set(text) & set("\r\n\t") else ""


def _content_problem(text: str) -> str:
    return text_problem(text, CONTENT_LIMIT, "Text") if text.strip() else "The text should not be empty."


def link_problem(url: str) -> str:
    """What is wrong with a link to a page of the web, or ""."""
    address, _, fragment = url.partition("#")
    problem = url_problem(address, ("http", "https"), "Link")
    return problem or ("" if _PRINTABLE.fullmatch(fragment) else "A link has no spaces and no special characters.")


def _one_of(allowed: tuple[str, ...]) -> Any:
    return lambda value: "" if value in allowed else phrase("This should be one of: {known}.", known=", ".join(allowed))


_CHECKS: Final[dict[str, Any]] = {
    "name": _name_problem,
    "type": _one_of(DOCUMENT_TYPES),
    "other_type": lambda text: text_problem(text, DOCUMENT_NAME_LIMIT, "Type") or _line_problem(text),
    "summary": lambda text: text_problem(text, SUMMARY_LIMIT, "Summary"),
    "visibility": _one_of(DOCUMENT_VISIBILITIES),
    "content": _content_problem,
    "url": link_problem,
}


def comment_problem(text: str) -> str:
    """What is wrong with a comment, or ""."""
    return text_problem(text, COMMENT_LIMIT, "Comment") if text.strip() else "A comment should not be empty."


def rating_problem(rating: Any) -> str:
    """What is wrong with a number of stars, or ""."""
    is_whole = isinstance(rating, int) and not isinstance(rating, bool)
    return "" if is_whole and rating in RATINGS else "A rating is a whole number from 1 to 5."
