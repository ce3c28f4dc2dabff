"""Which event loop this process uses. Import it before `daphne.server` is imported, which makes its loop at once."""

from __future__ import annotations

import asyncio
from contextlib import suppress

with suppress(ImportError):  # no uvloop on Windows: everything works there, slower
    import uvloop

    asyncio.set_event_loop_policy(uvloop.EventLoopPolicy())
