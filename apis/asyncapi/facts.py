"""What a document says besides the design: where the API is, what tokens come from, who answers for it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Facts:
    """Facts about an API as it is offered, in plain values.

    Attributes:
        urls: (environment, URL of the API at the gateway), where it is deployed.
        token_url, authorize_url: of the authorization server; "" for none.
        schemes: what the API accepts, "oauth" and "api_key".
        query_credentials: whether credentials may stand in the query.
        scopes: name -> description of all that topics name.
        close_codes: rows {"code", "means", "advice"} for `x-close-codes`; none leaves it out.
        extras: further members of `info`, each with a name that starts with x-.
    """

    urls: tuple[tuple[str, str], ...] = ()
    token_url: str = ""
    authorize_url: str = ""
    schemes: tuple[str, ...] = ("oauth",)
    query_credentials: bool = False
    scopes: Mapping[str, str] = field(default_factory=dict)
    contact: Mapping[str, str] = field(default_factory=dict)
    close_codes: tuple[Mapping[str, Any], ...] = ()
    extras: Mapping[str, Any] = field(default_factory=dict)
