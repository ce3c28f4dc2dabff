"""Addresses at which nobody sees a page of their own, and why. A new address is a page, or it gets its line here."""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Final

from tests.apis.rights_admin import ADMIN, NEVER

NO_PAGES: Final[dict[str, str]] = {
    "a piece that pages fetch": """
        publisher/apis/validate
        publisher/preview
        publisher/apis/<uuid:api_id>/documents/preview
        publisher/fragments/health/<uuid:api_id>/<str:key_type>
        publisher/fragments/reach/<uuid:api_id>
        publisher/fragments/usage/<uuid:api_id>
        devportal/fragments/usage/<uuid:application_id>
        admin/search/
        admin/autocomplete/
    """,
    "a file": """
        publisher/apis/<uuid:api_id>/documents/<uuid:document_id>/content
        publisher/apis/<uuid:api_id>/documents/<uuid:document_id>/image
        publisher/apis/<uuid:api_id>/definition.yaml
        publisher/apis/<uuid:api_id>/definition.json
        devportal/apis/<uuid:api_id>/thumbnail
        devportal/apis/<uuid:api_id>/documents/<uuid:document_id>/content
        devportal/apis/<uuid:api_id>/documents/<uuid:document_id>/image
        devportal/apis/<uuid:api_id>/definition.yaml
        devportal/apis/<uuid:api_id>/definition.json
        admin/jsi18n/
        favicon.ico
    """,
    "only takes forms": """
        publisher/drafts/<str:form>
        publisher/apis/<uuid:api_id>/console/open
        devportal/apis/<uuid:api_id>/console/open
        admin/logout/
        logout
    """,
    "nobody may do this": ADMIN[NEVER, NEVER],
    "not there": """
        publisher/apis/<uuid:api_id>/history/export
        admin/r/<path:content_type_id>/<path:object_id>/
        admin/^(?P<url>.*)$
    """,
    "for programs": """
        .well-known/jwks.json
        .well-known/oauth-authorization-server
        oauth2/token
        oauth2/revoke
        oauth2/introspect
        metrics
    """,
}
ROWS: Final = {row.strip() for lines in NO_PAGES.values() for row in lines.strip().splitlines()}
_PROGRAMS: Final = re.compile(r"api/v1/(?!docs|$)")
_DJANGOS_HISTORY: Final = re.compile(r"admin/.*/<path:object_id>/history/")
"""That of models that are kept by Django's own administration; the history here is a list of its own."""


def no_pages(routes: Iterable[str]) -> set[str]:
    """Those of the addresses that are no pages."""
    return {one for one in routes if one in ROWS or _PROGRAMS.match(one) or _DJANGOS_HISTORY.fullmatch(one)}
