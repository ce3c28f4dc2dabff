"""What lines and bars of charts are called in the language of the page (`static/gateway/charts.js` draws them)."""

from __future__ import annotations

import json

from django.utils.translation import gettext


def chart_names() -> dict[str, str]:
    """What the lines and bars of charts are called in the language of the page: JSON lists, by what is shown."""
    named = {
        "both_ways": [gettext("From clients"), gettext("To clients")],
        "sessions": [gettext("Opened")],
        "refusals": [gettext("Handshakes refused"), gettext("Messages throttled")],
        "lengths": [gettext("Sessions")],
    }
    return {name: json.dumps(words, ensure_ascii=False) for name, words in named.items()}
