"""The common window of all gateway processes: what Redis keeps of one limit, and the rule by which it gives.

A process holds a part of the window, its allotment, out of which its sessions draw. Every call says how much the
process holds and how much of that is spent, as totals of this window and not as differences. So a call that is lost, is
made twice or comes late is put right by the next one: nothing is counted twice, nothing that was given back is lost.
What is given is never more than what is left, so all allotments together never exceed the limit.

The rule exists twice: `SCRIPT` is what Redis runs, `Pool` the same in Python, for simulations and proofs; a test keeps
them equal. Source: CONTRACT section 7.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

LARGEST_PART: Final = 100  # an allotment is at most this part of the limit: what a killed process takes with it
SPLIT: Final = 2  # of what is left a process gets its even part of one half, so allotments shrink near the end
DRY: Final = "dry"
ROOM: Final = "room"


@dataclass(frozen=True, slots=True)
class Call:
    """What a process says about one window.

    Attributes:
        key: of the window.
        holder: the process, and which life of its throttle.
        number: counts up; a call that comes after a later one means nothing.
        held: what the process has of this window, spent or not.
        spent: what of that is spent for sure.
        wanted, needed: how much more it would take, and the least that is of use.
        amount: of the limit.
        ends_at: end of the window, epoch seconds.
        bye: the process goes: what it has spent stays counted, and it is forgotten.
    """

    key: str
    holder: str
    number: int
    held: int
    spent: int
    wanted: int
    needed: int
    amount: int
    ends_at: int
    bye: bool = False


@dataclass(frozen=True, slots=True)
class Answer:
    """What a process is told.

    Attributes:
        granted: how much more it holds from now on.
        left: of the window, for anybody; negative where more passed than there was.
        elsewhere: what others hold and have not spent, as far as they have said.
        share: the largest allotment of one process now.
    """

    granted: int
    left: int
    elsewhere: int
    share: int


@dataclass(slots=True)
class Pool:
    """One window. `tell` is what SCRIPT does, line by line."""

    held: int = 0
    spent: int = 0
    holders: dict[str, tuple[int, int, int]] = field(default_factory=dict)  # number, held, spent

    def tell(self, call: Call) -> tuple[Answer | None, str]:
        """Take note of a call and give what may be given.

        Returns:
            The answer, None to a call that came too late; and what all processes are told: DRY (give back what you do
            not need), ROOM (there is something again) or "".
        """
        number, held, spent = self.holders.get(call.holder, (0, 0, 0))
        if call.number <= number:
            return None, ""
        before = call.amount - self.held
        self.held += call.held - held
        self.spent += call.spent - spent
        left = call.amount - self.held
        holders = len(self.holders) + (call.holder not in self.holders)
        share = max(1, min(left // (SPLIT * holders), call.amount // LARGEST_PART))
        granted = 0
        if call.wanted > 0 and left > 0:
            granted = min(call.wanted, left, max(share, call.needed))
        self.held += granted
        if call.bye:
            self.holders.pop(call.holder, None)
        else:
            self.holders[call.holder] = call.number, call.held + granted, call.spent
        left -= granted
        elsewhere = (self.held - self.spent) - (call.held + granted - call.spent)
        message = ""
        if call.wanted > 0 and granted == 0 and elsewhere > 0:
            message = DRY
        elif before <= 0 < left:
            message = ROOM
        return Answer(granted, left, elsewhere, share), message


SCRIPT: Final = """
local key, channel = KEYS[1], ARGV[1]
local holder = ARGV[2]
local number, now_held, now_spent = tonumber(ARGV[3]), tonumber(ARGV[4]), tonumber(ARGV[5])
local wanted, needed, amount = tonumber(ARGV[6]), tonumber(ARGV[7]), tonumber(ARGV[8])
local function text(value) return string.format('%.0f', value) end
local known = redis.call('HMGET', key, holder, 'held', 'spent')
local old_number, old_held, old_spent = 0, 0, 0
if known[1] then
  local a, b, c = string.match(known[1], '(-?%d+) (-?%d+) (-?%d+)')
  old_number, old_held, old_spent = tonumber(a), tonumber(b), tonumber(c)
end
if number <= old_number then return {} end
local held, spent = tonumber(known[2] or '0'), tonumber(known[3] or '0')
local before = amount - held
held = held + now_held - old_held
spent = spent + now_spent - old_spent
local left = amount - held
local holders = redis.call('HLEN', key)
if known[2] then holders = holders - 2 end
if not known[1] then holders = holders + 1 end
local share = math.max(1, math.min(math.floor(left / (@SPLIT@ * holders)), math.floor(amount / @PART@)))
local granted = 0
if wanted > 0 and left > 0 then granted = math.min(wanted, left, math.max(share, needed)) end
held = held + granted
if ARGV[10] == '1' then
  redis.call('HDEL', key, holder)
  redis.call('HSET', key, 'held', text(held), 'spent', text(spent))
else
  local mine = text(number) .. ' ' .. text(now_held + granted) .. ' ' .. text(now_spent)
  redis.call('HSET', key, holder, mine, 'held', text(held), 'spent', text(spent))
end
if not known[2] then redis.call('EXPIREAT', key, ARGV[9]) end
left = left - granted
local elsewhere = (held - spent) - (now_held + granted - now_spent)
if wanted > 0 and granted == 0 and elsewhere > 0 then
  -- Those who ask in vain ask again, all of them: the others need to hear of it now and then only.
  if redis.call('SET', key .. ':dry', '1', 'NX', 'PX', '20') then redis.call('PUBLISH', channel, 'dry ' .. key) end
elseif before <= 0 and left > 0 then
  redis.call('PUBLISH', channel, 'room ' .. key)
end
return {text(granted), text(left), text(elsewhere), text(share)}
""".replace("@SPLIT@", str(SPLIT)).replace("@PART@", str(LARGEST_PART))


def arguments(call: Call, channel: str, keep_s: int) -> list[str | int]:
    """What SCRIPT is given besides the key.

    Args:
        channel: on which processes hear of dry and of roomy windows.
        keep_s: seconds that a window is kept beyond its end, for clocks that do not agree.
    """
    numbers = [call.number, call.held, call.spent, call.wanted, call.needed, call.amount, call.ends_at + keep_s]
    return [channel, call.holder, *numbers, int(call.bye)]
