"""What a dossier holds: the applicant's papers, frozen; and the certificate it ends in."""

import unicodedata
from typing import Any, Final

import msgspec

from greenwater.kernel.errors import InputError
from greenwater.kernel.letters import has_odd
from greenwater.kernel.reading import day_of
from greenwater.reference.holidays import CALENDAR
from greenwater.reference.procedures import Task
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop
from greenwater.storage.registry.certification import Certificate, Office
from greenwater.storage.registry.dossiers import Dossier
from traceability.corrections import in_force
from traceability.ports import Telemetry
from traceability.records import FieldError, digest
from traceability.vietgap.certificates import (
    MAY_NOT_GRANT,
    CertificateScope,
    CertifiedSite,
    Member,
    issuer_of,
    next_code,
    next_registration,
    parse_certificate_code,
    parse_members,
    parse_registration_code,
    sanction_level,
    validity,
)
from traceability.vietgap.crop_readiness import readiness_of, reference_to
from traceability.vietgap.dossiers import Kind, received_on
from traceability.vietgap.folders import Act, Folder

MOST_TEXT: Final = 2_000
MOST_KG: Final = 1e8


def clean(text: str) -> str:
    """Return what was typed as it is kept: composed, lines trimmed, not too long.

    Raises:
        InputError: it is longer than 2 000 characters, or has control characters.
    """
    lines = unicodedata.normalize("NFC", text).strip().splitlines()
    kept = "\n".join(" ".join(line.split()) for line in lines)
    if len(kept) > MOST_TEXT:
        sentence = f"a text has at most {MOST_TEXT} characters: shorten it"
        raise FieldError("long", sentence)
    if has_odd(kept.replace("\n", "")):
        sentence = "the text has control characters in it: type it again"
        raise FieldError("long", sentence)
    return kept


