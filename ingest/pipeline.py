"""Take in a group of batches: quarantine, write, record intake, and only then say so.

The order is the promise (ADR 2, ADR 6):

1. what replaces a value, and what cannot be a reading, goes to quarantine;
2. readings and gaps are written;
3. intake rows are recorded, which say that they are;
4. the boxes are told; 5. the broker is told.

A crash anywhere brings the group back, by the broker or by the boxes, and doing it
again changes nothing. ``UnavailableError`` out of ``take_in`` means: nothing was
acknowledged, call it again with the same group.
"""

import threading
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import msgspec
import structlog

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.quarantine import Quarantined
from greenwater.kernel.reading import Gap, Reading, milliseconds
from greenwater.storage.telemetry.ports import Intake, Telemetry
from ingest.acks import AckBook
from ingest.counters import Counters
from ingest.intake import Batch, judge
from ingest.merge import Merged, Merger
from ingest.ports import Registry, Worker
from ingest.refusals import Refused, write_bisecting
from ingest.seen import Seen, Verdict

log = structlog.get_logger()

CLONED_BOX = "cloned-box"
"""The operator alarm: two boxes use one identity, or one was restored from an image."""


@dataclass(slots=True)
class Taken:
    """What became of a group; ``acks`` are to be sent now that it is durable.

    ``clones`` says of devices why two boxes seem to use their identity.
    """

    acks: AckBook = field(default_factory=AckBook)
    clones: dict[DeviceId, str] = field(default_factory=dict)
    received: int = 0
    stored: int = 0
    repeated: int = 0
    quarantined: int = 0
    overwritten: int = 0


class _Tally(NamedTuple):
    """What became of one batch's records; together they are all of them."""

    stored: int
    repeated: int
    quarantined: int
    overwritten: int


