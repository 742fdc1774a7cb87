"""What a batch is made of: packing, joining and thinning of readings. Pure.

A pack is one payload of the wire, made once and never made again: what is kept is what
is sent, so that the same number always stands for the same bytes, whatever version of
zlib or of this program sends it.

How precious a pack is goes by the least precious reading in it. Thinning takes every
second instant of each probe, all channels of an instant together, so that two probes
read in turns are thinned alike and a row stays a row.
"""

import zlib
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import Final, NamedTuple, TypeVar

from msgspec.structs import replace

from greenwater.kernel.channels import SPECS, Channel, Measurement
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Gap, Reading, unsayable
from greenwater.kernel.wire.decode import decode
from greenwater.kernel.wire.encode import encode
from greenwater.kernel.wire.senml import MAX_GAP_S

PACK_RECORDS: Final = 1_000
"""As 5 to 10 kB a thousand readings fill the pages of the file and cross a slow link in
about a second; 500 would leave half of every page empty."""
PACK_BYTES: Final = 128 * 1024
"""Inflated: half of the wire's limit."""
MAX_GAP_MS: Final = round(MAX_GAP_S * 1000)
_ANY_TIME_S: Final = 1e11
T = TypeVar("T")


class Rank(IntEnum):
    """What is given up first when the box is full."""

    WATER = 0
    POWER = 1  # the box's own supply and signal
    PRECIOUS = 2  # positions; current and contact, which tell of alarms
    GAP = 3  # what says that something was lost is never given up


_PRECIOUS: Final = frozenset({Channel.CURRENT, Channel.CONTACT})
RANKS: Final[dict[Channel, Rank]] = {
    channel: Rank.WATER
    if spec.measurement is Measurement.WATER
    else Rank.PRECIOUS
    if spec.measurement is Measurement.POSITION or channel in _PRECIOUS
    else Rank.POWER
    for channel, spec in SPECS.items()
}


class Pack(NamedTuple):
    """Readings as they will travel. Times are the readings' own, for gaps and status."""

    rank: Rank
    readings: int
    first_ms: int
    last_ms: int
    payload: bytes


class Thinned(NamedTuple):
    """What is left of a stretch of readings, gaps that say what went, and how many."""

    readings: list[Reading]
    gaps: list[Gap]
    given_up: int


def sound(readings: Iterable[Reading]) -> list[Reading]:
    """Return readings as they come out of a pack again: what cannot be said is None."""
    return [
        r if r.value is None or not unsayable(r.value) else replace(r, value=None)
        for r in readings
    ]


def packs_of(readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> list[Pack]:
    """Return readings and gaps as packs, each well under the wire's limits.

    Readings of one probe stand together and keep their order.
    """
    ordered = sorted(readings, key=lambda reading: reading.probe)
    packs = [pack for part in _parts(ordered) for pack in _packs(part, ())]
    if packs and gaps and len(gaps) + packs[-1].readings <= PACK_RECORDS:
        last = ordered[len(ordered) - packs.pop().readings :]
        return [*packs, *_packs(last, gaps)]
    return [*packs, *(pack for part in _parts(gaps) for pack in _packs((), part))]


def _parts(records: Sequence[T]) -> Iterator[Sequence[T]]:
    for at in range(0, len(records), PACK_RECORDS):
        yield records[at : at + PACK_RECORDS]


def _packs(readings: Sequence[Reading], gaps: Sequence[Gap]) -> list[Pack]:
    text = encode(readings, gaps, deflate=False)
    if len(text) > PACK_BYTES and len(readings) > 1:
        half = len(readings) // 2
        return [*_packs(readings[:half], ()), *_packs(readings[half:], gaps)]
    starts = [*(r.taken_ms for r in readings), *(gap.start_ms for gap in gaps)]
    ends = [*(r.taken_ms for r in readings), *(gap.end_ms for gap in gaps)]
    rank = min((RANKS[r.channel] for r in readings), default=Rank.GAP)
    deflated = zlib.compress(text, 6)
    payload = deflated if len(deflated) < len(text) else text
    return [Pack(rank, len(readings), min(starts), max(ends), payload)]


def unpack(payload: bytes, device: DeviceId) -> tuple[list[Reading], list[Gap]]:
    """Return what a pack holds.

    Raises:
        InputError: not all of it can be read: leave it as it is.
    """
    pack = decode(payload, device=device, now_s=_ANY_TIME_S)
    if pack.refused:
        raise InputError(f"a kept pack holds a record that {pack.refused[0].reason}")
    return pack.readings, pack.gaps


def thinned(
    readings: Sequence[Reading], gaps: Sequence[Gap], rank: Rank, *, all_of_it: bool
) -> Thinned:
    """Give up every second instant of each probe's readings of this rank, or all.

    The first instant of each probe stays, so that what is left still spans the stretch.
    """
    places: dict[tuple[str, int], int] = {}
    counts: dict[str, int] = {}
    kept: list[Reading] = []
    dropped: list[Reading] = []
    for reading in readings:
        if RANKS[reading.channel] is not rank:
            kept.append(reading)
            continue
        key = (reading.probe, reading.taken_ms)
        if key not in places:
            places[key] = counts[reading.probe] = counts.get(reading.probe, -1) + 1
        is_dropped = all_of_it or places[key] % 2 == 1
        (dropped if is_dropped else kept).append(reading)
    found = [*gaps, *gaps_over(dropped, "thinned")]
    return Thinned(kept, merged_gaps(found), len(dropped))


def gaps_over(readings: Iterable[Reading], reason: str) -> list[Gap]:
    """Return one gap per probe that says these readings were given up."""
    return merged_gaps(
        Gap(r.device, r.probe, r.taken_ms, r.taken_ms + 1, 1, reason) for r in readings
    )


def merged_gaps(gaps: Iterable[Gap]) -> list[Gap]:
    """Return gaps with those of one probe and reason made one; counts add up."""
    merged: dict[tuple[str, str], Gap] = {}
    for gap in gaps:
        key = (gap.probe, gap.reason)
        other = merged.get(key)
        merged[key] = gap if other is None else _joined(gap, other)
    return list(merged.values())


def _joined(one: Gap, other: Gap) -> Gap:
    is_known = one.count > 0 and other.count > 0  # 0 says: not known
    return replace(
        one,
        start_ms=min(one.start_ms, other.start_ms),
        end_ms=max(one.end_ms, other.end_ms),
        count=one.count + other.count if is_known else 0,
    )
