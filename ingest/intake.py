"""Opening payloads: bytes to batches, or to what must rest in quarantine. No I/O."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from greenwater.kernel import topics
from greenwater.kernel.errors import InputError
from greenwater.kernel.ids import DeviceId, DeviceState
from greenwater.kernel.quarantine import Quarantined
from greenwater.kernel.reading import Gap, Reading, milliseconds
from greenwater.kernel.wire.decode import decode
from greenwater.kernel.wire.senml import EARLIEST_S, MAX_AHEAD_S
from ingest.ports import Delivery
from ingest.seen import Seen, Verdict


@dataclass(slots=True)
class Batch:
    """One payload, opened.

    ``refusal`` is why the whole of it is refused; ``None`` for ``up`` says that nobody
    is owed an acknowledgement.
    """

    device: DeviceId
    topic: str
    payload: bytes
    up: topics.Up | None
    digest: int = 0
    readings: list[Reading] = field(default_factory=list)
    gaps: list[Gap] = field(default_factory=list)
    quarantined: list[Quarantined] = field(default_factory=list)
    verdict: Verdict = Verdict.NEW
    refusal: str | None = None
    is_authorised: bool = True

    @property
    def is_accountable(self) -> bool:
        """Whether an intake row speaks of it."""
        return self.is_authorised and self.verdict is not Verdict.CONTRADICTED

    @property
    def records(self) -> int:
        """How many records arrived; an unreadable payload counts as one."""
        if self.refusal is not None:
            return 1
        return len(self.readings) + len(self.gaps) + len(self.quarantined)


def digest_of(payload: bytes) -> int:
    """Return the first 8 bytes of blake2b over a payload, as a signed integer."""
    raw = blake2b(payload, digest_size=8).digest()
    return int.from_bytes(raw, "big", signed=True)


def open_batch(
    delivery: Delivery,
    up: topics.Up,
    *,
    states: Mapping[DeviceId, DeviceState],
    now_s: float,
) -> Batch:
    """Return what a delivery on an ``up`` topic holds."""
    device, payload = up.device, delivery.payload
    batch = Batch(device, delivery.topic, payload, up, digest_of(payload))
    state = states.get(device)
    if state is not DeviceState.ACTIVE:
        batch.is_authorised = False
        reason = f"device {device} is {state or 'unknown'}"
        return refuse(batch, reason, round(now_s * 1000))
    try:
        pack = decode(payload, device=device, now_s=now_s)
    except InputError as exc:
        return refuse(batch, str(exc), round(now_s * 1000))
    batch.readings, batch.gaps = pack.readings, pack.gaps
    batch.quarantined = [
        Quarantined(
            device, delivery.topic, "record", bad.raw, bad.reason, round(now_s * 1000)
        )
        for bad in pack.refused
    ]
    return batch


def taken_ms_of(at: datetime, text: str, now_s: float) -> int:
    """Return the instant that ``text`` stands for, where a reading can be of it.

    Raises:
        InputError: it has no time zone, or is before 2000 or more than 24 h ahead.
    """
    if at.tzinfo is None:
        raise InputError(f"time {text[:40]!r} has no time zone: write +07:00")
    if not EARLIEST_S <= at.timestamp() <= now_s + MAX_AHEAD_S:
        raise InputError(f"time {text[:40]!r} is before 2000 or more than 24 h ahead")
    return milliseconds(at)


def judge(batches: Sequence[Batch], seen: Seen, now_ms: int) -> list[Batch]:
    """Set every batch's verdict; return those to store, in their order.

    A batch that repeats one stored before, or one earlier in this very group, is not
    among them; one whose number stood for other bytes is refused.
    """
    earlier: dict[tuple[str, int], Batch] = {}
    fresh = []
    for batch in batches:
        up = batch.up
        if up is None or not batch.is_authorised:
            fresh.append(batch)
            continue
        key = (up.outbox, up.batch)
        batch.verdict = seen.look(up.outbox, up.batch, batch.digest)
        before = earlier.setdefault(key, batch)
        if batch.verdict is Verdict.NEW and before is not batch:
            is_same = before.digest == batch.digest
            batch.verdict = Verdict.REPEATED if is_same else Verdict.CONTRADICTED
        if batch.verdict is Verdict.CONTRADICTED:
            refuse(batch, _contradiction(up), now_ms)
        if batch.verdict is not Verdict.REPEATED:
            fresh.append(batch)
    return fresh


def _contradiction(up: topics.Up) -> str:
    return (
        f"batch {up.batch} of outbox {up.outbox} came before with other content: "
        "a cloned or restored box"
    )


def refuse(batch: Batch, reason: str, now_ms: int) -> Batch:
    """Turn a batch into one that rests in quarantine as a whole."""
    batch.refusal = reason
    batch.readings, batch.gaps = [], []
    batch.quarantined = [
        Quarantined(batch.device, batch.topic, "batch", batch.payload, reason, now_ms)
    ]
    return batch
