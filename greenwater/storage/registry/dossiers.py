"""Dossiers and their steps, and who sees which: the one place that says so."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Final

from msgspec import Struct
from sqlalchemy import ColumnElement, and_, exists, false, func, or_, select
from sqlalchemy.orm import Session

from greenwater.kernel.errors import ConflictError, MissingError
from greenwater.reference.procedures import Task
from greenwater.storage.registry.certification import Certificate
from greenwater.storage.registry.models import Membership, Person, Site
from greenwater.storage.registry.models.certification import (
    CertificateRow,
    DossierRow,
    DossierStepRow,
    OfficeRow,
)
from greenwater.storage.registry.people import Role
from greenwater.storage.registry.rows import add_once, get_row, parsed_of, standing
from greenwater.storage.registry.session import Sessions
from greenwater.storage.registry.trace_events.ledger import GENESIS

APPLICANTS: Final = frozenset({Role.FARMER, Role.TECHNICIAN, Role.ADMIN})
"""Who acts for an applicant."""

OFFICIALS: Final[Mapping[Task, frozenset[Role]]] = {
    Task.CERTIFY: frozenset({Role.AUDITOR}),
    Task.DECIDE: frozenset({Role.OFFICER}),
    Task.CHECK: frozenset({Role.OFFICER}),
}
"""Who acts for an office, and sees what is addressed to it."""

AT_ONCE: Final = 500

SUBMITTED: Final = "submit"
"""The kind of step that hands a dossier over: before it only the applicant sees it."""


class Dossier(Struct, frozen=True, kw_only=True):
    """An application of ``organisation``; ``code`` is its number once it was submitted."""

    id: str
    organisation: str
    procedure: str
    site: str
    crop: str | None
    decider: str
    checker: str | None
    created_ms: int
    created_by: str
    code: str | None = None


class DossierStep(Struct, frozen=True, kw_only=True):
    """One step; ``document`` is the canonical text that its hash and signature are of."""

    dossier: str
    number: int
    kind: str
    code: str | None
    at_ms: int
    person: str
    document: str
    previous: str
    hash: str
    key: str
    signature: str


class Dossiers:
    """Mixed into ``Registry``."""

    _sessions: Sessions

    def dossiers_for(self, person: str | None) -> Sequence[Dossier]:
        """Return the dossiers a person may see, the newest first; None: all.

        Those of his own organisations, from the first draft on; and as an official of an
        office those addressed to it, once they were submitted.

        Raises:
            MissingError: there is no such person.
        """
        with self._sessions.reading() as session:
            query = (
                select(DossierRow)
                .where(*_seen_by(session, person))
                .order_by(DossierRow.created_ms.desc(), DossierRow.id)
            )
            rows = session.scalars(query).all()
            codes = _codes(session, [row.id for row in rows])
            return [_dossier(row, codes.get(row.id)) for row in rows]

    def get_dossier_for(self, person: str | None, dossier: str) -> Dossier:
        """Return one dossier, if the person may see it.

        Raises:
            MissingError: there is none for him.
        """
        with self._sessions.reading() as session:
            query = select(DossierRow).where(
                DossierRow.id == dossier, *_seen_by(session, person)
            )
            row = session.scalar(query)
            if row is None:
                raise MissingError(f"there is no dossier {dossier}")
            return _dossier(row, _codes(session, [row.id]).get(row.id))

    def dossier_steps(
        self, dossiers: Sequence[str]
    ) -> Mapping[str, Sequence[DossierStep]]:
        """Return the steps of each of these dossiers, in order.

        Whoever asks has found the dossiers with ``dossiers_for``.
        """
        query = select(DossierStepRow).order_by(
            DossierStepRow.dossier, DossierStepRow.number
        )
        found: dict[str, list[DossierStep]] = {one: [] for one in dossiers}
        with self._sessions.reading() as session:
            for some in _some(dossiers):
                rows = session.scalars(query.where(DossierStepRow.dossier.in_(some)))
                for row in rows:
                    found[row.dossier].append(parsed_of(DossierStep, row))
        return found

    def add_dossier(self, dossier: Dossier, *, beside: Collection[str] = ()) -> None:
        """Keep a draft; the same again changes nothing.

        ``beside``: the dossiers of this site and procedure that whoever begins it has seen.

        Raises:
            MissingError: an office is not registered.
            ConflictError: the id stands for another, or another was begun meanwhile.
        """
        others = select(DossierRow.id).where(
            DossierRow.site == dossier.site,
            DossierRow.procedure == dossier.procedure,
            DossierRow.id.not_in([*beside, dossier.id]),
        )
        facts = {
            name: getattr(dossier, name)
            for name in Dossier.__struct_fields__
            if name not in ("id", "code")
        }
        with self._sessions.writing() as session:
            get_row(session, OfficeRow, dossier.decider)
            get_row(session, Site, dossier.site, lock=True)
            if (other := session.scalar(others)) is not None:
                raise ConflictError(
                    f"dossier {other} was begun at {dossier.site} meanwhile: go on with it",
                    "dossier_begun",
                )
            add_once(session, DossierRow, {"id": dossier.id}, facts)

    def add_dossier_step(
        self, step: DossierStep, certificate: Certificate | None = None
    ) -> None:
        """Keep a step, and with it what it grants; all or nothing.

        Raises:
            ConflictError: somebody else has gone a step further meanwhile, or the
                dossier's number or the certificate's code stands for another one.
        """
        last = select(DossierStepRow).where(
            DossierStepRow.dossier == step.dossier,
            DossierStepRow.number == step.number - 1,
        )
        with self._sessions.writing() as session:
            of = get_row(session, DossierRow, step.dossier, lock=True)
            row = session.scalar(last)
            if step.previous != (GENESIS if row is None else row.hash):
                raise ConflictError(
                    f"dossier {step.dossier}: step {step.number} does not follow the "
                    "last one; open it again",
                    "dossier_step",
                )
            values = {n: getattr(step, n) for n in DossierStep.__struct_fields__}
            values["organisation"] = of.organisation
            if standing(session, DossierStepRow, values) is not None:
                raise ConflictError(
                    f"dossier {step.dossier}: somebody has gone a step further; open it "
                    "again",
                    "dossier_step",
                )
            if certificate is not None:
                granted = {
                    name: getattr(certificate, name)
                    for name in Certificate.__struct_fields__
                }
                standing(session, CertificateRow, granted)

    def count_dossier_codes(self, prefix: str) -> int:
        """Return how many dossiers have a number that begins so."""
        query = select(func.count()).where(
            DossierStepRow.code.startswith(prefix, autoescape=True)
        )
        with self._sessions.reading() as session:
            return session.scalar(query) or 0


def _seen_by(session: Session, person: str | None) -> list[ColumnElement[bool]]:
    """Return what a dossier must be for a person to see it: the whole rule."""
    if person is None:
        return []
    get_row(session, Person, person)
    held = session.execute(
        select(Membership.organisation, Membership.role).where(
            Membership.person == person
        )
    ).all()
    ours = [one for one, role in held if Role(role) in APPLICANTS]
    offices = {
        row.organisation: Task(row.task)
        for row in session.scalars(
            select(OfficeRow).where(
                OfficeRow.organisation.in_([one for one, _ in held])
            )
        )
    }
    on_duty = [
        one
        for one, role in held
        if one in offices and Role(role) in OFFICIALS[offices[one]]
    ]
    ways: list[ColumnElement[bool]] = [false()]
    if ours:
        ways.append(DossierRow.organisation.in_(ours))
    if on_duty:
        is_submitted = exists().where(
            DossierStepRow.dossier == DossierRow.id,
            DossierStepRow.kind == SUBMITTED,
        )
        addressed = or_(
            DossierRow.decider.in_(on_duty), DossierRow.checker.in_(on_duty)
        )
        ways.append(and_(addressed, is_submitted))
    return [or_(*ways)]


def _codes(session: Session, dossiers: Sequence[str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for some in _some(dossiers):
        query = select(DossierStepRow.dossier, DossierStepRow.code).where(
            DossierStepRow.dossier.in_(some), DossierStepRow.code.is_not(None)
        )
        found |= {one: code for one, code in session.execute(query) if code is not None}
    return found


def _some(dossiers: Sequence[str]) -> Iterator[Sequence[str]]:
    """Yield a few at a time: databases take so many values in one query."""
    for first in range(0, len(dossiers), AT_ONCE):
        yield dossiers[first : first + AT_ONCE]


def _dossier(row: DossierRow, code: str | None) -> Dossier:
    return Dossier(
        id=row.id,
        organisation=row.organisation,
        procedure=row.procedure,
        site=row.site,
        crop=row.crop,
        decider=row.decider,
        checker=row.checker,
        created_ms=row.created_ms,
        created_by=row.created_by,
        code=code,
    )
