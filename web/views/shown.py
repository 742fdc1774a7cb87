"""What the templates show: strings already decided, and nothing to decide.

``state`` is a CSS class: ``fresh``, ``stale`` (grey), ``bad`` (the probe answered
badly), ``silent`` (nothing for so long that the present is unknown).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from markupsafe import Markup


@dataclass(frozen=True)
class ValueView:
    """One channel of one probe. ``key`` names it to the live update; the main is large."""

    key: str
    name: str
    text: str
    note: str
    state: str
    is_main: bool = False


@dataclass(frozen=True)
class ProbeView:
    """One probe where it hangs: ``Sâu 0,5 m``."""

    title: str
    values: tuple[ValueView, ...]
    key: str
    age: str
    state: str
    badge: str = ""


@dataclass(frozen=True)
class ChartView:
    """A chart drawn here, and where a script finds the numbers to draw a better one."""

    title: str
    unit: str
    svg: Markup
    alt: str
    source: str
    legend: tuple[str, ...]
    notes: tuple[str, ...] = ()
    anchor: str = ""


@dataclass(frozen=True)
class UnitView:
    """A pond, cage or tank."""

    id: str
    name: str
    kind: str
    href: str
    state: str
    probes: tuple[ProbeView, ...]
    notices: tuple[str, ...]
    is_simulated: bool
    chart: ChartView | None = None
    empty: str = ""


@dataclass(frozen=True)
class RaftView:
    """A group of units; without a name where units stand in no group."""

    name: str
    units: tuple[UnitView, ...]


@dataclass(frozen=True)
class SiteView:
    """A farm. ``more`` stands in place of the units where there are too many."""

    id: str
    name: str
    href: str
    rafts: tuple[RaftView, ...]
    boxes: tuple[ProbeView, ...]
    more: str = ""
    empty: str = ""

    @property
    def is_told(self) -> bool:
        """Return whether anything stands under its name."""
        return bool(self.rafts or self.boxes or self.more or self.empty)


@dataclass(frozen=True)
class VesselView:
    """A boat with its last position."""

    id: str
    name: str
    href: str
    state: str
    heading: str
    position: str
    age: str
    motion: str
    notices: tuple[str, ...]
    is_simulated: bool
    sketch: Markup
    sketch_note: str
    probes: tuple[ProbeView, ...] = ()


@dataclass(frozen=True)
class Period:
    """A length of time to look at."""

    name: str
    href: str
    is_chosen: bool


@dataclass(frozen=True)
class Link:
    """One way to go on; ``is_here`` is the page that is open."""

    name: str
    href: str
    is_here: bool = False


@dataclass(frozen=True)
class Phone:
    """What a keeper's phone must know to write without a network; person "": nobody's.

    ``rate`` is how many seconds of the system pass in a real one, 0: its clock is moved
    by hand. Older than ``stale_ms`` (real ones) nothing on a page is called well.
    """

    person: str = ""
    now_ms: int = 0
    rate: float = 1.0
    stale_ms: int = 0
    words: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Frame:
    """What surrounds every page."""

    lang: str
    title: str
    switch_href: str
    switch_name: str
    updated: str
    is_simulated: bool
    poll_ms: int
    live: str
    has_plot: bool
    version: str
    words: dict[str, str] = field(default_factory=dict)
    visitor: str = ""
    links: tuple[Link, ...] = ()
    csrf: str = ""
    is_demo: bool = False
    inspects: bool = False
    inspector: str = ""
    """Who it is, if he inspects: his phone signs and sends as nobody else."""
    sailor: str = ""
    """Who it is, if he writes in a boat's book."""
    phone: Phone = Phone()
    theme: str = ""
    themes: tuple[Link, ...] = ()
    is_answer: bool = False
    """Whether a form was sent for it: what stands in its fields was typed."""


@dataclass(frozen=True)
class Board:
    """The first page, or one site of it."""

    sites: tuple[SiteView, ...]
    vessels: tuple[VesselView, ...]
    unplaced: tuple[ProbeView, ...]
    is_simulated: bool
    is_empty: bool
