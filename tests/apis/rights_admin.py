"""Who may do what in the administration.

A new page gets its line here, under the pair of answers that holds for it
(tests/apis/rights.py says what the words mean).
"""

from __future__ import annotations

from typing import Final

#                        nobody vic sam eve carol colin olaf pia adam
STAFF: Final = "in in in in yes yes yes yes yes"  # whoever makes APIs
NEVER: Final = "in in in in 403 403 403 403 403"  # nobody: what is written down stays
ADMINISTERS: Final = "in in in in 403 403 403 403 yes"  # administrators
SEES_DESIGN: Final = "in in in in yes yes 404 yes yes"  # who sees the design of the API
SEES_OBJECT: Final = "in in in in yes yes gone yes yes"  # who sees the design; Django says so on its first page
CHANGES_DESIGN: Final = "in in in in yes yes 404 403 yes"  # creators among them
PUBLISHES: Final = "in in in in 403 403 404 yes yes"  # publishers among them
CREATES: Final = "in in in in yes yes yes 403 yes"  # creators
CHANGES_OBJECT: Final = "in in in in yes yes gone 403 yes"  # creators among them
PUBLISHERS: Final = "in in in in 403 403 403 yes yes"  # publishers

ADMIN: Final[dict[tuple[str, str], str]] = {
    (STAFF, STAFF): """
        admin/search/
        admin/
        admin/password_change/
        admin/apis/approval/
        admin/apis/historyentry/
        admin/apis/api/
        admin/apis/personaltoken/
        admin/apis/scope/
        admin/apis/apidocument/
        admin/apis/apidocument/add/
        admin/apis/comment/
        admin/apis/subscription/
    """,
    ("in 403 403 403 in in in in in", "in 403 403 403 in in in in in"): """
        admin/login/
    """,
    ("gone gone gone gone 405 405 405 405 405", "gone gone gone gone in in in in in"): """
        admin/logout/
    """,
    (STAFF, "in in in in 405 405 405 405 405"): """
        admin/password_change/done/
        admin/jsi18n/
    """,
    (NEVER, "in in in in 405 405 405 405 405"): """
        admin/autocomplete/
    """,
    (ADMINISTERS, ADMINISTERS): """
        admin/apis/role/
        admin/apis/role/add/
        admin/apis/role/<path:object_id>/delete/
        admin/apis/role/<path:object_id>/change/
        admin/apis/apicategory/
        admin/apis/apicategory/add/
        admin/apis/apicategory/<path:object_id>/delete/
        admin/apis/apicategory/<path:object_id>/change/
        admin/apis/businessplan/
        admin/apis/businessplan/add/
        admin/apis/businessplan/<path:object_id>/delete/
        admin/apis/businessplan/<path:object_id>/change/
        admin/apis/applicationplan/
        admin/apis/applicationplan/add/
        admin/apis/applicationplan/<path:object_id>/delete/
        admin/apis/applicationplan/<path:object_id>/change/
        admin/apis/apiplan/
        admin/apis/apiplan/add/
        admin/apis/apiplan/<path:object_id>/delete/
        admin/apis/apiplan/<path:object_id>/change/
        admin/apis/customplan/
        admin/apis/customplan/add/
        admin/apis/customplan/<path:object_id>/delete/
        admin/apis/customplan/<path:object_id>/change/
        admin/apis/application/<uuid:object_id>/api-keys/add/
        admin/apis/application/<uuid:object_id>/api-keys/<uuid:key_id>/revoke/
        admin/apis/application/<uuid:object_id>/keys/<str:key_type>/generate/
        admin/apis/application/<uuid:object_id>/keys/<str:key_type>/grants/
        admin/apis/application/<uuid:object_id>/keys/<str:key_type>/secret/
        admin/apis/application/
        admin/apis/application/add/
        admin/apis/application/<path:object_id>/delete/
        admin/apis/application/<path:object_id>/change/
        admin/apis/approvalrules/
        admin/apis/approvalrules/<path:object_id>/change/
        admin/apis/denypolicy/
        admin/apis/denypolicy/add/
        admin/apis/denypolicy/<path:object_id>/delete/
        admin/apis/denypolicy/<path:object_id>/change/
        admin/apis/environment/
        admin/apis/environment/add/
        admin/apis/environment/<path:object_id>/delete/
        admin/apis/environment/<path:object_id>/change/
        admin/apis/keymanager/<uuid:object_id>/test/
        admin/apis/keymanager/
        admin/apis/keymanager/add/
        admin/apis/keymanager/<path:object_id>/delete/
        admin/apis/keymanager/<path:object_id>/change/
        admin/oauth2_provider/accesstoken/
        admin/oauth2_provider/application/
        admin/oauth2_provider/application/add/
        admin/oauth2_provider/application/<path:object_id>/delete/
        admin/oauth2_provider/application/<path:object_id>/change/
        admin/apis/person/<uuid:object_id>/set-password/
        admin/apis/person/
        admin/apis/person/add/
        admin/apis/person/<path:object_id>/change/
        admin/apis/subscription/add/
    """,
    (SEES_DESIGN, "in in in in 403 403 404 403 yes"): """
        admin/apis/approval/<uuid:object_id>/decide/<str:how>/
    """,
    (NEVER, NEVER): """
        admin/apis/approval/add/
        admin/apis/approval/<path:object_id>/delete/
        admin/apis/approvalrules/add/
        admin/apis/approvalrules/<path:object_id>/delete/
        admin/apis/historyentry/add/
        admin/apis/historyentry/<path:object_id>/delete/
        admin/oauth2_provider/accesstoken/add/
        admin/apis/person/<path:object_id>/delete/
        admin/apis/personaltoken/add/
        admin/apis/comment/add/
        admin/apis/rating/add/
        admin/gateway/livesession/add/
        admin/gateway/livesession/<path:object_id>/delete/
    """,
    (SEES_OBJECT, NEVER): """
        admin/apis/approval/<path:object_id>/change/
        admin/apis/historyentry/<path:object_id>/change/
        admin/apis/comment/<path:object_id>/change/
    """,
    (CHANGES_DESIGN, CHANGES_DESIGN): """
        admin/apis/api/<uuid:object_id>/security/
        admin/apis/api/<uuid:object_id>/topics/
        admin/apis/api/<uuid:object_id>/versions/create/
        admin/apis/api/<uuid:object_id>/revisions/<int:number>/<str:verb>/
        admin/apis/api/<uuid:object_id>/endpoints/<str:key_type>/
        admin/apis/api/<uuid:object_id>/runtime/
        admin/apis/api/<uuid:object_id>/definition/drop/
    """,
    (SEES_DESIGN, SEES_DESIGN): """
        admin/apis/api/<uuid:object_id>/test-key/
        admin/apis/api/<uuid:object_id>/default-version/
        admin/apis/api/<uuid:object_id>/revisions/create/
    """,
    (SEES_DESIGN, CHANGES_DESIGN): """
        admin/apis/api/<uuid:object_id>/definition/
    """,
    (PUBLISHES, PUBLISHES): """
        admin/apis/api/<uuid:object_id>/transition/<str:action>/
    """,
    (CREATES, CREATES): """
        admin/apis/api/add/
        admin/apis/api/import/
        admin/apis/api/samples/
        admin/apis/api/samples/<str:sample_name>/
        admin/apis/scope/add/
    """,
    (CHANGES_OBJECT, CHANGES_OBJECT): """
        admin/apis/api/<path:object_id>/delete/
        admin/apis/scope/<path:object_id>/delete/
    """,
    (SEES_OBJECT, SEES_OBJECT): """
        admin/apis/api/<path:object_id>/change/
        admin/apis/apidocument/<path:object_id>/delete/
        admin/apis/apidocument/<path:object_id>/change/
    """,
    (ADMINISTERS, "in in in in 403 403 403 403 gone"): """
        admin/oauth2_provider/accesstoken/<path:object_id>/delete/
    """,
    (ADMINISTERS, NEVER): """
        admin/oauth2_provider/accesstoken/<path:object_id>/change/
    """,
    ("in in in in gone gone gone gone yes", "in in in in gone gone gone gone gone"): """
        admin/apis/personaltoken/<path:object_id>/delete/
    """,
    ("in in in in gone gone gone gone yes", NEVER): """
        admin/apis/personaltoken/<path:object_id>/change/
    """,
    (SEES_OBJECT, CHANGES_OBJECT): """
        admin/apis/scope/<path:object_id>/change/
    """,
    (PUBLISHERS, "in in in in 403 403 403 gone gone"): """
        admin/apis/comment/<path:object_id>/delete/
        admin/apis/rating/<path:object_id>/delete/
    """,
    (SEES_DESIGN, PUBLISHES): """
        admin/apis/subscription/<uuid:object_id>/block/<str:what>/
        admin/apis/subscription/<uuid:object_id>/unblock/
    """,
    (PUBLISHERS, PUBLISHERS): """
        admin/apis/subscription/<path:object_id>/delete/
        admin/gateway/livesession/<str:object_id>/close/
        admin/gateway/livesession/
        admin/apis/rating/
    """,
    (SEES_OBJECT, PUBLISHERS): """
        admin/apis/subscription/<path:object_id>/change/
    """,
    (PUBLISHERS, NEVER): """
        admin/gateway/livesession/<path:object_id>/change/
        admin/apis/rating/<path:object_id>/change/
    """,
}
