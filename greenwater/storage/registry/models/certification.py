"""Offices, certificates, what is claimed of products, calibrations, dossiers.

But for offices nothing here is ever changed: the database itself refuses it (migration
0014). What becomes of a certificate or a dossier is said by the rows that were added.
"""

from typing import Any

from sqlalchemy import ForeignKey, Index, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from greenwater.storage.registry.models.core import (
    Base,
    Number,
    Tenanted,
    only_where,
    within,
)


class OfficeRow(Base):
    """What an organisation does about others' dossiers, and where; public."""

    __tablename__ = "office"
    __table_args__ = (
        Index("uq_office_code", "code", unique=True, **only_where("code IS NOT NULL")),
        Index(
            "uq_office_commune",
            "commune",
            unique=True,
            **only_where("commune IS NOT NULL"),
        ),
    )
    organisation: Mapped[str] = mapped_column(
        ForeignKey("organisation.id"), primary_key=True
    )
    task: Mapped[str]
    commune: Mapped[str | None]
    code: Mapped[str | None]
    raw_code: Mapped[str | None]


class SanctionRow(Base):
    """A level of sanction against a certification body; the last one counts, 0: none."""

    __tablename__ = "sanction"
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    office: Mapped[str] = mapped_column(ForeignKey("office.organisation"), index=True)
    level: Mapped[int]
    reason: Mapped[str]
    at_ms: Mapped[int]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))


class CertificateRow(Tenanted, Base):
    """What was granted to an organisation (its holder); ``scope`` says for what."""

    __tablename__ = "certificate"
    __table_args__ = (
        UniqueConstraint("organisation", "id"),
        UniqueConstraint("code"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    office: Mapped[str] = mapped_column(ForeignKey("office.organisation"), index=True)
    procedure: Mapped[str]
    code: Mapped[str]
    raw_code: Mapped[str]
    scope: Mapped[dict[str, Any]]
    issued_ms: Mapped[int]
    until_ms: Mapped[int | None]
    dossier: Mapped[str | None]
    is_simulated: Mapped[bool]
    recorded_ms: Mapped[int]
    recorded_by: Mapped[str] = mapped_column(ForeignKey("person.id"))


class CertificateActRow(Tenanted, Base):
    """What was done to a certificate: suspended, resumed, withdrawn. The last counts."""

    __tablename__ = "certificate_act"
    __table_args__ = (within("organisation", "certificate", of="certificate"),)
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    certificate: Mapped[str] = mapped_column(index=True)
    kind: Mapped[str]
    reason: Mapped[str]
    at_ms: Mapped[int]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))


class ClaimRow(Tenanted, Base):
    """From when on a product's labels claim a certificate; NULL: none. The last counts."""

    __tablename__ = "certificate_claim"
    __table_args__ = (
        within("organisation", "product", of="product"),
        within("organisation", "certificate", of="certificate"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    product: Mapped[str] = mapped_column(index=True)
    certificate: Mapped[str | None]
    at_ms: Mapped[int]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))


class CalibrationRow(Tenanted, Base):
    """That a probe was held against a reference."""

    __tablename__ = "calibration"
    __table_args__ = (
        within("device", "probe", of="probe"),
        within("organisation", "device", of="device"),
        Index("ix_calibration_probe", "device", "probe", "at_ms"),
    )
    number: Mapped[int] = mapped_column(Number, primary_key=True)
    device: Mapped[str]
    probe: Mapped[str]
    at_ms: Mapped[int]
    reference: Mapped[str]
    recorded_ms: Mapped[int]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))


class DossierRow(Tenanted, Base):
    """An application: whose, for what, and the offices it is addressed to."""

    __tablename__ = "dossier"
    __table_args__ = (
        within("organisation", "site", of="site"),
        within("organisation", "crop", of="crop"),
        UniqueConstraint("organisation", "id"),
    )
    id: Mapped[str] = mapped_column(primary_key=True)
    procedure: Mapped[str]
    site: Mapped[str]
    crop: Mapped[str | None]
    decider: Mapped[str] = mapped_column(ForeignKey("office.organisation"), index=True)
    checker: Mapped[str | None] = mapped_column(
        ForeignKey("office.organisation"), index=True
    )
    created_ms: Mapped[int]
    created_by: Mapped[str] = mapped_column(ForeignKey("person.id"))


class DossierStepRow(Tenanted, Base):
    """One signed step of a dossier; ``document`` is the text that was hashed.

    ``code`` is the dossier's number, on the step that gave it.
    """

    __tablename__ = "dossier_step"
    __table_args__ = (
        within("organisation", "dossier", of="dossier"),
        UniqueConstraint("code"),
    )
    dossier: Mapped[str] = mapped_column(primary_key=True)
    number: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[str]
    code: Mapped[str | None]
    at_ms: Mapped[int]
    person: Mapped[str] = mapped_column(ForeignKey("person.id"))
    document: Mapped[str]
    previous: Mapped[str]
    hash: Mapped[str]
    key: Mapped[str] = mapped_column(ForeignKey("signing_key.id"))
    signature: Mapped[str]
