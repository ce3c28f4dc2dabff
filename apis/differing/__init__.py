"""What differs between two designs of an API, and what of it breaks clients. Pure, no Django.

Two designs come in the shape that `apis.frozen` freezes; what breaks is told from the clients' side: who connects, what
they send and what they receive. Sources: section 3.4 of the reference; the rules are explained in docs/publishing.md.
"""

from __future__ import annotations

from apis.differing.changes import Change, Comparison
from apis.differing.designs import compare

__all__ = ["Change", "Comparison", "compare"]
