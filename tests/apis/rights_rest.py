"""Who may do what over REST: what an operation answers, given a body that it takes.

A new operation gets its line here, under the answers that hold for it
(tests/apis/rights.py says what the words mean).
"""

from __future__ import annotations

from typing import Final

#                        nobody vic sam eve carol colin olaf pia adam
SIGNED_IN: Final = "401 yes yes yes yes yes yes yes yes"  # whoever has signed in; lists show what they may see
ADMINISTERS: Final = "401 403 403 403 403 403 403 403 yes"  # administrators
PORTAL: Final = "401 403 403 403 yes yes yes yes yes"  # creators and publishers
CREATES: Final = "401 403 403 403 yes yes yes 403 yes"  # creators
CHANGES_DESIGN: Final = "401 403 403 403 yes yes 403 403 yes"  # creators among them
SEES_DESIGN: Final = "401 403 403 403 yes yes 403 yes yes"  # who sees the design; the API itself is published, so 403
SPEAKS: Final = "401 403 yes yes yes yes yes yes yes"  # whoever has a role
SUBSCRIBES: Final = "401 403 yes yes 403 403 403 403 yes"  # subscribers
PUBLISHES: Final = "401 403 403 403 403 403 403 yes yes"  # publishers of the API
OWNS: Final = "401 404 yes 404 404 404 404 404 yes"  # the owner
SEES_SUBSCRIPTION: Final = "401 404 yes 404 yes yes 404 yes yes"  # the owner, and who sees the design
OTHER_CREDENTIAL: Final = "401 401 401 401 401 401 401 401 401"  # another credential than these
SEES_POLICY: Final = "401 404 404 404 404 404 404 404 yes"  # administrators; others do not see it
RUNS: Final = "401 403 yes yes 403 403 403 yes yes"  # who has applications, and who publishes
LOOKS_AFTER: Final = "401 404 yes 404 403 403 404 yes yes"  # the owner and publishers of the API
BLOCKS: Final = "401 404 403 404 403 403 404 yes yes"  # publishers of the API

