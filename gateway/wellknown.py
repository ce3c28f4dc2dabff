"""What anybody may read without a credential: the public keys behind `X-JWT-Assertion`."""

from __future__ import annotations

from django.http import HttpRequest, JsonResponse
from django.views.decorators.http import require_safe

from gateway.assertions import jwks

MEDIA_TYPE = "application/jwk-set+json"  # RFC 7517 section 8.5.2
FRESH_S = 300  # a verifier that meets an unknown kid asks again anyway


@require_safe
def jwk_set(request: HttpRequest) -> JsonResponse:
    """The JSON Web Key Set (RFC 7517)."""
    return JsonResponse(jwks(), content_type=MEDIA_TYPE, headers={"Cache-Control": f"public, max-age={FRESH_S}"})
