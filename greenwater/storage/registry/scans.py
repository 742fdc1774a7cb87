"""Scans of labels, counted by hour and coarse place, and what the public reports."""

from collections.abc import Mapping, Sequence

from msgspec import Struct
from msgspec.structs import asdict
from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.storage.registry.models.labels import LabelRow
from greenwater.storage.registry.models.scans import LabelReportRow, ScanRow
from greenwater.storage.registry.rows import get_row, insert, storable, struct_of
from greenwater.storage.registry.session import Sessions


class Scan(Struct, frozen=True):
    """How often a label was scanned within an hour at a place; '' is not told."""

    label: str
    hour_ms: int
    place: str
    count: int


class LotScans(Struct, frozen=True):
    """How often the labels of a lot were scanned, how many there are, of how many."""

    lot: str
    scans: int
    scanned: int
    labels: int


class LabelReport(Struct, frozen=True):
    """What somebody of the public said of a label."""

    id: str
    organisation: str
    text: str
    kind: str
    note: str
    place: str
    at_ms: int
    answer: str | None = None
    answered_by: str | None = None
    answered_ms: int | None = None


class ScansSeen:
    """What may be asked about scans; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def scans_of(self, label: str, *, since_ms: int = 0) -> Sequence[Scan]:
        """Return the scans of a label, oldest first."""
        query = (
            select(ScanRow.label, ScanRow.hour_ms, ScanRow.place, ScanRow.count)
            .where(ScanRow.label == label, ScanRow.hour_ms >= since_ms)
            .order_by(ScanRow.hour_ms, ScanRow.place)
        )
        with self._sessions.reading() as session:
            return [Scan(*row) for row in session.execute(query)]

    def much_scanned(self, *, since_ms: int, often: int) -> Sequence[str]:
        """Return labels worth a look: told from several places, or scanned so often."""
        places = func.count(ScanRow.place.distinct())
        query = (
            select(ScanRow.label)
            .where(ScanRow.hour_ms >= since_ms)
            .group_by(ScanRow.label)
            .having((places > 1) | (func.sum(ScanRow.count) >= often))
            .order_by(ScanRow.label)
        )
        with self._sessions.reading() as session:
            return list(session.scalars(query))

    def lot_scans(self, *, since_ms: int) -> Sequence[LotScans]:
        """Return lots whose labels were scanned, with how many labels each has."""
        scanned = (
            select(
                LabelRow.lot,
                func.sum(ScanRow.count).label("scans"),
                func.count(ScanRow.label.distinct()).label("scanned"),
            )
            .join(LabelRow, LabelRow.id == ScanRow.label)
            .where(ScanRow.hour_ms >= since_ms)
            .group_by(LabelRow.lot)
            .order_by(LabelRow.lot)
        )
        issued = select(LabelRow.lot, func.count()).group_by(LabelRow.lot)
        with self._sessions.reading() as session:
            labels = {lot: count for lot, count in session.execute(issued)}
            return [
                LotScans(row.lot, int(row.scans), row.scanned, labels[row.lot])
                for row in session.execute(scanned)
            ]

    def label_reports(self, *, open_only: bool = False) -> Sequence[LabelReport]:
        """Return what the public reported, the newest first."""
        query = select(LabelReportRow).order_by(
            LabelReportRow.at_ms.desc(), LabelReportRow.id
        )
        if open_only:
            query = query.where(LabelReportRow.answered_ms.is_(None))
        with self._sessions.reading() as session:
            return [struct_of(LabelReport, row) for row in session.scalars(query)]


def _note(
    session: Session, counts: Mapping[str, int], hour_ms: int, place: str
) -> None:
    """Count so many more scans of each label; thousands of them take one statement."""
    asked = select(LabelRow.id, LabelRow.organisation).where(LabelRow.id.in_(counts))
    owners = {row.id: row.organisation for row in session.execute(asked)}
    for label in counts:
        if label not in owners:
            raise MissingError(f"label {label} is not registered")
    new = insert(session, ScanRow)
    key = [ScanRow.label, ScanRow.hour_ms, ScanRow.place]
    added = {"count": ScanRow.count + new.excluded.count}
    rows = [
        {
            "organisation": owners[label],
            "label": label,
            "hour_ms": hour_ms,
            "place": place,
            "count": counts[label],
        }
        for label in sorted(counts)
    ]
    statement = new.on_conflict_do_update(index_elements=key, set_=added)
    session.connection().execute(statement, rows)


class Scans(ScansSeen):
    """Mixed into ``Registry``."""

    def note_scan(self, label: str, hour_ms: int, place: str = "") -> None:
        """Count one more scan.

        Raises:
            MissingError: no such label was issued.
        """
        with self._sessions.writing() as session:
            _note(session, {label: 1}, hour_ms, storable(place))

    def note_scans(self, counts: Mapping[str, int], hour_ms: int) -> None:
        """Count so many more scans of labels in an hour, all or none.

        Raises:
            MissingError: one of them was never issued.
        """
        with self._sessions.writing() as session:
            _note(session, counts, hour_ms, "")

    def place_scan(self, label: str, hour_ms: int, place: str) -> None:
        """Tell where a scan of this hour was that told no place, if there is one."""
        with self._sessions.writing() as session:
            key = label, hour_ms, ""
            nowhere = session.get(ScanRow, key, with_for_update=True)
            if nowhere is not None:
                nowhere.count -= 1
                if nowhere.count == 0:
                    session.delete(nowhere)
        self.note_scan(label, hour_ms, place)

    def forget_scans(self, *, before_ms: int) -> int:
        """Delete scans of hours before an instant; return how many rows went."""
        statement = delete(ScanRow).where(ScanRow.hour_ms < before_ms)
        with self._sessions.writing() as session:
            gone = session.execute(statement.returning(ScanRow.label))
            return len(gone.all())

    def add_label_report(self, report: LabelReport) -> None:
        """Keep what somebody reported; the same again changes nothing."""
        facts = asdict(report)
        facts |= {name: storable(facts[name]) for name in ("text", "note", "place")}
        with self._sessions.writing() as session:
            added = insert(session, LabelReportRow).values(**facts)
            session.execute(added.on_conflict_do_nothing())

    def answer_label_report(
        self, report: str, *, person: str, answer: str, at_ms: int
    ) -> None:
        """Say what became of a report.

        Raises:
            MissingError: there is no such report.
            ConflictError: it was answered already.
        """
        with self._sessions.writing() as session:
            row = get_row(session, LabelReportRow, report, lock=True)
            if row.answered_ms is not None:
                raise ConflictError(
                    f"report {report} was answered already", "report_answered"
                )
            row.answer, row.answered_by = storable(answer), person
            row.answered_ms = at_ms