class Papers:
    """Makes the papers of dossiers from the registry and the telemetry."""

    def __init__(self, registry: Registry, telemetry: Telemetry) -> None:
        self._registry, self._telemetry = registry, telemetry

    def _office(self, organisation: str) -> Office:
        found = self._registry.offices()
        return next(one for one in found if one.organisation == organisation)

    def attached(
        self, folder: Folder, act: Act, now_ms: int, due_ms: int | None
    ) -> dict[str, Any]:
        """Return what the applicant hands in, frozen as it is now, with its digest.

        Raises:
            InputError: the expected output or the members cannot be.
            UnavailableError: a database did not answer.
        """
        dossier = folder.dossier
        if dossier.crop is None:
            raise InputError(
                f"dossier {dossier.id} is about no crop: begin another one",
                "dossier_no_crop",
            )
        crop = self._registry.get_crop(dossier.crop)
        papers = {
            **self._evidence(folder, crop, now_ms),
            "crop": {"id": crop.id, "name": crop.name, "species": crop.species},
            "is_simulated": any(
                one.is_simulated and one.site == dossier.site
                for one in self._registry.list_devices()
            ),
        }
        if act.kind is Kind.SUPPLY:
            return papers
        scope = CertificateScope(
            (self._site(dossier, crop, folder.procedure.checked, act.expected_kg),),
            _members(act.members),
        )
        return {
            **papers,
            **self._heading(folder, now_ms, due_ms),
            "scope": msgspec.to_builtins(scope),
        }

    def _evidence(self, folder: Folder, crop: Crop, now_ms: int) -> dict[str, Any]:
        """Return what is attached: the readiness of the crop, or only some records."""
        rule = folder.procedure
        if not rule.readiness:
            book = self._registry.records(
                organisation=crop.organisation, kinds=rule.records
            )
            found = [reference_to(one) for one in in_force(book)]
            return {"records": msgspec.to_builtins(found)}
        report = readiness_of(self._registry, self._telemetry, crop, now_ms)
        readiness = msgspec.to_builtins(report)
        return {"readiness": readiness, "readiness_digest": digest(readiness)}

    def _heading(
        self, folder: Folder, now_ms: int, due_ms: int | None
    ) -> dict[str, Any]:
        dossier, rule = folder.dossier, folder.procedure
        due = None if due_ms is None else day_of(due_ms)
        offices = {
            side: {"organisation": one, "name": self._office(one).name}
            for side, one in (
                ("decider", dossier.decider),
                ("checker", dossier.checker),
            )
            if one is not None
        }
        name, _ = self._registry.producer_of(dossier.organisation)
        return {
            "procedure": {
                "id": rule.id,
                "vi": rule.vi,
                "en": rule.en,
                "instrument": rule.instrument,
                "verified": rule.verified,
                "working_days": rule.working_days,
                "authority_vi": rule.authority_vi,
                "authority_en": rule.authority_en,
            },
            "applicant": {"organisation": dossier.organisation, "name": name},
            **offices,
            "received_on": received_on(now_ms).isoformat(),
            "due_on": None if due is None else due.isoformat(),
            "is_provisional": due is not None and not CALENDAR.is_announced(due.year),
        }

    def _site(
        self, dossier: Dossier, crop: Crop, is_whole: bool, expected_kg: float | None
    ) -> CertifiedSite:
        """Return the site: its units of this species, or all units if ``is_whole``."""
        if expected_kg is not None and not 0 < expected_kg < MOST_KG:
            sentence = f"an output of {expected_kg:g} kg cannot be expected"
            raise FieldError("expected_kg", sentence)
        site = next(one for one in self._registry.sites() if one.id == dossier.site)
        units = [
            one
            for one in self._registry.units()
            if one.site == site.id
            and (is_whole or one.id == crop.unit or one.species == crop.species)
        ]
        areas = [one.area_m2 for one in units]
        return CertifiedSite(
            site=site.id,
            name=site.name,
            commune=site.commune or "",
            species=crop.species,
            units=tuple(one.name for one in units),
            area_m2=None if None in areas else sum(one or 0.0 for one in areas),
            expected_kg=expected_kg,
        )

    def suggested_code(self, folder: Folder) -> str:
        """Return the next free code that the deciding office would give."""
        office = self._office(folder.dossier.decider)
        given = self._registry.certificates(office=office.organisation)
        taken = [one.code for one in given]
        if office.task is Task.CERTIFY:
            return next_code(office.code or "", taken).replace("VIETGAP", "VietGAP")
        sites = (folder.submission or {}).get("scope", {}).get("sites", ())
        return next_registration(sites[0]["commune"] if sites else "", taken)

    def granted(
        self, folder: Folder, act: Act, now_ms: int, person: str, certificate: str
    ) -> Certificate:
        """Return the certificate that a decision makes.

        Raises:
            InputError: the code is none, another body's or in use, the validity is too
                long, or the body may not grant any now.
        """
        dossier = folder.dossier
        office = self._office(dossier.decider)
        sanctions = self._registry.sanctions(office.organisation)
        level = sanction_level(sanctions, now_ms)
        if level >= MAY_NOT_GRANT:
            raise FieldError(
                "sanction",
                f"{office.name} is sanctioned at level {level}: it gives no new codes",
            )
        code = self._code(office, act.code)
        submitted = folder.submission or {}
        return Certificate(
            id=certificate,
            organisation=dossier.organisation,
            office=office.organisation,
            procedure=dossier.procedure,
            code=code,
            raw_code=" ".join(act.code.split()),
            scope=submitted["scope"],
            issued_ms=now_ms,
            until_ms=_until(now_ms, act.months, dossier.procedure),
            dossier=dossier.id,
            is_simulated=bool(submitted["is_simulated"]),
            recorded_ms=now_ms,
            recorded_by=person,
        )

    def _code(self, office: Office, text: str) -> str:
        is_body = office.task is Task.CERTIFY
        parse = parse_certificate_code if is_body else parse_registration_code
        try:
            code = parse(text)
        except InputError as exc:
            raise FieldError("code", str(exc)) from exc
        if is_body and issuer_of(code) != office.code:
            sentence = f"code {text!r} does not begin with {office.code}"
            raise FieldError("code", sentence)
        if self._registry.has_certificate_code(code):
            raise FieldError("code", f"code {text!r} was given before: take another")
        return code


def _members(text: str) -> tuple[Member, ...]:
    try:
        return parse_members(text)
    except InputError as exc:
        raise FieldError("members", str(exc)) from exc


def _until(issued_ms: int, months: int, procedure: str) -> int | None:
    try:
        return validity(issued_ms, months, procedure)
    except InputError as exc:
        raise FieldError("months", str(exc)) from exc
