"""Management OAuth clients: programs that act for a person through REST, with the scopes that person grants.

They have no key pair, so they open no API at the gateway. Consumer applications get their clients from
`apis.services.keys`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from oauth2_provider.generators import generate_client_id, generate_client_secret
from oauth2_provider.models import AccessToken, revoke_access_token
from oauth2_provider.models import Application as OAuthClient

from apis.errors import Invalid, Missing
from apis.permissions import Actor
from apis.roles import Capability
from apis.services.holding import hold
from apis.services.keys import redirect_problem
from apis.services.record import announce, record
from apis.services.row_editions import mine_only
from apis.validators import name_problem


def _refuse(name: str, redirect_uris: Sequence[str]) -> None:
    problems = {"name": name_problem(name)}
    if not redirect_uris:
        problems["redirect_uris"] = "A person is sent back to the program, so at least one redirect URI is needed."
    for index, uri in enumerate(redirect_uris):
        problems[f"redirect_uris/{index}"] = redirect_problem(uri)
    if problems := {field: text for field, text in problems.items() if text}:
        raise Invalid(problems)


@transaction.atomic
def client_register(
    *, actor: Actor, name: str, redirect_uris: Sequence[str], confidential: bool = True
) -> tuple[OAuthClient, str]:
    """Register a program that asks people for management scopes (authorization code with PKCE).

    Args:
        confidential: whether the program can keep a secret (a server); else it is public (a browser, a phone).

    Returns: the client and its secret in clear, shown once; "" for a public one.

    Raises: Forbidden for anybody but administrators; Invalid.
    """
    actor.require(Capability.ADMINISTER)
    _refuse(name, redirect_uris)
    secret = generate_client_secret() if confidential else ""
    client = OAuthClient(
        name=name,
        user=actor.person,
        client_id=generate_client_id(),
        client_secret=secret,
        client_type=OAuthClient.CLIENT_CONFIDENTIAL if confidential else OAuthClient.CLIENT_PUBLIC,
        authorization_grant_type=OAuthClient.GRANT_AUTHORIZATION_CODE,
        redirect_uris=" ".join(redirect_uris),
    )
    client.save()
    record(actor, "register_client", name, about=client, client_id=client.client_id, after=_facts(client))
    return client, secret


@transaction.atomic
def client_update(
    *, actor: Actor, client: OAuthClient, name: str, redirect_uris: Sequence[str], seen: int | None = None
) -> OAuthClient:
    """Change a management client.

    Args:
        seen: the edition of the client that the values were made from (apis.services.row_editions).

    Raises: Forbidden, Missing for a consumer application's client, Invalid, Stale.
    """
    _require_management_client(actor, client)
    _refuse(name, redirect_uris)
    before = _facts(client)
    wanted = {**before, **mine_only(client, seen, before, {"name": name, "redirect_uris": list(redirect_uris)})}
    client.name, client.redirect_uris = wanted["name"], " ".join(wanted["redirect_uris"])
    client.save(update_fields=["name", "redirect_uris", "updated"])
    record(
        actor, "update_client", client.name, about=client,
        client_id=client.client_id, before=before, after=_facts(client),
    )  # fmt: skip
    return client


@transaction.atomic
def client_delete(*, actor: Actor, client: OAuthClient) -> None:
    """Delete the client with its tokens. Raises: Forbidden, Missing for a consumer application's client."""
    _require_management_client(actor, client)
    record(
        actor, "delete_client", client.name, about=client, client_id=client.client_id, before=_facts(client),
    )  # fmt: skip
    client.delete()


def _facts(client: OAuthClient) -> dict[str, Any]:
    return {"name": client.name, "type": client.client_type, "redirect_uris": client.redirect_uris.split()}


def _require_management_client(actor: Actor, client: OAuthClient) -> None:
    actor.require(Capability.ADMINISTER)
    if hasattr(client, "key_pair"):
        raise Missing("There is no such management client.")
    hold(client)


@transaction.atomic
def access_token_revoke(*, actor: Actor, token: AccessToken) -> None:
    """Revoke an access token with its refresh token; sessions that it opened are closed within a second.

    Raises: Forbidden for anybody but administrators.
    """
    actor.require(Capability.ADMINISTER)
    key = hold(token).pk
    record(actor, "revoke_access_token", token.application or "", token=key)
    revoke_access_token(token)
    announce("token", key)
