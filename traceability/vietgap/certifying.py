"""What people do about certificates: claim, suspend, withdraw; calibrate; sanction."""

from typing import Final

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import InputError, MissingError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import Registry
from greenwater.storage.registry.certification import (
    Calibration,
    Certificate,
    CertificateAct,
    Claim,
    Sanction,
)
from greenwater.storage.registry.dossiers import APPLICANTS, OFFICIALS
from greenwater.storage.registry.people import Role
from traceability.gate.harvest import Refusal
from traceability.records import FieldError
from traceability.vietgap.certificates import LEVELS, claimed_at
from traceability.vietgap.claims import claimed_by
from traceability.vietgap.dossier_papers import clean
from traceability.vietgap.gate import certificate_refusals

ACTS: Final = ("suspended", "resumed", "withdrawn")
LEAST_REASON: Final = 10
FUTURE_MS: Final = 5 * 60 * 1000


class Certifying:
    """The use cases. ``person`` is who does it; others' certificates do not exist for him."""

    def __init__(self, registry: Registry, clock: Clock) -> None:
        self._registry, self._clock = registry, clock

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def _applies(self, person: str, organisation: str) -> None:
        if not self._registry.get_person(person).is_any(APPLICANTS, organisation):
            raise MissingError(f"{person} acts for nobody here")

    def find(self, person: str | None, certificate: str) -> Certificate:
        """Return a certificate: its holder's, its office's, or whoever sees the holder.

        Raises:
            MissingError: there is none for him.
        """
        found = self._registry.get_certificate(certificate)
        if person is None or self.is_issuer(person, found):
            return found
        return self._registry.visible_to(person).get_certificate(certificate)

    def is_issuer(self, person: str, certificate: Certificate) -> bool:
        """Return whether a person acts for the office that granted a certificate."""
        tasks = {one.organisation: one.task for one in self._registry.offices()}
        office, info = certificate.office, self._registry.get_person(person)
        return office in tasks and info.is_any(OFFICIALS[tasks[office]], office)

    def act(self, person: str, certificate: str, kind: str, reason: str) -> None:
        """Suspend, resume or withdraw a certificate; withdrawn is for good.

        Raises:
            InputError: that is none of the three, or there is no reason.
            MissingError: he did not grant it.
            ConflictError: it was withdrawn already.
        """
        found = self._registry.get_certificate(certificate)
        if not self.is_issuer(person, found):
            raise MissingError(
                f"there is no certificate {certificate} of yours to act on"
            )
        if kind not in ACTS:
            raise InputError(f"{kind!r} is not {', '.join(ACTS)}", "form_old")
        why = clean(reason)
        if len(why) < LEAST_REASON:
            sentence = f"give the reason in {LEAST_REASON} characters or more"
            raise FieldError("text", sentence)
        self._registry.act_on_certificate(
            CertificateAct(certificate, kind, why, self._now_ms(), person)
        )

    def claim(self, person: str, product: str, certificate: str | None) -> None:
        """Have a product's labels claim a certificate from now on; None: none.

        Raises:
            MissingError: no such product or certificate of his.
        """
        of = self._registry.get_product(product)
        self._applies(person, of.organisation)
        if certificate is not None:
            held = self._registry.get_certificate(certificate)
            if held.organisation != of.organisation:
                raise MissingError(f"there is no certificate {certificate}")
        now_ms = self._now_ms()
        if claimed_at(self._registry.claims(product=product), now_ms) != certificate:
            self._registry.add_claim(Claim(product, certificate, now_ms, person))

    def refusals(self, product: str, unit: str) -> list[Refusal]:
        """Return what stands against the claim of a product grown in a unit."""
        now_ms = self._now_ms()
        of = self._registry.get_product(product)
        certificate = claimed_by(self._registry, product, now_ms)
        if certificate is None:
            return []
        return certificate_refusals(
            certificate,
            self._registry.certificate_acts(certificate.id),
            site=self._registry.get_unit(unit).site,
            species=of.species,
            now_ms=now_ms,
        )

    def calibrate(
        self, person: str, *, device: str, probe: str, at_ms: int, reference: str
    ) -> None:
        """Keep that a probe was held against a reference.

        Raises:
            MissingError: no such probe of his.
            InputError: it lies in the future, or nothing is said of the reference.
        """
        visible = self._registry.visible_to(person)
        known = {(one.device, one.id) for one in visible.list_probes(device)}
        if (device, probe) not in known:
            raise MissingError(f"there is no probe {device}/{probe}")
        self._applies(person, self._registry.get_device(device).organisation)
        if at_ms > self._now_ms() + FUTURE_MS:
            sentence = "a calibration lies in the future: enter it then"
            raise FieldError("happened", sentence)
        what = clean(reference)
        if not what:
            raise FieldError(
                "reference",
                "say what the probe was held against, such as a buffer pH 7",
            )
        self._registry.add_calibration(
            Calibration(device, probe, at_ms, what, person), now_ms=self._now_ms()
        )

    def sanction(self, person: str, office: str, level: int, reason: str) -> None:
        """Put a certification body at a level of sanction; 0 lifts it.

        Raises:
            InputError: no such level, or no reason.
            MissingError: he is no officer of an authority, or there is no such office.
        """
        roles = self._registry.get_person(person).roles
        if Role.OFFICER not in roles or self._registry.reach_of(person) is not None:
            raise MissingError(f"{person} sanctions nobody")
        why = clean(reason)
        if level not in LEVELS or len(why) < LEAST_REASON:
            raise InputError(
                f"a sanction has a level from 0 to {LEVELS[-1]} and a reason of "
                f"{LEAST_REASON} characters or more",
                "sanction_needs",
                most=LEVELS[-1],
                least=LEAST_REASON,
            )
        self._registry.add_sanction(
            Sanction(office, level, why, self._now_ms(), person)
        )
