"""What the services ask of the telemetry store. Two adapters, one contract-test file.

A *series* is one probe of one device. All intervals are ``[start_ms, end_ms)``.

Promises every adapter keeps:

* When ``write`` or ``record`` returns, what it was given survives a power cut of the
  store's process and is visible to every later read.
* Writing the same reading again changes nothing. Writing another value under the same
  identity replaces the value: the last write wins, also within one call. None (the
  probe answered badly) is a value like any other. Flags beside a value are never
  touched by writing raw values.
* ``clock`` belongs to the instant: what one probe measured at one instant (of one
  measurement) shares it.
  ``clock`` and ``is_compensated``, once given, stay until another one is given: None
  says nothing about them.
* A flag belongs to a reading: beside none it is not seen. Flagging again replaces.
* A gap is itself: the same gap again changes nothing, a different one is another gap.
* ``UnavailableError`` means that some of it may have been stored: do it all again.
  Refused credentials are that too (and logged as an error): an expired token must
  hold readings back, never quarantine them.
* ``InputError`` means that the store refused something and will refuse it again; the
  rest may have been stored. The caller bisects. A value that is not finite, or is beyond
  ``LARGEST``, is refused.
* Calls may come from several threads.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple, Protocol

from msgspec import Struct

from greenwater.kernel.channels import Channel, Measurement
from greenwater.kernel.findings import Episode, Forecast
from greenwater.kernel.ids import DeviceId, ProbeId, WorkerId
from greenwater.kernel.quality import Flagged
from greenwater.kernel.reading import Gap, Reading


class Series(NamedTuple):
    """One probe of one device."""

    device: DeviceId
    probe: ProbeId


class Span(NamedTuple):
    """A stretch of one series."""

    series: Series
    start_ms: int
    end_ms: int


class Bucket(NamedTuple):
    """A roll-up of one channel over ``[start_ms, start_ms + every)``."""

    start_ms: int
    number: int
    minimum: float
    mean: float
    maximum: float


class Intake(Struct, frozen=True, gc=False):
    """One batch that is stored: the dedupe, the counters, and analytics' inbox at once.

    ``sequence`` is the worker's own, strictly increasing, without holes that a reader
    has to wait for: a reader that has seen n will never be shown a number below n.
    ``digest`` is the first 8 bytes of blake2b over the payload, as a signed integer.
    ``min_ms``/``max_ms`` cover the times of all its readings, repeated ones too: after a
    crash they may be counted as repeated though no row has spoken of them before. They
    are 0, 0 only for a batch without readings.
    """

    worker: WorkerId
    sequence: int
    device: DeviceId
    outbox: str
    batch: int
    digest: int
    stored: int
    repeated: int
    overwritten: int
    quarantined: int
    min_ms: int
    max_ms: int
    recorded_ms: int


class Findings(Protocol):
    """What analytics found, in the same store as what it was found in."""

    def write(
        self, forecasts: Sequence[Forecast] = (), episodes: Sequence[Episode] = ()
    ) -> None:
        """Store findings. The last one wins: a forecast by its series and instant, an
        episode by its series, start and id.

        Raises:
            UnavailableError: parts may be stored.
        """
        ...

    def forecasts(self, span: Span) -> Sequence[Forecast]:
        """Return what was forecast of a series at instants of the span, in order."""
        ...

    def newest_forecast(self, span: Span) -> Forecast | None:
        """Return the newest of them."""
        ...

    def episodes(self, span: Span) -> Sequence[Episode]:
        """Return the episodes that touch the span, in order of start and id.

        One that is open touches all that comes after its start.
        """
        ...


class Hour(NamedTuple):
    """A roll-up of one channel over an hour, as it lies: sums, not means."""

    channel: Channel
    hour_ms: int
    number: int
    minimum: float
    total: float
    maximum: float


class Rolled(Protocol):
    """What is left of readings that were given up, for moving one store into another."""

    def series(self) -> Sequence[Series]:
        """Return every series that has anything: readings, gaps, roll-ups, findings."""
        ...

    def given_up(self, series: Series) -> Mapping[Measurement, int]:
        """Return below which instant readings were given up, of what measurement.

        Raises:
            UnavailableError: they are being given up this moment; ask again later.
        """
        ...

    def hours(self, series: Series, measurement: Measurement) -> Iterator[Hour]:
        """Yield the roll-ups of hours that were given up, channel by channel."""
        ...

    def put(
        self,
        series: Series,
        measurement: Measurement,
        hours: Sequence[Hour],
        given_up_ms: int,
    ) -> None:
        """Store roll-ups of hours below ``given_up_ms``, where they answer from now on.

        Raises:
            UnavailableError: parts may be stored; put them again.
        """
        ...


class Telemetry(Protocol):
    """The store of readings, gaps and intake."""

    @property
    def rolled(self) -> Rolled:
        """What is left of readings that were given up."""
        ...

    @property
    def findings(self) -> Findings:
        """What analytics found."""
        ...

    def write(self, readings: Sequence[Reading], gaps: Sequence[Gap] = ()) -> None:
        """Store readings and gaps.

        Raises:
            InputError: something in it was refused; other parts may be stored.
            UnavailableError: the store did not answer; parts may be stored.
        """
        ...

    def replace(self, readings: Sequence[Reading]) -> None:
        """Store readings that are known to replace other values.

        Does what ``write`` does, and raises as it does; knowing this before may save
        the store a question.
        """
        ...

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """Yield the readings of one series in time order (channel order within).

        Memory stays bounded however long the span is, and nothing is held open in the
        store between two readings; what is written meanwhile may or may not appear.
        """
        ...

    def read_many(self, spans: Sequence[Span]) -> Sequence[Reading]:
        """Return all readings of many spans, in no particular order.

        Made for the question "what is already there?": few round trips (``clock`` may be
        None).
        """
        ...

    def newest(self, series: Sequence[Series]) -> Mapping[Series, int]:
        """Return the time of the newest reading of each series that has any."""
        ...

    def latest(
        self, device: DeviceId, before_ms: int | None = None
    ) -> Sequence[Reading]:
        """Return the newest reading of each channel of each probe of one device.

        ``before_ms`` leaves out what a clock gone wrong has stamped from then on.
        """
        ...

    def series(self) -> Sequence[Series]:
        """Return every series that has readings, in order."""
        ...

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """Return non-empty buckets aligned to multiples of ``every_ms``, in time order.

        Where raw readings have passed their retention, the roll-ups answer; they are
        exact for multiples of the roll-up's own width.
        """
        ...

    def uncompensated(self, span: Span, every_ms: int) -> Sequence[Bucket]:
        """Return, as ``downsample`` does, the oxygen (mg/L) of which its probe said that it
        took salt water for fresh.

        A roll-up does not say it of its readings: it is as the oldest one that is kept.
        """
        ...

    def write_flags(self, flags: Sequence[Flagged]) -> None:
        """Store quality flags beside their readings; the last ones win.

        Raises:
            UnavailableError: parts may be stored.
        """
        ...

    def flags(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Sequence[Flagged]:
        """Return the flags of one series' readings, in the order of ``read``.

        A reading that was never flagged has none.
        """
        ...

    def gaps(self, span: Span) -> Sequence[Gap]:
        """Return the gaps that touch the span, in order of their start."""
        ...

    def record(self, rows: Sequence[Intake]) -> None:
        """Store intake rows, after the readings they speak of.

        Raises:
            UnavailableError: parts may be stored; record them again.
        """
        ...

    def intake_after(
        self, cursor: Mapping[WorkerId, int], limit: int
    ) -> Sequence[Intake]:
        """Return rows beyond the cursor, each worker's in order, at most ``limit``.

        A worker that the cursor does not name is read from its first row.
        """
        ...

    def intake_recent(self, limit: int) -> Iterator[Intake]:
        """Yield the newest ``limit`` rows over all workers, oldest first.

        Each worker's are in order of their sequence; memory stays bounded.
        """
        ...

    def last_sequence(self, worker: WorkerId) -> int:
        """Return the worker's highest recorded sequence, 0 if it has none."""
        ...

    def trim_intake(self, worker: WorkerId, below_sequence: int) -> None:
        """Give up the worker's rows below a sequence (its last row always stays)."""
        ...

    def roll_up(self, measurement: Measurement, from_ms: int, until_ms: int) -> int:
        """Make the hourly roll-ups of ``[from_ms, until_ms)`` anew; return how many.

        Whole UTC hours that end by ``until_ms``, from the one ``from_ms`` lies in, as
        far as raw readings have not been given up; hours without raw readings keep the
        roll-up they have.
        """
        ...

    def retain(
        self,
        measurement: Measurement,
        from_ms: int,
        rollups_from_ms: int | None = None,
    ) -> None:
        """Give up raw readings older than ``from_ms``, in whole hours.

        Each hour is rolled up from all that has come in since, just before it goes. A
        reading that arrives for an hour already given up stays raw; ``downsample`` adds
        both. Roll-ups older than ``rollups_from_ms``, if given, go too. Interrupted, it
        is to be called again.

        Raises:
            UnavailableError: some may be given up, none without its roll-up.
        """
        ...

    def close(self) -> None:
        """Release connections and files."""
        ...
