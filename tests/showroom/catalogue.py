"""What the showroom shows: APIs and what people say about them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

PASSWORD: Final = "walks-the-dog-7"
BACK: Final = "https://phone.example.com/back"
"""Where the application Trading Desk takes its users back."""

TROUBLES: Final = ("400", "403", "404", "500", "503", "stale-form", "locked-out")
"""What goes wrong at `/trouble/...` (`tests.showroom.urls`)."""


@dataclass(frozen=True)
class Shown:
    """An API of the showroom.

    Attributes:
        about: Markdown.
        steps: actions of the lifecycle that it took.
        picture: two colours and a letter, or nothing for an API without one.
    """

    name: str
    context: str
    title: str
    about: str
    tags: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    plans: tuple[str, ...] = ("Bronze", "Silver", "Gold")
    steps: tuple[str, ...] = ("publish",)
    picture: tuple[str, str, str] | None = None
    version: str = "1.0.0"
    more: dict[str, Any] = field(default_factory=dict)


MARKET_ABOUT: Final = """Prices of 4,000 instruments, as they are made.

Connect to `/quotes/{symbol}` and read; every message is one JSON object:

```json
{"symbol": "ACME", "bid": 41.17, "ask": 41.19, "at": "2026-05-04T09:30:00.120Z"}
```

* **Quotes** arrive within 50 ms.
* **Orders** need the scope `market:trade`.
* At night, from 23:00 to 01:00 UTC, only the heartbeat is sent.
"""

SHOWN: Final = (
    Shown(
        "MarketData", "/market", "Market Data", MARKET_ABOUT, ("finance", "prices", "streaming"),
        ("Finance", "Real time"),
        picture=("#0f766e", "#134e4a", "M"), version="2.1.0",
    ),
    Shown(
        "FleetTracker", "/fleet", "Fleet Tracker", "Where every vehicle is, twice a second, with speed and fuel.",
        ("logistics", "location"), ("Real time",), picture=("#b45309", "#78350f", "F"),
    ),
    Shown(
        "SupportChat", "/support", "Support Chat", "Rooms for customers and the people who help them.",
        ("chat",), ("Collaboration",), picture=("#4338ca", "#312e81", "S"), version="3.0.0",
    ),
    Shown(
        "SensorStream", "/sensors", "Sensor Stream", "Temperature and humidity of cold stores, one reading a second.",
        ("iot", "telemetry"), ("Real time",), ("AsyncBronze", "AsyncUnlimited"),
    ),
    Shown(
        "LiveScores", "/scores", "Live Scores", "Goals, cards and line-ups of forty leagues.",
        ("sports",), ("Real time",), picture=("#be123c", "#881337", "L"), steps=("prerelease",),
    ),
    Shown("WhiteBoard", "/board", "White Board", "Draw together.", ("chat",), ("Collaboration",), steps=()),
    Shown(
        "AuctionFeed", "/auctions", "Auction Feed", "Bids as they are made. Version 2 is on its way.", ("finance",),
        ("Finance",), steps=("publish", "deprecate"),
    ),
    Shown("LegacyTicker", "/ticker-old", "Legacy Ticker", "Was replaced by Market Data.", steps=("publish", "block")),
    Shown(
        "Weltraumwetterbeobachtungsdatenstromschnittstelle", "/weltraumwetter",
        "Weltraumwetterbeobachtungsdatenstrom الطقس 🛰️",
        "Names may be long, in any script: تدفق بيانات الطقس الفضائي.", ("weather", "اختبار"), plans=("Bronze",),
    ),
)  # fmt: skip

DOCUMENT: Final = """## Five minutes to the first quote

1. Subscribe an application under **Bronze**.
2. Generate a token and keep it out of the address.
3. Connect:

```bash
websocat -H "Authorization: Bearer $TOKEN" wss://gateway.example.com:8099/market/2.1.0/quotes/ACME
```

| code | what happened | what to do |
|---|---|---|
| `4003` | the plan is spent | wait for the next minute |
| `1012` | the gateway restarts | come again after a second |

> Reconnect with a random pause of up to five seconds.
"""

TALK: Final = (
    ("sam", "Quotes arrive within **40 ms** here, very good. Is there a snapshot when I connect?"),
    ("lena", "The line `{\"type\":\"heartbeat\"}` came twice tonight, at 23:10 and 23:11.\n\nIs that meant to be?"),
    ("mika", "مرحبا! Works from Cairo, too 🎉"),
)  # fmt: skip
REPLY: Final = "Yes: send `snapshot` as the first message, and the last quote of each symbol is sent back."
