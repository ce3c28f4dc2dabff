"""How long a message takes is sampled on every kind of leg, and nobody notices."""

from __future__ import annotations

import asyncio

import pytest
from prometheus_client import REGISTRY

from gateway import sampling
from gateway.relay import LIVING, TransportLeg
from tests.gateway.legs import relay
from tests.gateway.test_relay import KINDS, Kinds, hello


def samples() -> float:
    return REGISTRY.get_sample_value("wsportal_added_latency_seconds_count") or 0.0


@pytest.mark.parametrize("kinds", KINDS, ids="-".join)
async def test_messages_of_every_kind_of_leg_are_timed_and_pass_unchanged(
    kinds: Kinds, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sampling, "PROBE_EVERY_S", 0.002)
    before = samples()
    async with relay(kinds) as it:
        timing = asyncio.ensure_future(sampling.time_messages())
        async with asyncio.timeout(20):
            number = 0
            while samples() < before + 20:
                number += 1
                up, down = hello(b"%d" % number), hello(b"%d" % number, masked=False)
                await it.sam.send(up)
                assert await it.backend.bytes(len(up)) == up
                await it.backend.send(down)
                assert await it.sam.bytes(len(down)) == down
                await asyncio.sleep(0.002)
        timing.cancel()
        await asyncio.wait([timing])
        for leg in (it.link.client, it.link.upstream):
            if isinstance(leg, TransportLeg):
                assert leg.transport.get_protocol() is leg
                assert leg in LIVING
        assert it.owner.scanner_in.messages == it.owner.scanner_out.messages == number
    assert not LIVING


async def test_a_leg_that_ends_while_it_is_watched_ends_as_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampling, "PROBE_EVERY_S", 0.002)
    async with relay(("tls", "tls")) as it:
        timing = asyncio.ensure_future(sampling.time_messages())
        await asyncio.sleep(0.05)
        it.sam.vanish("reset")
        it.backend.vanish("reset")
        assert (await it.owner.ending()).initiator in {"client", "upstream"}
        timing.cancel()
        await asyncio.wait([timing])
    assert not LIVING
