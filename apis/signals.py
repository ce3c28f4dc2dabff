"""What the control plane tells the rest of this process after a write is committed.

`changed` carries `kind` (a row of KINDS) and `subject` (the id as text). Other processes read the same
facts from the Change table; see `apis.services.record`.
"""

from __future__ import annotations

from typing import Final

from django.dispatch import Signal

# The last three have no row that was changed: `command` is something to do, `watch` names a process whose sessions
# somebody looks at, and `deny` says that the deny policies are others now.
KINDS: Final = (
    "api", "subscription", "plan", "application", "person", "token", "key_manager", "api_plan", "custom_plan",
    "deny", "command", "watch",
)  # fmt: skip

changed = Signal()
