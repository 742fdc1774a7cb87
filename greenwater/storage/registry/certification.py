"""Offices, certificates and what became of them, claims of products, calibrations."""

from collections.abc import Sequence
from typing import Any

import msgspec
from msgspec import Struct
from sqlalchemy import func, select

from greenwater.kernel.errors import ConflictError
from greenwater.reference.procedures import Task
from greenwater.storage.registry.models import Organisation, Person, Probe
from greenwater.storage.registry.models.books import ProductRow
from greenwater.storage.registry.models.certification import (
    CalibrationRow,
    CertificateActRow,
    CertificateRow,
    ClaimRow,
    OfficeRow,
    SanctionRow,
)
from greenwater.storage.registry.rows import add_once, get_row, parsed_of, storable
from greenwater.storage.registry.session import Sessions


class Office(Struct, frozen=True):
    """Who decides or checks dossiers: a commune's by its code, a body by its number."""

    organisation: str
    name: str
    task: Task
    commune: str | None
    code: str | None


class Sanction(Struct, frozen=True):
    """A level of sanction against a certification body, from an instant on."""

    office: str
    level: int
    reason: str
    at_ms: int
    person: str


class Certificate(Struct, frozen=True, kw_only=True):
    """What was granted. ``code`` is as it is compared, ``raw_code`` as it was written.

    ``until_ms`` None: without an end. ``scope`` says for what: sites with product, area
    and expected output, and the members of a group.
    """

    id: str
    organisation: str
    office: str
    procedure: str
    code: str
    raw_code: str
    scope: dict[str, Any]
    issued_ms: int
    until_ms: int | None
    dossier: str | None
    is_simulated: bool
    recorded_ms: int
    recorded_by: str


class CertificateAct(Struct, frozen=True):
    """What was done to a certificate: suspended, resumed or withdrawn."""

    certificate: str
    kind: str
    reason: str
    at_ms: int
    person: str


class Claim(Struct, frozen=True):
    """That a product's labels claim a certificate from an instant on; None: none."""

    product: str
    certificate: str | None
    at_ms: int
    person: str


class Calibration(Struct, frozen=True):
    """That a probe was held against a reference at an instant."""

    device: str
    probe: str
    at_ms: int
    reference: str
    person: str


