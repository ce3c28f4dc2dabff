"""Who may do what on the pages of the portals: what GET and POST answer, and the addresses where they do.

A new page gets its line here, under the pair of answers that holds for it
(tests/apis/rights.py says what the words mean).
"""

from __future__ import annotations

from typing import Final

#                        nobody vic sam eve carol colin olaf pia adam
ANYBODY: Final = "yes yes yes yes yes yes yes yes yes"  # whether signed in or not
NO: Final = "405 405 405 405 405 405 405 405 405"  # not with this method
PORTAL: Final = "in 403 403 403 yes yes yes yes yes"  # creators and publishers
CREATES: Final = "in 403 403 403 yes yes yes 403 yes"  # creators
SEES_DESIGN: Final = "in 403 403 403 yes yes 404 yes yes"  # who sees the design of the API
CHANGES_DESIGN: Final = "in 403 403 403 yes yes 404 403 yes"  # creators among them
PUBLISHES: Final = "in 403 403 403 403 403 404 yes yes"  # publishers among them
NOT_THEIRS: Final = "in 403 403 403 404 404 404 404 404"  # nothing of that kind, or another's
CREATES_NOTHING: Final = "in 403 403 403 404 404 404 403 404"  # creators, but what they name is not there
SUBSCRIBES: Final = "in 403 yes yes 403 403 403 403 yes"  # subscribers
SPEAKS: Final = "in 403 yes yes yes yes yes yes yes"  # whoever has a role
WROTE: Final = "in 404 yes 404 404 404 404 404 404"  # who wrote it
MODERATES: Final = "in 404 yes 404 404 404 404 yes yes"  # who wrote it, and who may take it away
SIGNED_IN: Final = "in yes yes yes yes yes yes yes yes"  # whoever has signed in
OWNS: Final = "in 403 yes 404 403 403 403 403 yes"  # the owner; without the role nobody has such a page
PIECE_OF_DESIGN: Final = "in 404 404 404 yes yes 404 yes yes"  # a piece of a page about the design