OPERATIONS: Final[dict[str, str]] = {
    SIGNED_IN: """
        get /api/v1/api-categories
        get /api/v1/api-categories/{category_id}
        get /api/v1/apis
        get /api/v1/apis/{api_id}
        get /api/v1/apis/{api_id}/asyncapi
        get /api/v1/apis/{api_id}/comments
        get /api/v1/apis/{api_id}/comments/{comment_id}
        get /api/v1/apis/{api_id}/documents
        get /api/v1/apis/{api_id}/documents/{document_id}
        get /api/v1/apis/{api_id}/documents/{document_id}/content
        get /api/v1/apis/{api_id}/rating
        get /api/v1/apis/{api_id}/scopes
        get /api/v1/apis/{api_id}/thumbnail
        get /api/v1/apis/{api_id}/topics
        get /api/v1/apis/{api_id}/versions
        get /api/v1/application-plans
        get /api/v1/application-plans/{plan_id}
        get /api/v1/applications
        get /api/v1/approval-rules
        get /api/v1/approvals
        get /api/v1/business-plans
        get /api/v1/business-plans/{plan_id}
        get /api/v1/deny-policies
        get /api/v1/environments
        get /api/v1/environments/{environment_id}
        get /api/v1/key-managers
        get /api/v1/key-managers/{key_manager_id}
        get /api/v1/me
        get /api/v1/roles
        get /api/v1/roles/{role_id}
        get /api/v1/scopes
        get /api/v1/scopes/{scope_id}
        get /api/v1/sessions
        get /api/v1/subscriptions
        get /api/v1/tokens
    """,
    ADMINISTERS: """
        post /api/v1/api-categories
        patch /api/v1/api-categories/{category_id}
        delete /api/v1/api-categories/{category_id}
        post /api/v1/environments
        patch /api/v1/environments/{environment_id}
        delete /api/v1/environments/{environment_id}
        post /api/v1/api-plans
        patch /api/v1/api-plans/{plan_id}
        delete /api/v1/api-plans/{plan_id}
        patch /api/v1/apis/{api_id}
        post /api/v1/application-plans
        patch /api/v1/application-plans/{plan_id}
        delete /api/v1/application-plans/{plan_id}
        patch /api/v1/approval-rules
        post /api/v1/business-plans
        patch /api/v1/business-plans/{plan_id}
        delete /api/v1/business-plans/{plan_id}
        get /api/v1/custom-plans
        post /api/v1/custom-plans
        get /api/v1/custom-plans/{plan_id}
        patch /api/v1/custom-plans/{plan_id}
        delete /api/v1/custom-plans/{plan_id}
        post /api/v1/deny-policies
        get /api/v1/history
        post /api/v1/key-managers
        patch /api/v1/key-managers/{key_manager_id}
        delete /api/v1/key-managers/{key_manager_id}
        post /api/v1/key-managers/{key_manager_id}/test
        get /api/v1/people
        post /api/v1/people
        get /api/v1/people/{person_id}
        patch /api/v1/people/{person_id}
        post /api/v1/people/{person_id}/set-password
        post /api/v1/roles
        patch /api/v1/roles/{role_id}
        delete /api/v1/roles/{role_id}
    """,
    PORTAL: """
        get /api/v1/api-plans
        get /api/v1/api-plans/{plan_id}
        get /api/v1/samples
    """,
    CREATES: """
        post /api/v1/apis
        post /api/v1/apis/import-asyncapi
        post /api/v1/asyncapi/validate
        post /api/v1/samples/{sample_name}
        post /api/v1/scopes
        patch /api/v1/scopes/{scope_id}
        delete /api/v1/scopes/{scope_id}
    """,
    CHANGES_DESIGN: """
        delete /api/v1/apis/{api_id}
        put /api/v1/apis/{api_id}/asyncapi
        delete /api/v1/apis/{api_id}/asyncapi
        put /api/v1/apis/{api_id}/endpoints/{key_type}
        delete /api/v1/apis/{api_id}/endpoints/{key_type}
        post /api/v1/apis/{api_id}/endpoints/{key_type}/test
        post /api/v1/apis/{api_id}/history/{entry_id}/restore
        post /api/v1/apis/{api_id}/revisions/{number}/restore
        put /api/v1/apis/{api_id}/runtime
        post /api/v1/apis/{api_id}/scopes
        patch /api/v1/apis/{api_id}/scopes/{scope_id}
        delete /api/v1/apis/{api_id}/scopes/{scope_id}
        put /api/v1/apis/{api_id}/security
        put /api/v1/apis/{api_id}/thumbnail
        delete /api/v1/apis/{api_id}/thumbnail
        put /api/v1/apis/{api_id}/topics
        post /api/v1/apis/{api_id}/versions
    """,
    SEES_DESIGN: """
        get /api/v1/apis/{api_id}/analytics
        get /api/v1/apis/{api_id}/checks
        post /api/v1/apis/{api_id}/documents
        patch /api/v1/apis/{api_id}/documents/{document_id}
        delete /api/v1/apis/{api_id}/documents/{document_id}
        put /api/v1/apis/{api_id}/documents/{document_id}/content
        get /api/v1/apis/{api_id}/endpoints/{key_type}
        get /api/v1/apis/{api_id}/endpoints/{key_type}/health
        get /api/v1/apis/{api_id}/history
        get /api/v1/apis/{api_id}/history/{entry_id}
        get /api/v1/apis/{api_id}/revisions
        post /api/v1/apis/{api_id}/revisions
        get /api/v1/apis/{api_id}/revisions/{number}
        get /api/v1/apis/{api_id}/revisions/{number}/diff
        delete /api/v1/apis/{api_id}/revisions/{number}
        post /api/v1/apis/{api_id}/revisions/{number}/deploy
        post /api/v1/apis/{api_id}/revisions/{number}/undeploy
        get /api/v1/apis/{api_id}/runtime
        get /api/v1/apis/{api_id}/scopes/{scope_id}
        get /api/v1/apis/{api_id}/security
        post /api/v1/apis/{api_id}/test-key
        get /api/v1/apis/{api_id}/transitions
    """,
    SPEAKS: """
        post /api/v1/apis/{api_id}/comments
        get /api/v1/usage
    """,
    "401 403 yes 403 403 403 403 403 403": """
        patch /api/v1/apis/{api_id}/comments/{comment_id}
    """,
    "401 403 yes 403 403 403 403 yes yes": """
        delete /api/v1/apis/{api_id}/comments/{comment_id}
    """,
    SUBSCRIBES: """
        put /api/v1/apis/{api_id}/rating
        delete /api/v1/apis/{api_id}/rating
        post /api/v1/applications
        post /api/v1/subscriptions
    """,
    PUBLISHES: """
        get /api/v1/apis/{api_id}/ratings
        delete /api/v1/apis/{api_id}/ratings/{rating_id}
        post /api/v1/apis/{api_id}/transitions
        post /api/v1/business-plans/simulate
        post /api/v1/subscriptions/bulk
    """,
    OWNS: """
        get /api/v1/applications/{application_id}
        patch /api/v1/applications/{application_id}
        delete /api/v1/applications/{application_id}
        get /api/v1/applications/{application_id}/analytics
        get /api/v1/applications/{application_id}/api-keys
        post /api/v1/applications/{application_id}/api-keys
        delete /api/v1/applications/{application_id}/api-keys/{key_id}
        post /api/v1/applications/{application_id}/generate-token
        get /api/v1/applications/{application_id}/keys
        post /api/v1/applications/{application_id}/keys
        get /api/v1/applications/{application_id}/keys/{key_type}
        patch /api/v1/applications/{application_id}/keys/{key_type}
        post /api/v1/applications/{application_id}/keys/{key_type}/regenerate-secret
        get /api/v1/applications/{application_id}/mapped-keys
        post /api/v1/applications/{application_id}/mapped-keys
        get /api/v1/applications/{application_id}/mapped-keys/{mapped_key_id}
        delete /api/v1/applications/{application_id}/mapped-keys/{mapped_key_id}
    """,
    SEES_SUBSCRIPTION: """
        get /api/v1/approvals/{approval_id}
        get /api/v1/subscriptions/{subscription_id}
    """,
    "401 404 yes 404 403 403 404 403 yes": """
        delete /api/v1/approvals/{approval_id}
    """,
    "401 404 403 404 403 403 404 403 yes": """
        post /api/v1/approvals/{approval_id}/decide
    """,
    "yes yes yes yes yes yes yes yes yes": """
        get /api/v1/close-codes
        post /api/v1/tickets
    """,
    OTHER_CREDENTIAL: """
        put /api/v1/connections/{connection_id}/token
        post /api/v1/tokens
    """,
    SEES_POLICY: """
        get /api/v1/deny-policies/{policy_id}
        patch /api/v1/deny-policies/{policy_id}
        delete /api/v1/deny-policies/{policy_id}
    """,
    "401 404 yes 404 404 404 404 yes yes": """
        get /api/v1/sessions/{session_id}
        post /api/v1/sessions/{session_id}/close
    """,
    "401 404 403 404 404 404 404 yes yes": """
        get /api/v1/sessions/{session_id}/frames
    """,
    RUNS: """
        post /api/v1/sessions/close
        get /api/v1/usage/records
    """,
    LOOKS_AFTER: """
        patch /api/v1/subscriptions/{subscription_id}
        delete /api/v1/subscriptions/{subscription_id}
        get /api/v1/subscriptions/{subscription_id}/statement
    """,
    BLOCKS: """
        post /api/v1/subscriptions/{subscription_id}/block
        post /api/v1/subscriptions/{subscription_id}/unblock
    """,
    "401 404 yes 404 404 404 404 404 404": """
        delete /api/v1/tokens/{token_id}
    """,
}
