"""A key manager outside of the product, built with authlib: issues tokens, publishes its keys, answers questions."""

from __future__ import annotations

import json
import os
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qsl

import httpx
from authlib.common.security import generate_token
from authlib.oauth2.rfc6749 import AuthorizationServer, ClientMixin, OAuth2Request, TokenMixin
from authlib.oauth2.rfc6749.grants import ClientCredentialsGrant
from authlib.oauth2.rfc6749.requests import BasicOAuth2Payload
from authlib.oauth2.rfc6750 import BearerTokenGenerator
from authlib.oauth2.rfc7662 import IntrospectionEndpoint
from authlib.oauth2.rfc9068 import JWTBearerTokenGenerator
from joserfc import jwk, jwt

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # this one is on loopback


class Program(ClientMixin):
    """A client of the key manager."""

    def __init__(self, name: str, secret: str = "hush", scope: str = "default read") -> None:
        self.name, self.secret, self.scope = name, secret, scope

    def get_client_id(self) -> str:
        return self.name

    def get_allowed_scope(self, scope: str | None) -> str:
        return self.scope if not scope else " ".join(word for word in scope.split() if word in self.scope.split())

    def check_client_secret(self, client_secret: str) -> bool:
        return client_secret == self.secret

    def check_endpoint_auth_method(self, method: str, endpoint: str) -> bool:
        return method == "client_secret_basic"

    def check_grant_type(self, grant_type: str) -> bool:
        return grant_type == "client_credentials"


@dataclass
class Issued(TokenMixin):
    """A token that was issued."""

    text: str
    client: str
    scope: str
    expires_at: float
    revoked: bool = field(default=False)

    def is_expired(self) -> bool:
        return self.expires_at <= time.time()

    def is_revoked(self) -> bool:
        return self.revoked


class _Request(OAuth2Request):
    def __init__(self, method: str, uri: str, form: dict[str, str], headers: dict[str, str]) -> None:
        super().__init__(method, uri, headers=headers)
        self.payload = BasicOAuth2Payload(form)

    @property
    def args(self) -> dict[str, str]:
        return {}

    @property
    def form(self) -> dict[str, str]:
        data: dict[str, str] = self.payload.data
        return data


class _Server(AuthorizationServer):
    def __init__(self, master: KeyMaster) -> None:
        super().__init__()
        self.master = master

    def query_client(self, client_id: str) -> Program | None:
        return self.master.clients.get(client_id)

    def save_token(self, token: dict[str, Any], request: Any) -> None:
        expires_at = time.time() + token["expires_in"]
        text = token["access_token"]
        self.master.issued[text] = Issued(text, request.client.get_client_id(), token.get("scope", ""), expires_at)

    def create_oauth2_request(self, request: Any) -> Any:
        return request

    def handle_response(self, status: int, body: Any, headers: Any) -> tuple[int, Any]:
        return status, body

    def send_signal(self, name: str, *args: Any, **kwargs: Any) -> None:
        pass


class _Tokens(JWTBearerTokenGenerator):
    def __init__(self, master: KeyMaster) -> None:
        super().__init__(master.issuer, expires_generator=lambda client, grant: master.life_s)
        self.master = master

    def get_jwks(self) -> Any:
        return self.master.key

    def get_audiences(self, client: Any, user: Any, scope: Any) -> str:
        return self.master.audience

    def access_token_generator(self, client: Any, grant_type: str, user: Any, scope: str) -> str:
        text = super().access_token_generator(client, grant_type, user, scope)
        # authlib names no key in the header; with several keys a key manager does (RFC 7515 section 4.1.4)
        claims = jwt.decode(text, self.master.key, algorithms=["RS256"]).claims
        return self.master.sign({**claims, **self.master.claims})


class _Introspection(IntrospectionEndpoint):
    def query_token(self, token_string: str, token_type_hint: str | None) -> Issued | None:
        return self.server.master.issued.get(token_string)

    def check_permission(self, token: Any, client: Any, request: Any) -> bool:
        return client.get_client_id() == "gateway"

    def introspect_token(self, token: Issued) -> dict[str, Any]:
        master = self.server.master
        facts = {"client_id": token.client, "scope": token.scope, "exp": int(token.expires_at), "sub": token.client}
        return {"active": True, "aud": master.audience, "iss": master.issuer, **facts}


