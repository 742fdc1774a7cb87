"""Taking what rests in quarantine in again, and readings from files. One pipeline for all."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Protocol

import msgspec

from greenwater.kernel import topics
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, parse_device
from greenwater.kernel.reading import Gap, Reading, milliseconds
from greenwater.kernel.wire.decode import decode
from greenwater.storage.registry.quarantine import InQuarantine
from greenwater.storage.telemetry.ports import Telemetry
from ingest.counters import Counters
from ingest.intake import Batch, digest_of
from ingest.mapping import Mappings
from ingest.pipeline import Pipeline, Taken
from ingest.ports import Delivery, Registry, Worker
from ingest.seen import Seen
from ingest.workers import by_hand


class Desk(Registry, Protocol):
    """The registry, quarantine desk included."""

    def get_quarantined(self, entry: int) -> InQuarantine:
        """Return one entry with its bytes."""
        ...

    def mark_replayed(self, entry: int, now_ms: int) -> None:
        """Note that it has been taken in."""
        ...


def take_in_readings(
    readings: Sequence[Reading],
    registry: Registry,
    telemetry: Telemetry,
    clock: Clock,
    *,
    worker: Worker,
    gaps: Sequence[Gap] = (),
) -> Taken:
    """Store readings as any other: compared with what is there, in intake, for analytics.

    The caller holds ``worker`` (``ingest.workers.by_hand``).
    """
    pipeline = Pipeline(
        telemetry,
        registry,
        clock=clock,
        worker=worker,
        seen=Seen(),
        counters=Counters(),
        is_sharing=True,  # ingest runs beside: what it writes is not known here
    )
    batches: dict[DeviceId, Batch] = {}

    def of(device: DeviceId) -> Batch:
        return batches.setdefault(device, Batch(device, "", b"", None))

    for reading in readings:
        of(reading.device).readings.append(reading)
    for gap in gaps:
        of(gap.device).gaps.append(gap)
    for batch in batches.values():
        batch.payload = msgspec.json.encode((batch.readings, batch.gaps))
        batch.digest = digest_of(batch.payload)
    return pipeline.take_in(list(batches.values()))


def hand_intake(
    home: Path, registry: Registry, telemetry: Telemetry, clock: Clock
) -> Callable[[Sequence[Reading]], object]:
    """Return what takes in readings that people typed, under a worker of this folder."""

    def take_in(readings: Sequence[Reading]) -> object:
        with by_hand(home) as worker:
            return take_in_readings(readings, registry, telemetry, clock, worker=worker)

    return take_in


def replay_entries(
    registry: Desk,
    telemetry: Telemetry,
    entries: Iterable[int],
    clock: Clock,
    *,
    worker: Worker,
    mappings: Mappings | None = None,
) -> Iterator[tuple[int, str]]:
    """Take entries in again; yield each with what became of it.

    ``mappings`` read other people's payloads. One of which the store takes nothing stays as it is, to be taken in later.
    """
    for number in entries:
        entry = registry.get_quarantined(number)
        try:
            readings, gaps = _mapped(
                entry, registry, mappings or Mappings(), clock
            ) or _content(entry, clock)
        except InputError as exc:
            yield number, f"still refused: {exc}"
            continue
        taken = take_in_readings(
            readings, registry, telemetry, clock, worker=worker, gaps=gaps
        )
        if taken.quarantined and not taken.stored + taken.repeated:
            yield number, "still refused: the store takes nothing of it"
            continue
        registry.mark_replayed(number, milliseconds(clock.now()))
        yield number, f"{taken.stored} stored, {taken.repeated} there already"


def _gap(raw: bytes) -> Gap:
    try:
        return msgspec.json.decode(raw, type=Gap)
    except msgspec.MsgspecError as exc:
        raise InputError(str(exc)) from exc


def _mapped(
    entry: InQuarantine, registry: Registry, mappings: Mappings, clock: Clock
) -> tuple[list[Reading], list[Gap]] | None:
    """Return what a profile reads from a payload; None: it is none of theirs."""
    batch = mappings.open(
        Delivery(entry.topic, entry.raw or b"", None),
        states=registry.device_states(),
        now_s=clock.now().timestamp(),
    )
    if entry.kind != "batch" or entry.raw is None or batch is None:
        return None
    if batch.quarantined:
        raise InputError(batch.quarantined[0].reason)
    return batch.readings, []


def _content(entry: InQuarantine, clock: Clock) -> tuple[list[Reading], list[Gap]]:
    if entry.raw is None:
        raise InputError("its bytes were given up under the device's budget")
    if entry.kind in ("reading", "overwritten"):
        try:
            return [msgspec.json.decode(entry.raw, type=Reading)], []
        except msgspec.MsgspecError as exc:
            raise InputError(str(exc)) from exc
    if entry.kind == "gap":
        return [], [_gap(entry.raw)]
    if entry.kind not in ("batch", "record"):
        raise InputError(f"a {entry.kind} holds no readings")
    device = parse_device(entry.device)
    if entry.topic:
        topics.parse(entry.topic)
    raw = (
        entry.raw
        if entry.raw[:1] in b"[x" or entry.raw[0] >= 0x80
        else b"[" + entry.raw + b"]"
    )
    pack = decode(raw, device=device, now_s=clock.now().timestamp())
    if pack.refused:
        raise InputError(pack.refused[0].reason)
    return pack.readings, pack.gaps
