"""A client of TLS 1.3 that asks for new keys as often as it likes. Python's `ssl` cannot: OpenSSL by ctypes."""

from __future__ import annotations

import ctypes
import ssl
from pathlib import Path
from typing import Final

REQUESTED: Final = 1  # SSL_KEY_UPDATE_REQUESTED of openssl/ssl.h: the other end must answer with new keys of its own


def _loaded(name: str) -> ctypes.CDLL | None:
    """The very library that `ssl` has loaded into this process; None where it is built in."""
    maps = Path("/proc/self/maps")
    lines = maps.read_text().splitlines() if maps.exists() and ssl.HAS_TLSv1_3 else []
    found = next((line.split()[-1] for line in lines if f"/{name}.so" in line), None)
    return ctypes.CDLL(found) if found else None


SSL: Final = _loaded("libssl")
CRYPTO: Final = _loaded("libcrypto")
for _library, _name, _result, _arguments in (
    (SSL, "TLS_client_method", ctypes.c_void_p, ""),
    (SSL, "SSL_CTX_new", ctypes.c_void_p, "p"),
    (SSL, "SSL_CTX_free", None, "p"),
    (SSL, "SSL_new", ctypes.c_void_p, "p"),
    (SSL, "SSL_free", None, "p"),
    (SSL, "SSL_set_bio", None, "ppp"),
    (SSL, "SSL_set_connect_state", None, "p"),
    (SSL, "SSL_do_handshake", ctypes.c_int, "p"),
    (SSL, "SSL_key_update", ctypes.c_int, "pi"),
    (SSL, "SSL_write", ctypes.c_int, "psi"),
    (SSL, "SSL_read", ctypes.c_int, "psi"),
    (CRYPTO, "BIO_s_mem", ctypes.c_void_p, ""),
    (CRYPTO, "BIO_new", ctypes.c_void_p, "p"),
    (CRYPTO, "BIO_write", ctypes.c_int, "psi"),
    (CRYPTO, "BIO_read", ctypes.c_int, "psi"),
    (CRYPTO, "ERR_clear_error", None, ""),
):
    if _library is not None:
        _function = getattr(_library, _name)
        _function.restype = _result
        _function.argtypes = [
            {"p": ctypes.c_void_p, "i": ctypes.c_int, "s": ctypes.c_char_p}[one] for one in _arguments
        ]


class Rekeying:
    """One end of a connection, in memory, which trusts everybody. Whatever it says is taken by `said`."""

    def __init__(self) -> None:
        assert SSL is not None
        assert CRYPTO is not None
        self._libssl, self._libcrypto = SSL, CRYPTO
        self._context = SSL.SSL_CTX_new(SSL.TLS_client_method())
        self._ssl = SSL.SSL_new(self._context)
        self._in, self._out = (CRYPTO.BIO_new(CRYPTO.BIO_s_mem()) for _ in range(2))
        SSL.SSL_set_bio(self._ssl, self._in, self._out)  # which owns them from now on
        SSL.SSL_set_connect_state(self._ssl)
        SSL.SSL_do_handshake(self._ssl)

    def close(self) -> None:
        self._libssl.SSL_free(self._ssl)
        self._libssl.SSL_CTX_free(self._context)
        self._libcrypto.ERR_clear_error()  # the queue of errors is this thread's, and Python's `ssl` looks at it, too

    def said(self) -> bytes:
        made = b""
        piece = ctypes.create_string_buffer(65536)
        while (count := self._libcrypto.BIO_read(self._out, piece, len(piece))) > 0:
            made += piece.raw[:count]
        self._libcrypto.ERR_clear_error()
        return made

    def hear(self, data: bytes) -> bytes:
        """What the other end says by these bytes, if anything."""
        self._libcrypto.BIO_write(self._in, data, len(data))
        self._libssl.SSL_do_handshake(self._ssl)
        heard = b""
        piece = ctypes.create_string_buffer(65536)
        while (count := self._libssl.SSL_read(self._ssl, piece, len(piece))) > 0:
            heard += piece.raw[:count]
        self._libcrypto.ERR_clear_error()
        return heard

    def say(self, data: bytes) -> bytes:
        assert self._libssl.SSL_write(self._ssl, data, len(data)) == len(data)
        return self.said()

    def update(self) -> bytes:
        """One request for new keys."""
        assert self._libssl.SSL_key_update(self._ssl, REQUESTED) == 1
        self._libssl.SSL_do_handshake(self._ssl)
        return self.said()
