"""Security schemes, and what operations and servers ask for."""

from __future__ import annotations

from typing import Final

from apis.asyncapi.checking import short
from apis.asyncapi.model import Scheme, Security
from apis.asyncapi.nodes import Node
from apis.words import phrase

# AsyncAPI "Security Scheme Object", `type`, in 2.6 and 3.0.
TYPES: Final = (
    "userPassword", "apiKey", "X509", "symmetricEncryption", "asymmetricEncryption", "httpApiKey", "http", "oauth2",
    "openIdConnect", "plain", "scramSha256", "scramSha512", "gssapi",
)  # fmt: skip
FLOWS: Final = ("implicit", "password", "clientCredentials", "authorizationCode")
_NEEDS: Final = {
    "implicit": ("authorizationUrl",),
    "password": ("tokenUrl",),
    "clientCredentials": ("tokenUrl",),
    "authorizationCode": ("authorizationUrl", "tokenUrl"),
}
_KEY_PLACES: Final = {"header": "ApiKey", "query": "apikey"}


def schemes_of(root: Node) -> dict[str, Scheme]:
    """The security schemes under components, by name."""
    components = root.child("components", dict)
    if components is None:
        return {}
    return {name: scheme_of(name, node) for name, node in components.members("securitySchemes")}


def scheme_of(name: str, node: Node) -> Scheme:
    """One security scheme; what clients of a gateway cannot use is a warning."""
    kind = node.text("type", required=True)
    if kind and kind not in TYPES:
        node.error(f"`{short(kind)}` is no type of security scheme; there are {', '.join(TYPES)}.", "type")
    if kind == "oauth2":
        return Scheme(name, node.pointer, "oauth", kind, _oauth_scopes(node))
    if kind == "openIdConnect":
        node.text("openIdConnectUrl", required=True)
        return Scheme(name, node.pointer, "oauth", kind, dict.fromkeys(node.texts("scopes"), ""))
    if kind == "http":
        scheme = node.text("scheme", required=True)
        if scheme.lower() == "bearer":
            return Scheme(name, node.pointer, "oauth", kind)
        node.warning(
            phrase("Clients of the gateway do not sign in with HTTP {scheme}; it is left out.", scheme=short(scheme)),
            "scheme",
        )
    elif kind == "httpApiKey":
        return _api_key(name, node)
    elif kind in TYPES:
        node.warning(f"`{kind}` is nothing that a WebSocket client can use at the gateway; it is left out.", "type")
    return Scheme(name, node.pointer, "", kind)


def _api_key(name: str, node: Node) -> Scheme:
    place, key = node.text("in", required=True), node.text("name", required=True)
    if place and place not in {"header", "query", "cookie"}:
        node.error("This should be header, query or cookie.", "in")
    elif place == "cookie":
        node.warning("API keys do not come in cookies here; clients send the header ApiKey.", "in")
    elif place and key.lower() != _KEY_PLACES[place].lower():
        node.warning(
            phrase(
                "Clients of the gateway send their API key as {key_places}, not as {key}.",
                key_places=_KEY_PLACES[place],
                key=short(key),
            ),
            "name",
        )
    return Scheme(name, node.pointer, "api_key", "httpApiKey", place=place)


def _oauth_scopes(node: Node) -> dict[str, str]:
    """Every scope that a flow offers, with its description. Versions before 3.0 call them `scopes`."""
    scopes: dict[str, str] = {}
    flows = node.child("flows", dict)
    if flows is None:
        node.error("An oauth2 scheme needs `flows`.")
        return scopes
    flows.known(FLOWS, "flows")
    for flow in FLOWS:
        one = flows.child(flow, dict)
        if one is None:
            continue
        for needed in _NEEDS[flow]:
            one.text(needed, required=True)
        for key in ("availableScopes", "scopes"):
            offered = one.child(key, dict)
            for scope, text in offered.value.items() if offered is not None else ():
                scopes.setdefault(scope, text if isinstance(text, str) else "")
    return scopes


def security_of(node: Node, schemes: dict[str, Scheme]) -> Security:
    """What `security` of an operation or a server asks for.

    2.x names schemes: [{"oauth": ["rooms:read"]}]; 3.x lists schemes themselves, each with the `scopes` it needs.
    """
    if "security" not in node.value:
        return Security()
    listed = node.rows("security")
    asked: list[tuple[str, tuple[str, ...]]] = []
    is_open = not listed
    for row in listed:
        if not row.value:  # {}: nothing is an alternative, too
            is_open = True
        elif "type" in row.value:
            scheme = scheme_of("", row)
            asked.append((scheme.kind, row.texts("scopes") if scheme.type in {"oauth2", "openIdConnect"} else ()))
        else:
            asked += _named(row, schemes)
    known = [(kind, scopes) for kind, scopes in asked if kind]
    wanted = {scopes for kind, scopes in known if kind == "oauth"}
    if len(wanted) > 1:
        node.warning(
            "Alternatives with different scopes are not told apart here; a token needs all of them.", "security"
        )
    scopes = tuple(dict.fromkeys(scope for _, scopes in known for scope in scopes))
    return Security(True, frozenset(kind for kind, _ in known), scopes, is_open and not asked)


def _named(row: Node, schemes: dict[str, Scheme]) -> list[tuple[str, tuple[str, ...]]]:
    found = []
    for name in row.value:
        if name not in schemes:
            row.error(phrase("There is no security scheme named {name} under components.", name=short(name)), name)
            continue
        scopes = row.texts(name) if isinstance(row.value[name], list) else ()
        found.append((schemes[name].kind, scopes if schemes[name].kind == "oauth" else ()))
    return found