class CertificationSeen:
    """What may be asked of one's own; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def certificates(
        self, *, organisation: str | None = None, office: str | None = None
    ) -> Sequence[Certificate]:
        """Return certificates (of a holder, of an office), the newest first."""
        query = select(CertificateRow).order_by(
            CertificateRow.issued_ms.desc(), CertificateRow.id
        )
        if organisation is not None:
            query = query.where(CertificateRow.organisation == organisation)
        if office is not None:
            query = query.where(CertificateRow.office == office)
        with self._sessions.reading() as session:
            return [parsed_of(Certificate, row) for row in session.scalars(query)]

    def get_certificate(self, certificate: str) -> Certificate:
        """Return one certificate.

        Raises:
            MissingError: there is none of that id.
        """
        with self._sessions.reading() as session:
            row = get_row(session, CertificateRow, certificate)
            return parsed_of(Certificate, row)

    def certificate_acts(self, certificate: str) -> Sequence[CertificateAct]:
        """Return what was done to a certificate, oldest first."""
        query = (
            select(CertificateActRow)
            .where(CertificateActRow.certificate == certificate)
            .order_by(CertificateActRow.number)
        )
        with self._sessions.reading() as session:
            return [parsed_of(CertificateAct, row) for row in session.scalars(query)]

    def claims(self, *, product: str | None = None) -> Sequence[Claim]:
        """Return what was claimed of products, oldest first."""
        query = select(ClaimRow).order_by(ClaimRow.number)
        if product is not None:
            query = query.where(ClaimRow.product == product)
        with self._sessions.reading() as session:
            return [parsed_of(Claim, row) for row in session.scalars(query)]

    def calibrations(
        self, *, device: str | None = None, probe: str | None = None
    ) -> Sequence[Calibration]:
        """Return calibrations by when they happened."""
        query = select(CalibrationRow).order_by(
            CalibrationRow.at_ms, CalibrationRow.number
        )
        if device is not None:
            query = query.where(CalibrationRow.device == device)
        if probe is not None:
            query = query.where(CalibrationRow.probe == probe)
        with self._sessions.reading() as session:
            return [parsed_of(Calibration, row) for row in session.scalars(query)]


class Certification(CertificationSeen):
    """Mixed into ``Registry``. Adding what is there already changes nothing.

    Raises (every method that adds):
        MissingError: what it belongs to is not registered.
        ConflictError: it contradicts what is there.
    """

    def add_office(
        self,
        organisation: str,
        task: Task,
        *,
        commune: str | None = None,
        code: str | None = None,
        raw_code: str | None = None,
    ) -> None:
        """Let an organisation decide or check dossiers."""
        facts = {"task": task, "commune": commune, "code": code, "raw_code": raw_code}
        with self._sessions.writing() as session:
            get_row(session, Organisation, organisation)
            add_once(session, OfficeRow, {"organisation": organisation}, facts)

    def offices(self, *, task: Task | None = None) -> Sequence[Office]:
        """Return the offices, by name; they are public."""
        query = (
            select(OfficeRow, Organisation.name)
            .join(Organisation, Organisation.id == OfficeRow.organisation)
            .order_by(Organisation.name, Organisation.id)
        )
        if task is not None:
            query = query.where(OfficeRow.task == task)
        with self._sessions.reading() as session:
            return [
                Office(row.organisation, name, Task(row.task), row.commune, row.code)
                for row, name in session.execute(query)
            ]

    def add_sanction(self, sanction: Sanction) -> None:
        """Keep a level of sanction against a certification body."""
        with self._sessions.writing() as session:
            get_row(session, OfficeRow, sanction.office)
            session.add(SanctionRow(**_values(sanction)))

    def sanctions(self, office: str) -> Sequence[Sanction]:
        """Return the sanctions against an office, oldest first."""
        query = (
            select(SanctionRow)
            .where(SanctionRow.office == office)
            .order_by(SanctionRow.number)
        )
        with self._sessions.reading() as session:
            return [parsed_of(Sanction, row) for row in session.scalars(query)]

    def add_certificate(self, certificate: Certificate) -> None:
        """Keep a certificate; its code stands for one only."""
        values = _values(certificate)
        # As it comes back: tuples become lists.
        values["scope"] = msgspec.json.decode(msgspec.json.encode(certificate.scope))
        key = {"id": values.pop("id")}
        with self._sessions.writing() as session:
            get_row(session, OfficeRow, certificate.office)
            add_once(session, CertificateRow, key, values)

    def has_certificate_code(self, code: str) -> bool:
        """Return whether a code stands for a certificate of anybody."""
        query = select(func.count()).where(CertificateRow.code == code)
        with self._sessions.reading() as session:
            return bool(session.scalar(query))

    def act_on_certificate(self, act: CertificateAct) -> None:
        """Suspend, resume or withdraw a certificate; withdrawn is for ever."""
        withdrawn = select(CertificateActRow.number).where(
            CertificateActRow.certificate == act.certificate,
            CertificateActRow.kind == "withdrawn",
        )
        with self._sessions.writing() as session:
            row = get_row(session, CertificateRow, act.certificate, lock=True)
            if session.scalars(withdrawn).first() is not None:
                raise ConflictError(
                    f"certificate {row.raw_code} was withdrawn: that is for good",
                    "certificate_gone_for_good",
                )
            session.add(
                CertificateActRow(organisation=row.organisation, **_values(act))
            )

    def add_claim(self, claim: Claim) -> None:
        """Have a product's labels claim a certificate from now on, or none."""
        with self._sessions.writing() as session:
            row = get_row(session, ProductRow, claim.product)
            if claim.certificate is not None:
                get_row(session, CertificateRow, claim.certificate)
            session.add(ClaimRow(organisation=row.organisation, **_values(claim)))

    def add_calibration(self, calibration: Calibration, *, now_ms: int) -> None:
        """Keep that a probe was calibrated."""
        with self._sessions.writing() as session:
            row = get_row(session, Probe, calibration.device, calibration.probe)
            get_row(session, Person, calibration.person)
            session.add(
                CalibrationRow(
                    organisation=row.organisation,
                    recorded_ms=now_ms,
                    **_values(calibration),
                )
            )


def _values(one: Struct) -> dict[str, Any]:
    return {
        name: storable(value) if isinstance(value, str) else value
        for name, value in msgspec.structs.asdict(one).items()
    }
