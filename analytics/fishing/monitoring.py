"""Vessel monitoring: what is due, and when, from when positions came. Pure.

    at sea:  tracked ──2 h 20──► late ──6 h──► lost ──10 d──► overdue
                                   ▲  ╲ voice ╱
                                   └ reporting ┘

Legal clocks follow positions of source ``vms`` only. A report by voice moves the next
6 h, never the 10 days, and can be taken back: then it is as if it had never been. In port nothing is due. A vessel's box out of coverage is normal
and appears in none of this. Positions that come late close the hole they belong to; that
the alarm was given stays on record (``Lapse``). Out of contact is another matter: no
source at all says where the people are, though one was heard (monitoring, voice) that
reaches beyond the coast. A vessel that only ever spoke through its box is out of coverage.
"""

from copy import copy
from enum import StrEnum
from typing import Final

from msgspec import Struct, field

from greenwater.kernel.reading import Source
from greenwater.reference.monitoring import DEADLINES

MOST_LAPSES: Final = 50
"""So many lapses of one vessel are remembered here; the alarms keep them all."""
MOST_VOICES: Final = 100
"""So many reports by voice of one vessel can be taken back: 25 days of them."""
_OPEN_MS: Final = 2**53
"""The end of a hole that is still open."""


class Monitoring(StrEnum):
    """How a vessel stands towards the duty to be monitored."""

    NOT_REQUIRED = "not_required"
    UNKNOWN = "unknown"  # nothing was ever heard of it
    IN_PORT = "in_port"
    TRACKED = "tracked"
    LATE = "late"
    REPORTING = "reporting"  # monitoring is silent, its positions come by voice in time
    LOST = "lost"  # a report by voice is overdue
    OVERDUE = "overdue"  # it should be in port


class Standing(Struct, frozen=True):
    """How a vessel stands at an instant; deadlines are instants (ms) or None."""

    state: Monitoring
    last_vms_ms: int | None
    report_by_ms: int | None = None
    port_by_ms: int | None = None
    is_out_of_contact: bool = False


class Lapse(Struct):
    """Silence of monitoring that was noticed: what was not heard stays on record.

    ``holes`` are the stretches longer than ``late`` for which there is still no position;
    those that come afterwards make them fewer, and change nothing else.
    """

    began_ms: int
    noticed_ms: int
    worst: Monitoring
    ended_ms: int | None = None
    holes: list[tuple[int, int]] = field(default_factory=list)

    @property
    def is_filled(self) -> bool:
        """Whether it is over and every stretch of it has its positions by now."""
        return self.ended_ms is not None and not self.holes


class Contact(Struct):
    """What is remembered of one vessel; built from reports in any order.

    ``voices`` are the newest reports by voice that count: when, and whether from a port.
    The instants beside it know of the older ones only; ``whole`` has all of it.
    """

    is_required: bool = False
    last_vms_ms: int | None = None
    last_voice_ms: int | None = None
    last_ms: int | None = None
    first_ms: int | None = None
    in_port_ms: int | None = None
    lapses: list[Lapse] = field(default_factory=list)
    voices: dict[int, bool] = field(default_factory=dict)

    def take(self, time_ms: int, source: Source, *, is_in_port: bool) -> None:
        """Take in a position of any source, however late it came."""
        if source is Source.VOICE:
            self.voices[time_ms] = is_in_port
            if len(self.voices) > MOST_VOICES:
                oldest_ms = min(self.voices)
                self._hear_voice(oldest_ms, is_in_port=self.voices.pop(oldest_ms))
            return
        self._hear(time_ms, is_in_port=is_in_port)
        if source is Source.VMS:
            self.last_vms_ms = _most(self.last_vms_ms, time_ms)
            for lapse in self.lapses:
                _fill(lapse, time_ms)

    def take_back(self, time_ms: int) -> None:
        """Forget a report by voice: its record was corrected."""
        self.voices.pop(time_ms, None)

    def whole(self) -> "Contact":
        """Return the same with every report by voice in its instants."""
        made = copy(self)
        for time_ms, is_in_port in self.voices.items():
            made._hear_voice(time_ms, is_in_port=is_in_port)
        return made

    def _hear(self, time_ms: int, *, is_in_port: bool) -> None:
        self.first_ms = _least(self.first_ms, time_ms)
        self.last_ms = _most(self.last_ms, time_ms)
        if is_in_port:
            self.in_port_ms = _most(self.in_port_ms, time_ms)

    def _hear_voice(self, time_ms: int, *, is_in_port: bool) -> None:
        self._hear(time_ms, is_in_port=is_in_port)
        self.last_voice_ms = _most(self.last_voice_ms, time_ms)

    def look(self, now_ms: int) -> Standing:
        """Return how the vessel stands, and note a lapse that begins, worsens or ends."""
        whole = self.whole()
        standing = _standing(whole, now_ms)
        open_ones = [one for one in self.lapses if one.ended_ms is None]
        if standing.state in _SILENT:
            lapse = open_ones[-1] if open_ones else self._lapse(whole, now_ms)
            lapse.worst = max(lapse.worst, standing.state, key=_SILENT.index)
            return standing
        for lapse in open_ones:
            _end(lapse, _clock_from(whole) or now_ms)
        return standing

    def _lapse(self, whole: "Contact", now_ms: int) -> Lapse:
        """Return the lapse that begins now, or goes on: what had ended it was taken back."""
        began_ms = _clock_from(whole) or now_ms
        hole = (began_ms, _OPEN_MS)
        if self.lapses and self.lapses[-1].began_ms == began_ms:
            last = self.lapses[-1]
            last.ended_ms, last.holes = None, [hole]
            return last
        self.lapses.append(Lapse(began_ms, now_ms, Monitoring.LATE, holes=[hole]))
        del self.lapses[:-MOST_LAPSES]
        return self.lapses[-1]