class Pipeline:
    """The use case. One thread calls ``take_in``; any may call ``forget``."""

    def __init__(
        self,
        telemetry: Telemetry,
        registry: Registry,
        *,
        clock: Clock,
        worker: Worker,
        seen: Seen,
        counters: Counters,
        is_sharing: bool = False,
    ) -> None:
        self._telemetry, self._registry = telemetry, registry
        self._clock, self._worker = clock, worker
        self._seen, self._counters = seen, counters
        self._merger = Merger(
            telemetry.newest, telemetry.read_many, always_ask=is_sharing
        )
        self._sequence = max(telemetry.last_sequence(worker.id), worker.reached())
        self._must_forget = threading.Event()

    def forget(self) -> None:
        """Trust nothing remembered of the store, from the next group on: it may have
        been restored. Memory is never emptied under a group that is being taken in."""
        self._must_forget.set()

    def take_in(self, batches: Sequence[Batch]) -> Taken:
        """Make a group durable, and return what its senders may be told.

        Raises:
            UnavailableError: nothing may be acknowledged; take the same group in again.
        """
        if self._must_forget.is_set():
            self._must_forget.clear()
            self._seen.forget()
            self._merger.forget()
        now_ms = milliseconds(self._clock.now())
        fresh = judge(batches, self._seen, now_ms)
        merged = self._merger.merge([batch.readings for batch in fresh])
        clones = self._put_aside(batches, fresh, merged, now_ms)
        refused = {id(bad.record) for bad in self._write(fresh, merged, now_ms)}
        tallies = [
            _tally(batch, one, refused)
            for batch, one in zip(fresh, merged, strict=True)
        ]
        rows = [
            self._intake(at, batch, one, tally, now_ms)
            for at, (batch, one, tally) in enumerate(
                zip(fresh, merged, tallies, strict=True), 1
            )
            if batch.is_accountable
        ]
        if rows:
            self._telemetry.record(rows)
            self._sequence = rows[-1].sequence
            self._worker.reach(self._sequence)
        self._remember(fresh, merged)
        return self._account(batches, tallies, clones)

    def _put_aside(
        self,
        batches: Sequence[Batch],
        fresh: Sequence[Batch],
        merged: Sequence[Merged],
        now_ms: int,
    ) -> dict[DeviceId, str]:
        """Quarantine what is refused, and the values about to be replaced.

        Returns which devices contradicted themselves; an alarm is open for each.
        """
        entries = [entry for batch in batches for entry in batch.quarantined]
        for batch, one in zip(fresh, merged, strict=True):
            entries += [
                _aside(
                    old, batch.topic, "overwritten", "replaced by a later value", now_ms
                )
                for old in one.replaced
            ]
        if entries:
            self._registry.quarantine(entries)
        clones = {
            batch.device: batch.refusal
            for batch in batches
            if batch.verdict is Verdict.CONTRADICTED and batch.refusal
        }
        for device, why in clones.items():
            self._registry.raise_operator_alarm(CLONED_BOX, device, why, now_ms)
        return clones

    def _write(
        self, fresh: Sequence[Batch], merged: Sequence[Merged], now_ms: int
    ) -> list[Refused]:
        readings = [reading for one in merged for reading in one.added]
        replacing = [reading for one in merged for reading in one.replacing]
        gaps = [gap for batch in fresh for gap in batch.gaps]
        refused = self._write_all(readings, replacing, gaps)
        if refused:
            log.warning(
                "reading.refused_by_store", count=len(refused), reason=refused[0].reason
            )
            self._registry.quarantine(
                [
                    _aside(bad.record, "", _kind(bad.record), bad.reason, now_ms)
                    for bad in refused
                ]
            )
        return refused

    def _write_all(
        self,
        readings: Sequence[Reading],
        replacing: Sequence[Reading],
        gaps: Sequence[Gap],
    ) -> list[Refused]:
        refused: list[Refused] = []
        try:
            if readings or gaps:
                self._telemetry.write(readings, gaps)
        except InputError:  # which of them? What is good is written once more.
            refused += write_bisecting(self._telemetry.write, readings)
            refused += write_bisecting(
                lambda part: self._telemetry.write((), part), gaps
            )
        refused += write_bisecting(self._telemetry.replace, replacing)
        return refused

    def _intake(
        self, at: int, batch: Batch, one: Merged, tally: _Tally, now_ms: int
    ) -> Intake:
        # Of all readings, those "repeated" too: they may be there only because this
        # very batch was written before a crash, and nobody has been shown them yet.
        times = [at for ends in one.extent.values() for at in ends]
        return Intake(
            worker=self._worker.id,
            sequence=self._sequence + at,
            device=batch.device,
            outbox=batch.up.outbox if batch.up else "",
            batch=batch.up.batch if batch.up else 0,
            digest=batch.digest,
            stored=tally.stored,
            repeated=tally.repeated,
            overwritten=tally.overwritten,
            quarantined=tally.quarantined,
            min_ms=min(times, default=0),
            max_ms=max(times, default=0),
            recorded_ms=now_ms,
        )

    def _remember(self, fresh: Sequence[Batch], merged: Sequence[Merged]) -> None:
        for batch, one in zip(fresh, merged, strict=True):
            self._merger.stored(one)
            if batch.up and batch.is_accountable:
                self._seen.add(batch.up.outbox, batch.up.batch, batch.digest)

    def _account(
        self,
        batches: Sequence[Batch],
        tallies: Sequence[_Tally],
        clones: dict[DeviceId, str],
    ) -> Taken:
        taken = Taken(clones=clones)
        for batch in batches:
            taken.received += batch.records
            if batch.verdict is Verdict.REPEATED:
                taken.repeated += len(batch.readings) + len(batch.gaps)
                taken.quarantined += len(batch.quarantined)
            _tell(batch, taken.acks)
        for tally in tallies:
            taken.stored += tally.stored
            taken.repeated += tally.repeated
            taken.quarantined += tally.quarantined
            taken.overwritten += tally.overwritten
        self._counters.add(
            received=taken.received,
            stored=taken.stored,
            repeated=taken.repeated,
            quarantined=taken.quarantined,
            overwritten=taken.overwritten,
            batches=len(batches),
            groups=1,
            contradicted=sum(b.verdict is Verdict.CONTRADICTED for b in batches),
            unauthorised=sum(not b.is_authorised for b in batches),
        )
        return taken


def _tally(batch: Batch, one: Merged, refused: Collection[int]) -> _Tally:
    """Count a batch's records; ``refused`` are the ids of those the store refused."""
    stored, overwritten = len(one.stored) + len(batch.gaps), len(one.replaced)
    aside = 0
    if refused:
        aside = sum(id(record) in refused for record in (*one.stored, *batch.gaps))
        overwritten -= sum(id(reading) in refused for reading in one.replacing)
    return _Tally(
        stored - aside, one.repeated, len(batch.quarantined) + aside, overwritten
    )


def _tell(batch: Batch, acks: AckBook) -> None:
    if batch.up is None or not batch.is_authorised:
        return
    if batch.refusal is None:
        acks.stored(batch.up)
    else:
        acks.refused(batch.up, batch.refusal)


def _kind(record: Reading | Gap) -> str:
    return "gap" if isinstance(record, Gap) else "reading"


def _aside(
    record: Reading | Gap, topic: str, kind: str, reason: str, now_ms: int
) -> Quarantined:
    raw = msgspec.json.encode(record)
    return Quarantined(record.device, topic, kind, raw, reason, now_ms)
