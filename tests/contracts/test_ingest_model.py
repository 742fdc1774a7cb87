"""Any history of groups, failures and restarts leaves the store as a dict would be.

The model is told what arrives and decides with plain dicts what must be stored, counted,
recorded in intake and told to boxes. Failures hit before or after the effect of any call
of either store; a restart knows only what intake says.
"""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

import msgspec
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.errors import InputError, UnavailableError
from greenwater.kernel.ids import DeviceId, DeviceState, OutboxId, ProbeId
from greenwater.kernel.reading import Gap, Reading
from greenwater.kernel.topics import Up, up
from greenwater.kernel.wire.encode import encode
from greenwater.kernel.wire.messages import Ack, decode_message
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span
from ingest.counters import Counters
from ingest.intake import Batch, digest_of, open_batch
from ingest.pipeline import Pipeline, Taken
from ingest.ports import Delivery
from ingest.seen import Seen
from tests.contracts.test_ingest_pipeline import NOW, T0, Numbered, counts
from tests.templates import empty_registry

BAD = 6.66
"""A value that this store refuses."""
JUNK = b"\x00no pack"
Key = tuple[str, int]
Value = float | None


class Sent(NamedTuple):
    """What one payload holds."""

    outbox: int
    number: int
    readings: tuple[tuple[str, int, Value], ...]
    gaps: tuple[int, ...] = ()
    bad_records: int = 0
    is_junk: bool = False


class Group(NamedTuple):
    """Deliveries taken in together. The call ``fails_at`` is not answered, once; then
    the group is taken in again, by the same process or by a new one."""

    sent: tuple[Sent, ...]
    fails_at: int | None = None
    dies: bool = False


RESTART, FORGET = "restart", "forget"
Step = Group | str

numbered = st.tuples(
    st.sampled_from("ab"), st.integers(0, 5), st.sampled_from([7.0, 7.5, None, BAD])
)
payloads = st.builds(
    Sent,
    st.integers(0, 1),
    st.integers(1, 3),
    st.lists(numbered, max_size=5).map(tuple),
    st.lists(st.integers(0, 2), max_size=2).map(tuple),
    st.integers(0, 1),
    st.sampled_from([False, False, False, True]),
)
groups = st.builds(
    Group,
    st.lists(payloads, min_size=1, max_size=4).map(tuple),
    st.none() | st.integers(0, 13),
    st.booleans(),
)
histories = st.lists(groups | st.sampled_from([RESTART, FORGET]), max_size=8)


class Expected(NamedTuple):
    """What a group must lead to: counts as in ``Taken``, batches told."""

    counts: list[int]
    stored: list[tuple[int, int]]
    refused: list[tuple[int, int]]