_SILENT: Final = (
    Monitoring.LATE,
    Monitoring.REPORTING,
    Monitoring.LOST,
    Monitoring.OVERDUE,
)


def standing_at(contact: Contact, now_ms: int) -> Standing:
    """Return how a vessel stands at an instant, from what was heard of it until now."""
    return _standing(contact.whole(), now_ms)


def _standing(contact: Contact, now_ms: int) -> Standing:
    if contact.last_ms is None:
        state = Monitoring.UNKNOWN if contact.is_required else Monitoring.NOT_REQUIRED
        return Standing(state, None)
    if contact.in_port_ms == contact.last_ms:
        return Standing(Monitoring.IN_PORT, contact.last_vms_ms)
    is_out = _is_out(contact, now_ms)
    from_ms = _clock_from(contact)
    if not contact.is_required or from_ms is None:
        return Standing(
            Monitoring.NOT_REQUIRED, contact.last_vms_ms, is_out_of_contact=is_out
        )
    is_heard = (contact.last_voice_ms or 0) > from_ms
    heard_ms = max(from_ms, contact.last_voice_ms or 0)
    report_by_ms = heard_ms + DEADLINES.report.ms
    port_by_ms = from_ms + DEADLINES.port.ms
    if now_ms <= from_ms + DEADLINES.late.ms:
        return Standing(Monitoring.TRACKED, contact.last_vms_ms)
    if now_ms > port_by_ms:
        state = Monitoring.OVERDUE
    elif now_ms > report_by_ms:
        state = Monitoring.LOST
    else:
        state = Monitoring.REPORTING if is_heard else Monitoring.LATE
    return Standing(state, contact.last_vms_ms, report_by_ms, port_by_ms, is_out)


def _clock_from(contact: Contact) -> int | None:
    """Return since when the next position is awaited: the last one, or leaving port."""
    known = [contact.last_vms_ms, contact.in_port_ms]
    return max((ms for ms in known if ms is not None), default=contact.first_ms)


def _is_out(contact: Contact, now_ms: int) -> bool:
    has_vms = contact.is_required or contact.last_vms_ms is not None
    if contact.last_ms is None or not (has_vms or contact.last_voice_ms is not None):
        return False
    deadline = DEADLINES.contact if has_vms else DEADLINES.contact_without_vms
    return now_ms - contact.last_ms > deadline.ms


def _end(lapse: Lapse, at_ms: int) -> None:
    lapse.ended_ms = max(at_ms, lapse.began_ms)
    lapse.holes = _long(
        [(start, min(end, lapse.ended_ms)) for start, end in lapse.holes]
    )


def _fill(lapse: Lapse, at_ms: int) -> None:
    """Split the hole that a position which came late lies in."""
    parts = [
        part
        for start, end in lapse.holes
        for part in (
            ((start, at_ms), (at_ms, end)) if start < at_ms < end else ((start, end),)
        )
    ]
    lapse.holes = _long(parts)


def _long(holes: list[tuple[int, int]]) -> list[tuple[int, int]]:
    return [(start, end) for start, end in holes if end - start > DEADLINES.late.ms]


def _most(known: int | None, new: int) -> int:
    return new if known is None else max(known, new)


def _least(known: int | None, new: int) -> int:
    return new if known is None else min(known, new)
