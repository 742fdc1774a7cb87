"""Scans of labels and what follows of them: counted, judged, reported by the public."""

import re
import uuid
from collections.abc import Mapping, Sequence
from typing import Final

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import DAY_MS, milliseconds
from greenwater.storage.registry import Registry, Scope
from greenwater.storage.registry.labels import Label
from greenwater.storage.registry.scans import LabelReport
from traceability.proof.copies import (
    THRESHOLDS,
    Suspicion,
    hour_of,
    lots_suspected,
    parse_place,
    suspicions_of,
)
from traceability.proof.links import parse_label

REPORT_KINDS: Final = ("copied", "goods_differ", "torn", "other")
"""What may be wrong with a label, as the public says."""

MOST_TEXT: Final = 600
_GTIN: Final = re.compile(r"/01/([0-9]{14})(?:/|\?|$)", re.ASCII)


class Scanning:
    """The use cases; nobody needs to be known for them."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock
        self._forgot_day = 0

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def note(self, label: Label) -> None:
        """Count a scan in this hour; nobody has told where yet."""
        self.note_many({label.id: 1})

    def note_many(self, counts: Mapping[str, int]) -> None:
        """Count so many scans of labels, by their ids, in this hour."""
        now_ms = self._now_ms()
        self._registry.note_scans(counts, hour_of(now_ms))
        if now_ms // DAY_MS != self._forgot_day:
            self._forgot_day = now_ms // DAY_MS
            self._registry.forget_scans(
                before_ms=now_ms - THRESHOLDS.kept_days * DAY_MS
            )

    def tell_place(self, uri: str, place: str) -> None:
        """Tell where a label was scanned just now.

        Raises:
            InputError: that is no place.
            MissingError: no such label was issued.
        """
        kept = parse_place(place)
        if not kept:
            raise InputError(f"{place[:40]!r} is no province", "no_province")
        label = self._registry.find_label_at(uri)
        if label is None:
            raise MissingError("no such label was issued")
        self._registry.place_scan(label.id, hour_of(self._now_ms()), kept)

    def against(self, label: Label) -> Sequence[Suspicion]:
        """Return what speaks against one label; of a whole lot's nothing can."""
        if not parse_label(label.uri).serial:
            return []
        since_ms = self._now_ms() - THRESHOLDS.judged_days * DAY_MS
        return suspicions_of(self._registry.scans_of(label.id, since_ms=since_ms))

    def suspects(self, seen: Scope) -> list[Suspicion]:
        """Return what is suspected among the labels that somebody sees."""
        since_ms = self._now_ms() - THRESHOLDS.judged_days * DAY_MS
        found: list[Suspicion] = []
        for serial in seen.much_scanned(
            since_ms=since_ms, often=THRESHOLDS.scans_a_day
        ):
            label = seen.find_label(serial)
            if label is not None and parse_label(label.uri).serial:
                scans = seen.scans_of(serial, since_ms=since_ms)
                found += suspicions_of(scans)
        lots = [
            one
            for one in seen.lot_scans(since_ms=since_ms)
            if all(parse_label(label.uri).serial for label in seen.labels(lot=one.lot))
        ]
        return [*found, *lots_suspected(lots)]

    def report(self, text: str, kind: str, note: str, place: str) -> LabelReport:
        """Keep what somebody says of a label; it reaches the producer and inspectors.

        Raises:
            InputError: nothing was said, or the product on the label is none of ours.
        """
        if kind not in REPORT_KINDS:
            raise InputError(
                f"{kind[:40]!r} is not one of {', '.join(REPORT_KINDS)}", "form_old"
            )
        found = _GTIN.search(text)
        products = {one.id: one.organisation for one in self._registry.products()}
        if found is None or found[1] not in products:
            raise InputError(
                "the product on this label is not known here", "product_unknown"
            )
        report = LabelReport(
            str(uuid.uuid4()),
            products[found[1]],
            text.strip()[:MOST_TEXT],
            kind,
            note.strip()[:MOST_TEXT],
            parse_place(place),
            self._now_ms(),
        )
        self._registry.add_label_report(report)
        return report

    def answer(self, person: str, seen: Scope, report: str, answer: str) -> None:
        """Say what became of a report that one sees.

        Raises:
            InputError: nothing was said.
            MissingError: there is no such report, or not for him.
            ConflictError: it was answered already.
        """
        if report not in {one.id for one in seen.label_reports()}:
            raise MissingError(f"there is no report {report}")
        if not answer.strip():
            raise InputError("say what became of it", "say_outcome")
        self._registry.answer_label_report(
            report, person=person, answer=answer.strip()[:300], at_ms=self._now_ms()
        )