class KeyMaster:
    """It runs on a port of its own until `stop`.

    Args:
        opaque: whether its tokens say nothing by themselves.

    Attributes:
        clients: its clients by id; "gateway" may ask about tokens.
        key: signs; `published` are the keys that it shows.
        claims: put into the next tokens, over what it would say.
        asked: how often each address was asked.
        broken: whether it answers everything with 500.
    """

    def __init__(self, *, opaque: bool = False, audience: str = "wsportal") -> None:
        self.clients = {name: Program(name) for name in ("phone", "tablet", "gateway")}
        self.issued: dict[str, Issued] = {}
        self.asked: Counter[str] = Counter()
        self.claims: dict[str, Any] = {}
        self.audience, self.life_s, self.broken = audience, 600, False
        self.http = ThreadingHTTPServer(("127.0.0.1", 0), self._handler())
        self.issuer = f"http://127.0.0.1:{self.http.server_address[1]}"
        self.key: Any = None
        self.published: list[Any] = []
        self.rotate()
        self.server = _Server(self)
        self.server.register_grant(ClientCredentialsGrant)
        self.server.register_endpoint(_Introspection)
        plain = BearerTokenGenerator(
            lambda **_: generate_token(40), expires_generator=lambda client, grant: self.life_s
        )
        self.server.register_token_generator("default", plain if opaque else _Tokens(self))
        threading.Thread(target=self.http.serve_forever, daemon=True).start()

    def rotate(self, *, keep: bool = False) -> None:
        """Sign with a new key from now on, and publish it; the old one only where it is kept."""
        self.key = jwk.generate_key("RSA", 2048, {"kid": generate_token(8)})
        self.published = [*(self.published if keep else []), self.key]

    def sign(self, claims: dict[str, Any], key: Any = None, algorithm: str = "RS256", **header: Any) -> str:
        """A token with exactly these claims."""
        key = key or self.key
        return jwt.encode({"alg": algorithm, "typ": "at+jwt", "kid": key.kid, **header}, claims, key, [algorithm])

    def token(self, client: str = "phone", scope: str = "") -> str:
        """A token that a client asked for over HTTP, by client credentials."""
        form = {"grant_type": "client_credentials", **({"scope": scope} if scope else {})}
        answer = httpx.post(f"{self.issuer}/token", data=form, auth=(client, self.clients[client].secret))
        text: str = answer.raise_for_status().json()["access_token"]
        return text

    def token_offline(self, client: str = "phone") -> str:
        """A right token that nobody asked for over HTTP."""
        facts = {"iss": self.issuer, "aud": self.audience, "client_id": client, "sub": client, "scope": "default"}
        return self.sign({**facts, "exp": int(time.time()) + self.life_s, "jti": generate_token(8)})

    def revoke(self, token: str) -> None:
        self.issued[token].revoked = True

    def stop(self) -> None:
        self.http.shutdown()
        self.http.server_close()

    def _answer(self, method: str, path: str, form: dict[str, str], headers: dict[str, str]) -> tuple[int, Any]:
        self.asked[path] += 1
        if self.broken:
            return 500, {}
        if path == "/keys":
            return 200, {"keys": [key.as_dict(private=False) for key in self.published]}
        if path == "/.well-known/oauth-authorization-server":
            return 200, {"issuer": self.issuer, "jwks_uri": f"{self.issuer}/keys"}
        request = _Request(method, self.issuer + path, form, headers)
        if path == "/token":
            return self.server.create_token_response(request)
        if path == "/introspect":
            return self.server.create_endpoint_response("introspection", request)
        return 404, {}

    def _handler(self) -> type[BaseHTTPRequestHandler]:
        master = self

        class Handler(BaseHTTPRequestHandler):
            def _do(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0"))).decode()
                answer = master._answer(self.command, self.path, dict(parse_qsl(body)), _titled(self.headers))
                content = json.dumps(answer[1]).encode()
                self.send_response(answer[0])
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(content)))
                self.end_headers()
                self.wfile.write(content)

            do_GET = do_POST = _do

            def log_message(self, format: str, *args: Any) -> None:
                pass

        return Handler


def _titled(headers: Any) -> dict[str, str]:
    """authlib looks for "Authorization", however it was written."""
    return {name.title(): value for name, value in headers.items()}


@contextmanager
def key_master(**options: Any) -> Iterator[KeyMaster]:
    """A running key manager."""
    master = KeyMaster(**options)
    try:
        yield master
    finally:
        master.stop()