PAGES: Final[dict[tuple[str, str], str]] = {
    (ANYBODY, ANYBODY): """
        login
        language
        publisher
        devportal
        favicon.ico
    """,
    (NO, "in in in in in in in in in"): """
        logout
    """,
    (PORTAL, PORTAL): """
        publisher/
        publisher/drafts/<str:form>/discard
        publisher/preview
    """,
    (CREATES, CREATES): """
        publisher/create/
        publisher/create/version/
        publisher/create/samples/<str:sample_name>/
        publisher/create/import/
        publisher/apis/new
        publisher/scopes/new
        publisher/scopes/<uuid:scope_id>
    """,
    (NO, "401 403 403 403 yes yes yes yes yes"): """
        publisher/drafts/<str:form>
    """,
    ("401 403 403 403 yes yes yes 403 yes", "401 403 403 403 yes yes yes 403 yes"): """
        publisher/apis/validate
    """,
    (SEES_DESIGN, SEES_DESIGN): """
        publisher/apis/<uuid:api_id>/
        publisher/apis/<uuid:api_id>/default-version/
        publisher/apis/<uuid:api_id>/documents/
        publisher/apis/<uuid:api_id>/documents/new
        publisher/apis/<uuid:api_id>/documents/preview
        publisher/apis/<uuid:api_id>/documents/<uuid:document_id>/
        publisher/apis/<uuid:api_id>/documents/<uuid:document_id>/edit
        publisher/apis/<uuid:api_id>/documents/<uuid:document_id>/delete
        publisher/apis/<uuid:api_id>/documents/<uuid:document_id>/content
        publisher/apis/<uuid:api_id>/documents/<uuid:document_id>/image
        publisher/apis/<uuid:api_id>/comments/
        publisher/apis/<uuid:api_id>/comments/<uuid:comment_id>/reply
        publisher/apis/<uuid:api_id>/definition/
        publisher/apis/<uuid:api_id>/definition.yaml
        publisher/apis/<uuid:api_id>/definition.json
        publisher/apis/<uuid:api_id>/test-key/
        publisher/apis/<uuid:api_id>/deployments/
        publisher/apis/<uuid:api_id>/deployments/compare/
        publisher/apis/<uuid:api_id>/history/
        publisher/apis/<uuid:api_id>/sessions/
    """,
    (SEES_DESIGN, CHANGES_DESIGN): """
        publisher/apis/<uuid:api_id>/info/
        publisher/apis/<uuid:api_id>/thumbnail/
        publisher/apis/<uuid:api_id>/business/
        publisher/apis/<uuid:api_id>/properties/
        publisher/apis/<uuid:api_id>/endpoints/
        publisher/apis/<uuid:api_id>/endpoints/<str:key_type>/remove
        publisher/apis/<uuid:api_id>/security/
        publisher/apis/<uuid:api_id>/runtime/
        publisher/apis/<uuid:api_id>/history/<int:entry_id>/restore
        publisher/apis/<uuid:api_id>/endpoints/<str:key_type>/test
    """,
    (SEES_DESIGN, PUBLISHES): """
        publisher/apis/<uuid:api_id>/plans/
        publisher/apis/<uuid:api_id>/comments/<uuid:comment_id>/remove
        publisher/apis/<uuid:api_id>/api-plan/
        publisher/apis/<uuid:api_id>/lifecycle/
        publisher/apis/<uuid:api_id>/sessions/close/
        publisher/apis/<uuid:api_id>/subscriptions/
    """,
    (NOT_THEIRS, NOT_THEIRS): """
        publisher/apis/<uuid:api_id>/comments/<uuid:comment_id>/
        publisher/apis/<uuid:api_id>/history/export
    """,
    (SEES_DESIGN, CREATES_NOTHING): """
        publisher/apis/<uuid:api_id>/topics/
        publisher/apis/<uuid:api_id>/scopes/
    """,
    (CHANGES_DESIGN, CHANGES_DESIGN): """
        publisher/apis/<uuid:api_id>/topics/edit
        publisher/apis/<uuid:api_id>/scopes/new
        publisher/apis/<uuid:api_id>/scopes/<uuid:scope_id>
        publisher/apis/<uuid:api_id>/endpoints/<str:key_type>/
        publisher/apis/<uuid:api_id>/definition/edit
        publisher/apis/<uuid:api_id>/definition/check
        publisher/apis/<uuid:api_id>/definition/drop
        publisher/apis/<uuid:api_id>/new-version/
        publisher/apis/<uuid:api_id>/delete/
    """,
    (PORTAL, CREATES_NOTHING): """
        publisher/scopes/
    """,
    (ANYBODY, NO): """
        devportal/
        devportal/apis/<uuid:api_id>/
        devportal/apis/<uuid:api_id>/thumbnail
        devportal/apis/<uuid:api_id>/changes/
        devportal/apis/<uuid:api_id>/definition/
        devportal/apis/<uuid:api_id>/definition.yaml
        devportal/apis/<uuid:api_id>/definition.json
        devportal/apis/<uuid:api_id>/documents/<uuid:document_id>/
        devportal/apis/<uuid:api_id>/documents/<uuid:document_id>/content
        devportal/apis/<uuid:api_id>/documents/<uuid:document_id>/image
        .well-known/jwks.json
        .well-known/oauth-authorization-server
    """,
    (SUBSCRIBES, SUBSCRIBES): """
        devportal/apis/<uuid:api_id>/subscribe
        devportal/apis/<uuid:api_id>/token
        devportal/applications/
        devportal/applications/new
    """,
    (ANYBODY, SPEAKS): """
        devportal/apis/<uuid:api_id>/comments/
    """,
    (WROTE, WROTE): """
        devportal/apis/<uuid:api_id>/comments/<uuid:comment_id>/
    """,
    (SPEAKS, SPEAKS): """
        devportal/apis/<uuid:api_id>/comments/<uuid:comment_id>/reply
    """,
    (MODERATES, MODERATES): """
        devportal/apis/<uuid:api_id>/comments/<uuid:comment_id>/remove
    """,
    (SIGNED_IN, SUBSCRIBES): """
        devportal/apis/<uuid:api_id>/rate
    """,
    (OWNS, OWNS): """
        devportal/subscriptions/<uuid:subscription_id>/plan
        devportal/subscriptions/<uuid:subscription_id>/remove
        devportal/applications/<uuid:application_id>/
        devportal/applications/<uuid:application_id>/edit
        devportal/applications/<uuid:application_id>/delete
        devportal/applications/<uuid:application_id>/clients
        devportal/applications/<uuid:application_id>/clients/<uuid:mapped_key_id>/remove
        devportal/applications/<uuid:application_id>/api-keys
        devportal/applications/<uuid:application_id>/api-keys/<uuid:key_id>/revoke
        devportal/applications/<uuid:application_id>/keys/<key_type:key_type>/generate
        devportal/applications/<uuid:application_id>/keys/<key_type:key_type>/update
        devportal/applications/<uuid:application_id>/keys/<key_type:key_type>/secret
        devportal/applications/<uuid:application_id>/keys/<key_type:key_type>/token
        devportal/applications/<uuid:application_id>/sessions/close/<str:session_id>/
    """,
    (PIECE_OF_DESIGN, NO): """
        publisher/fragments/health/<uuid:api_id>/<str:key_type>
        publisher/fragments/reach/<uuid:api_id>
        publisher/fragments/usage/<uuid:api_id>
    """,
    ("in 403 403 403 404 404 404 yes yes", "in 403 403 403 404 404 404 yes yes"): """
        publisher/apis/<uuid:api_id>/sessions/<str:session_id>/
        publisher/apis/<uuid:api_id>/sessions/<str:session_id>/close/
    """,
    (SEES_DESIGN, NO): """
        publisher/apis/<uuid:api_id>/analytics/
        publisher/apis/<uuid:api_id>/console/
    """,
    (NO, SEES_DESIGN): """
        publisher/apis/<uuid:api_id>/console/open
    """,
    (SUBSCRIBES, NO): """
        devportal/apis/<uuid:api_id>/console/
    """,
    (NO, SUBSCRIBES): """
        devportal/apis/<uuid:api_id>/console/open
    """,
    (PUBLISHES, PUBLISHES): """
        publisher/apis/<uuid:api_id>/subscriptions/<uuid:subscription_id>/
    """,
    ("in 403 403 403 403 403 403 yes yes", "in 403 403 403 403 403 403 yes yes"): """
        publisher/plan-simulator/
    """,
    (PUBLISHES, NO): """
        publisher/apis/<uuid:api_id>/subscriptions/<uuid:subscription_id>/statement/
    """,
    (OWNS, NO): """
        devportal/subscriptions/<uuid:subscription_id>/statement/
        devportal/applications/<uuid:application_id>/analytics/
        devportal/applications/<uuid:application_id>/sessions/
    """,
    ("in 404 yes 404 404 404 404 404 yes", NO): """
        devportal/fragments/usage/<uuid:application_id>
    """,
    (SIGNED_IN, SIGNED_IN): """
        oauth2/authorize
        /
    """,
    (NO, ANYBODY): """
        oauth2/token
        oauth2/revoke
    """,
    (NO, "401 401 401 401 401 401 401 401 401"): """
        oauth2/introspect
    """,
}
