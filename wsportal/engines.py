"""How a process talks to its database: PostgreSQL by a pool and with limits to what it waits for, SQLite in turns."""

from __future__ import annotations

from typing import Any, Final

# A server that is away is found out in 5 seconds, and asked again with each request instead of ever more seldom.
# Requests and gateway checks run in short-lived threads, where a connection per thread would not be reused.
POOL: Final = {"min_size": 1, "max_size": 8, "timeout": 5, "reconnect_timeout": 2}

# A machine that vanished says nothing: after these seconds without an answer it counts as away (libpq's own names).
NETWORK: Final = {
    "connect_timeout": 5,
    "keepalives_idle": 15,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,  # milliseconds
}

# Of portals and gateways: no query of theirs takes a second, and one that hangs must not hold others up for ever.
STATEMENT_LIMITS: Final = {
    "statement_timeout": "30s",
    "lock_timeout": "10s",
    "idle_in_transaction_session_timeout": "60s",
}


def sqlite(database: dict[str, Any], *, durable: bool) -> None:
    """Complete Django's settings of a SQLite file. `durable`: whether what is written must outlast a crash."""
    # WAL lets readers work beside the one writer; an immediate transaction waits for its turn at BEGIN
    # instead of failing with "database is locked" half-way.
    synchronous = "NORMAL" if durable else "OFF"
    database["OPTIONS"] = {
        "timeout": 20,
        "transaction_mode": "IMMEDIATE",
        "init_command": f"PRAGMA journal_mode=WAL;PRAGMA synchronous={synchronous};",
    }


def postgresql(database: dict[str, Any], *, serves: bool) -> dict[str, Any]:
    """Django's settings of a PostgreSQL database, completed.

    Args:
        database: as read from DATABASE_URL; what stands there is kept, `?options=` included.
        serves: whether the process answers people and clients, rather than running one command (a migration, say)
            to its end, however long that takes.
    """
    database["CONN_HEALTH_CHECKS"] = True  # one that died in the pool is noticed before anybody gets it
    options = database.setdefault("OPTIONS", {})
    for name, value in {"pool": POOL, **NETWORK}.items():
        options.setdefault(name, value)
    if serves:
        options.setdefault("options", " ".join(f"-c {name}={value}" for name, value in STATEMENT_LIMITS.items()))
    return database
