"""The fuzzing end: kosoku, in a process of its own, because it puts its own `autobahn` in the place of the real one.

    python -m tests.conformance.fuzz client '{"url", "cases", "parallel", "token", "ca"}'
    python -m tests.conformance.fuzz server '{"cases", "cert", "key"}'

`cert`, `key` and `ca` are files or null; `cases` are ids and globs.
The server says its port first; both end by printing {case: [behavior, closing, code, told]}.
"""

from __future__ import annotations

import asyncio
import json
import os
import ssl
import sys
from collections.abc import Awaitable, Iterable
from contextlib import AsyncExitStack
from typing import Any
from urllib.parse import urlsplit

from kosoku import FailureError, run_fuzzingclient, run_fuzzingserver

from tests.conformance.splice import splice


async def _client(facts: dict[str, Any]) -> list[Any]:
    """Judge the server at `url`; with a token it is reached over a relay that adds it, and TLS if a CA is named."""
    url, cases, parallel = facts["url"], facts["cases"], facts["parallel"]
    if not facts["token"]:
        return await _results(run_fuzzingclient(url, cases, concurrency=parallel))
    parts = urlsplit(url)
    assert parts.hostname is not None
    assert parts.port is not None
    tls = ssl.create_default_context(cafile=facts["ca"]) if facts["ca"] else None
    async with splice(parts.hostname, parts.port, token=facts["token"], dial=tls) as port:
        return await _results(run_fuzzingclient(f"ws://127.0.0.1:{port}{parts.path}", cases, concurrency=parallel))


async def _server(facts: dict[str, Any]) -> list[Any]:
    """Judge whoever calls, with a certificate over TLS, until the caller says that it is done."""
    async with AsyncExitStack() as stack:
        server = await stack.enter_async_context(run_fuzzingserver(facts["cases"], host="127.0.0.1", port=0))
        port = server.port
        if facts["cert"]:
            tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            tls.load_cert_chain(facts["cert"], facts["key"])
            port = await stack.enter_async_context(splice("127.0.0.1", port, accept=tls))
        print(port, flush=True)
        return await _results(server.get_result())


async def _results(run: Awaitable[Iterable[Any]]) -> list[Any]:
    try:
        return list(await run)
    except FailureError as failed:  # carries the results of all cases, the good ones too
        return failed.results


def main() -> None:
    what, facts = sys.argv[1], json.loads(sys.argv[2])
    results = asyncio.run({"client": _client, "server": _server}[what](facts))
    found = {
        one.case_id: (
            one.behavior.value,
            one.behavior_close.value,
            one.remote_close_code,
            "; ".join(text for text in (one.result, one.result_close, one.was_not_clean_reason) if text),
        )
        for one in results
    }
    print(json.dumps(found), flush=True)
    os._exit(0)  # kosoku's threads sometimes abort an interpreter that ends in the usual way (0.1.0)


if __name__ == "__main__":
    main()
