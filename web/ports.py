"""What the pages ask of the two databases. The facades of ``greenwater.storage`` fit."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Final, Protocol
from urllib.parse import urlsplit

from analytics.alarms.ways import Way
from greenwater.kernel.channels import Channel
from greenwater.kernel.clock import Clock
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.quality import Flagged
from greenwater.kernel.reading import Gap, Reading, milliseconds
from greenwater.storage.registry import Registry, Scope
from greenwater.storage.telemetry.ports import Bucket, Findings, Span
from traceability.book.books import Books
from traceability.proof.keys import Signer
from traceability.sea.vessels import VesselBooks


class Telemetry(Protocol):
    """The readings (see ``greenwater.storage.telemetry.ports``)."""

    @property
    def findings(self) -> Findings:
        """What analytics found."""
        ...

    def latest(
        self, device: DeviceId, before_ms: int | None = None
    ) -> Sequence[Reading]:
        """Return the newest reading of each channel of each probe of one device."""
        ...

    def downsample(
        self, span: Span, channel: Channel, every_ms: int
    ) -> Sequence[Bucket]:
        """Return non-empty buckets in time order."""
        ...

    def uncompensated(self, span: Span, every_ms: int) -> Sequence[Bucket]:
        """Return those of oxygen that was told as of fresh water."""
        ...

    def gaps(self, span: Span) -> Sequence[Gap]:
        """Return the gaps that touch the span."""
        ...

    def flags(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Sequence[Flagged]:
        """Return the flags of one series' readings."""
        ...

    def read(
        self, span: Span, channels: Iterable[Channel] | None = None
    ) -> Iterator[Reading]:
        """Yield the readings of one series in time order."""
        ...

    def write(self, readings: Sequence[Reading]) -> None:
        """Store readings."""
        ...


@dataclass(frozen=True)
class Tiles:
    """Pictures of the ground beneath maps: the one thing that a page asks of another site,
    and tells it where somebody looks. ``address`` has ``{z}``, ``{x}`` and ``{y}``;
    ``credit`` is plain text.
    """

    address: str = ""
    credit: str = ""

    @property
    def origin(self) -> str:
        """Return scheme and host, for the page's policy; empty without tiles."""
        if not self.address:
            return ""
        parts = urlsplit(self.address)
        return f"{parts.scheme}://{parts.netloc}"


_STEPPED_S: Final = 0.01
"""A clock whose minute is shorter than this is moved by hand."""

NO_TILES: Final = Tiles()


@dataclass(frozen=True)
class House:
    """What the administrator's pages need of the machine; what is None, it cannot do.

    ``permit`` writes the broker's permissions anew and says what is left to do, empty
    where nothing is; ``replay`` takes entries of
    quarantine in again and says what became of each. ``folder`` is the platform's own;
    ``broker_url`` is what boxes connect to, ``authority`` who signed the certificate of a
    demo that speaks TLS.
    """

    folder: Path | None = None
    permit: Callable[[], str] | None = None
    replay: Callable[[Sequence[int]], Iterable[tuple[int, str]]] | None = None
    broker_url: str = ""
    authority: Path | None = None


@dataclass(frozen=True)
class Pushing:
    """How a browser asks to be told: the platform's public key ("": it cannot be), and
    the push services that the operator knows beside those of browsers."""

    key: str = ""
    hosts: tuple[str, ...] = ()


NO_PUSHING: Final = Pushing()


@dataclass(frozen=True)
class Services:
    """All that the site needs, open. Whoever opened them closes them.

    ``viewer`` is the person whose eyes the pages are seen with; None is the operator.
    ``public_url`` is how phones reach the site; ``signer`` signs labels, and ``fonts`` is
    the folder of those that are printed. ``photos`` is the folder of photos on records;
    ``take_in`` stores readings typed by hand so that analytics sees them (None: the
    store alone). ``hosts`` are the names that the site answers to (none: to any);
    ``tiles`` the ground beneath maps; ``ways`` by what messages can go to people, and
    ``pushing`` how to their browsers. A
    ``is_guarded`` site shows nobody's data to visitors who have not signed in; one that is
    not is the operator's own screen.
    """

    registry: Registry
    telemetry: Telemetry
    clock: Clock
    viewer: str | None = None
    public_url: str = "http://127.0.0.1:8000"
    hosts: frozenset[str] = frozenset()
    tiles: Tiles = NO_TILES
    signer: Signer | None = None
    is_guarded: bool = True
    is_demo: bool = False
    photos: Path | None = None
    organisation: str | None = None
    take_in: Callable[[Sequence[Reading]], object] | None = None
    house: House = House()
    ways: Sequence[Way] = ()
    pushing: Pushing = NO_PUSHING

    @cached_property
    def seen(self) -> Scope:
        """What the viewer may see, or the organisation whose program asks.

        Asked once: these services are of one request (``Doors.mine``).
        """
        if self.organisation is not None:
            return self.registry.visible_to_organisation(self.organisation)
        return self.registry.visible_to(self.viewer)

    @cached_property
    def books(self) -> Books:
        """What farmers do with their books."""
        return Books(self.registry, self.telemetry, self.clock, self.take_in)

    @cached_property
    def vessel_books(self) -> VesselBooks:
        """What boats' people do with theirs."""
        return VesselBooks(self.registry, self.telemetry, self.clock, self.take_in)

    @property
    def rate(self) -> float:
        """How many seconds of the system pass in a real one; 0: its clock is moved by hand."""
        real_s = self.clock.real_seconds(60.0)
        return round(60.0 / real_s, 3) if real_s > _STEPPED_S else 0.0

    def now_ms(self) -> int:
        """Return this instant."""
        return milliseconds(self.clock.now())

    def of(self, viewer: str | None) -> "Services":
        """Return the same, seen with a person's eyes."""
        return self if viewer == self.viewer else replace(self, viewer=viewer)

    def of_organisation(self, organisation: str) -> "Services":
        """Return the same, as far as an organisation sees."""
        return replace(self, organisation=organisation)