class Faulty:
    """A real store that fails before or after the effect of one call, and refuses BAD."""

    def __init__(self, real: object, fuse: list[int]) -> None:
        self._real, self._fuse = real, fuse

    def __getattr__(self, name: str) -> Any:
        act = getattr(self._real, name)

        def call(*args: Any, **words: Any) -> Any:
            self._burn(name)
            result = act(*args, **words)
            self._burn(name)
            return result

        return call

    def _burn(self, name: str) -> None:
        self._fuse[0] -= 1
        if self._fuse[0] == -1:
            raise UnavailableError(f"{name} is not answered")

    def write(self, readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> None:
        """As InfluxDB does: what is good stays, and the whole is refused."""
        good = [one for one in readings if one.value != BAD]
        self.__getattr__("write")(good, gaps)
        if len(good) < len(readings):
            raise InputError("field type conflict")

    def replace(self, readings: Sequence[Reading]) -> None:
        self.write(readings)


@dataclass
class Model:
    """What must be so, in dicts."""

    values: dict[Key, Value] = field(default_factory=dict)
    gaps: set[int] = field(default_factory=set)
    known: dict[tuple[int, int], bytes] = field(default_factory=dict)
    rows: dict[tuple[int, int], bytes] = field(default_factory=dict)
    replaced: set[tuple[Key, Value]] = field(default_factory=set)
    accounted: int = 0
    row_count: int = 0

    def take_in(self, group: Group, payloads: list[bytes]) -> "Expected":
        """Return what must be counted and told."""
        total, view = [0] * 5, dict(self.values)
        stored: set[tuple[int, int]] = set()
        refused: set[tuple[int, int]] = set()
        for sent, payload in zip(group.sent, payloads, strict=True):
            key = (sent.outbox, sent.number)
            before = self.known.get(key)
            is_refused = sent.is_junk or (before is not None and before != payload)
            (refused if is_refused else stored).add(key)
            counted = self._one(sent, before, payload, view)
            total = [a + b for a, b in zip(total, counted, strict=True)]
        return Expected(total, sorted(stored), sorted(refused))

    def _one(
        self, sent: Sent, before: bytes | None, payload: bytes, view: dict[Key, Value]
    ) -> tuple[int, int, int, int, int]:
        size = 1 if sent.is_junk else sum(map(len, sent[2:4])) + sent.bad_records
        if before is not None and before != payload:
            return 1, 0, 0, 1, 0
        if before is not None:
            bad = 1 if sent.is_junk else sent.bad_records
            return size, 0, size - bad, bad, 0
        key = (sent.outbox, sent.number)
        self.known[key] = self.rows[key] = payload
        self.row_count += 1
        self.accounted += size
        if sent.is_junk:
            return 1, 0, 0, 1, 0
        return self._new(sent, view)

    def _new(
        self, sent: Sent, view: dict[Key, Value]
    ) -> tuple[int, int, int, int, int]:
        written: dict[Key, Value] = {}
        replacing: set[Key] = set()
        overwritten = 0
        for probe, at, value in sent.readings:
            key = (probe, at)
            if key in view and view[key] == value:
                continue
            if key in view:
                overwritten += 1
                replacing.add(key)
                self.replaced.add((key, view[key]))
            written[key] = view[key] = value
        refused = {key for key, value in written.items() if value == BAD}
        self.values |= {k: v for k, v in written.items() if k not in refused}
        self.gaps |= set(sent.gaps)
        stored = len(written) - len(refused)
        repeated = len(sent.readings) - len(written)
        return (
            len(sent.readings) + len(sent.gaps) + sent.bad_records,
            stored + len(sent.gaps),
            repeated,
            sent.bad_records + len(refused),
            overwritten - len(refused & replacing),
        )


class World:
    """The real thing; its registry is shared with other examples, so it has a name of
    its own."""

    _numbers = itertools.count()

    def __init__(self, registry: Registry, folder: Path, *, is_sharing: bool) -> None:
        number = next(self._numbers)
        self.device = DeviceId(f"model-{number:06}")
        self._file = folder / f"{number}.db"
        self.outboxes = [OutboxId(f"{number:015x}{n}") for n in (0, 1)]
        self.fuse = [10**9]
        self.telemetry = open_telemetry(f"sqlite:///{self._file}")
        self.registry = registry
        self._is_sharing = is_sharing
        self.restart()

    def close(self) -> None:
        self.telemetry.close()
        for path in self._file.parent.glob(f"{self._file.name}*"):
            path.unlink()

    def restart(self) -> None:
        self.fuse[0] = 10**9
        self.seen = Seen()
        self.seen.load(self.telemetry.intake_recent(10_000))
        self.counters = Counters()
        self.run = Pipeline(
            Faulty(self.telemetry, self.fuse),
            Faulty(self.registry, self.fuse),
            clock=ManualClock(NOW),
            worker=Numbered(),
            seen=self.seen,
            counters=self.counters,
            is_sharing=self._is_sharing,
        )

    def payload(self, sent: Sent) -> bytes:
        if sent.is_junk:
            return JUNK
        readings = [
            Reading(self.device, ProbeId(probe), Channel.PH, T0 + at * 1000, value)
            for probe, at, value in sent.readings
        ]
        gaps = [self.gap(at) for at in sent.gaps]
        text = encode(readings, gaps, deflate=False) if readings or gaps else b"[]"
        bad = b'{"n":"a/plankton","u":"1","t":1780000001,"v":3}'
        if not sent.bad_records:
            return text
        return text[:-1] + (b"," if len(text) > 2 else b"") + bad + b"]"

    def gap(self, at: int) -> Gap:
        return Gap(self.device, ProbeId("a"), T0 + at, T0 + at + 50, 3, "thinned")

    def batches(self, group: Group) -> list[Batch]:
        found = []
        for sent in group.sent:
            to = Up(self.device, self.outboxes[sent.outbox], sent.number)
            delivery = Delivery(up(*to), self.payload(sent), None)
            states = {self.device: DeviceState.ACTIVE}
            found.append(open_batch(delivery, to, states=states, now_s=T0 / 1000 + 60))
        return found

    def take_in(self, group: Group) -> tuple[Taken, bool]:
        """Take a group in, again after its failure; return whether it failed."""
        batches = self.batches(group)
        self.fuse[0] = 10**9 if group.fails_at is None else group.fails_at
        try:
            return self.run.take_in(batches), False
        except UnavailableError:
            self.fuse[0] = 10**9
            if group.dies:
                self.restart()
                batches = self.batches(group)
            return self.run.take_in(batches), True

    def values(self) -> dict[Key, Value]:
        return {
            (probe, (one.taken_ms - T0) // 1000): one.value
            for probe in "ab"
            for one in self.telemetry.read(
                Span(Series(self.device, ProbeId(probe)), 0, 2**53)
            )
        }

    def aside(self) -> set[tuple[Key, Value]]:
        entries = self.registry.list_quarantine(
            device=self.device, kind="overwritten", limit=1_000
        )
        raws = [self.registry.get_quarantined(one.id).raw or b"" for one in entries]
        olds = [msgspec.json.decode(raw, type=Reading) for raw in raws]
        return {((r.probe, (r.taken_ms - T0) // 1000), r.value) for r in olds}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("model")


@pytest.fixture(scope="module")
def registry(folder: Path) -> Iterator[Registry]:
    with open_registry(empty_registry(folder / "registry.db")) as opened:
        yield opened


def acked(world: World, taken: Taken) -> tuple[list[Any], list[Any]]:
    """Return the (outbox, number) told as stored and as refused."""
    stored, refused = [], []
    for _, message in taken.acks.messages():
        ack = decode_message(message, Ack)
        at = world.outboxes.index(OutboxId(ack.outbox))
        stored += [(at, n) for a, b in ack.stored for n in range(a, b + 1)]
        refused += [(at, one.batch) for one in ack.refused]
    return sorted(stored), sorted(set(refused))


def check_group(world: World, model: Model, group: Group, has_failed: bool) -> bool:
    """Take a group in on both sides and compare; return whether anything failed yet."""
    payloads = [world.payload(sent) for sent in group.sent]
    before = world.counters.snapshot()
    if model.known != model.rows:
        # Forgetting, a clone and a death in one group: the new process, which knows
        # what the old one had forgotten, may refuse what that one had written.
        group = group._replace(dies=False)
    expected, stored, refused = model.take_in(group, payloads)
    taken, failed = world.take_in(group)
    assert acked(world, taken) == (stored, refused)
    received, kept, repeated, aside, _ = counts(taken)
    assert received == kept + repeated + aside == expected[0]
    if not failed:
        assert list(counts(taken)) == expected
        after = world.counters.snapshot()
        names = ("received", "stored", "repeated", "quarantined", "overwritten")
        assert [after[n] - before[n] for n in names] == expected  # type: ignore[index]
    return has_failed or failed


def check_intake(world: World, model: Model) -> None:
    rows = world.telemetry.intake_after({}, 10**6)
    assert len({row.sequence for row in rows}) == len(rows) == model.row_count
    sums = sum(row.stored + row.repeated + row.quarantined for row in rows)
    assert sums == model.accounted
    latest = {(world.outboxes.index(OutboxId(r.outbox)), r.batch): r for r in rows}
    assert latest.keys() == model.rows.keys()
    for key, payload in model.rows.items():
        assert latest[key].digest == digest_of(payload)


NEW = Sent(0, 1, (("a", 1, 7.0),))
OTHER = Sent(0, 1, (("a", 1, 7.5),))


@pytest.mark.parametrize("is_sharing", [False, True])
@settings(
    max_examples=max(50, settings().max_examples // 3),
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(history=histories)
@example(history=[Group((NEW,)), Group((OTHER,)), RESTART, Group((OTHER,))])
@example(history=[Group((NEW, OTHER, NEW))])
@example(history=[Group((NEW,)), FORGET, Group((OTHER,)), Group((NEW,))])
@example(
    history=[Group((NEW, Sent(0, 2, (("a", 1, 7.5),))), fails_at=n) for n in range(8)]
)
@example(history=[Group((Sent(0, 1, (), (0,)), Sent(0, 2, (("a", 1, BAD),), (0, 1))))])
def test_any_history_is_as_in_the_model(
    registry: Registry, folder: Path, history: list[Step], is_sharing: bool
) -> None:
    world = World(registry, folder, is_sharing=is_sharing)
    with closing(world):
        check_history(world, history)


def check_history(world: World, history: list[Step]) -> None:
    model, has_failed = Model(), False
    for step in history:
        if isinstance(step, Group):
            has_failed = check_group(world, model, step, has_failed)
            assert world.values() == model.values
        elif step == RESTART:
            world.restart()
            model.known = dict(model.rows)
        else:
            world.run.forget()
            model.known = {}
    assert world.aside() >= {one for one in model.replaced if one[1] != BAD}, (
        "what was overwritten is kept"
    )
    if not has_failed:
        assert world.aside() == model.replaced
    found = world.telemetry.gaps(
        Span(Series(world.device, ProbeId("a")), T0 - 1, T0 + 9_000)
    )
    assert set(found) == {world.gap(at) for at in model.gaps}
    check_intake(world, model)
