"""What people do with dossiers: begin, submit, receive, ask, check, decide."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final, NamedTuple

from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import ConflictError, MissingError, UnavailableError
from greenwater.kernel.reading import day_of, milliseconds
from greenwater.reference.procedures import Procedure, Task, get_procedure
from greenwater.storage.registry import Registry
from greenwater.storage.registry.books import Crop
from greenwater.storage.registry.certification import Certificate, Office
from greenwater.storage.registry.dossiers import (
    APPLICANTS,
    OFFICIALS,
    Dossier,
    DossierStep,
)
from greenwater.storage.registry.people import Role
from traceability.ports import Telemetry
from traceability.proof.keys import Signer, keys_document
from traceability.records import FieldError
from traceability.vietgap.dossier_chain import (
    BrokenStep,
    StepDraft,
    first_broken_step,
    move_of,
    signed_step,
)
from traceability.vietgap.dossier_papers import Papers, clean
from traceability.vietgap.dossiers import (
    Kind,
    Move,
    Side,
    advance,
    due_after,
    possible,
    progress_of,
)
from traceability.vietgap.folders import Act, Folder

LEAST_REASON: Final = 10
"""Characters; "không" is no reason."""
TRIES: Final = 5
"""How often it is tried again when somebody else has just taken the number, or begun."""


class Duties(NamedTuple):
    """What a person is, and what offices do."""

    held: Sequence[tuple[str, Role]]
    tasks: Mapping[str, Task]


def sides_of(duties: Duties, dossier: Dossier) -> tuple[Side, ...]:
    """Return for whom a person acts; who belongs to the applicant decides nothing."""
    if any(one == dossier.organisation for one, _ in duties.held):
        is_his = any(
            one == dossier.organisation and role in APPLICANTS
            for one, role in duties.held
        )
        return (Side.APPLICANT,) if is_his else ()
    offices = ((Side.CHECKER, dossier.checker), (Side.DECIDER, dossier.decider))
    return tuple(
        side
        for side, office in offices
        if office is not None
        and any(
            one == office and role in OFFICIALS[duties.tasks[office]]
            for one, role in duties.held
        )
    )


class Applications:
    """The use cases. ``person`` is who does it; others' dossiers do not exist for him."""

    def __init__(
        self,
        registry: Registry,
        telemetry: Telemetry,
        signer: Signer | None,
        clock: Clock,
        new_id: Callable[[], str],
    ) -> None:
        self._registry, self._signer, self._clock = registry, signer, clock
        self._new_id = new_id
        self._papers = Papers(registry, telemetry)

    def _now_ms(self) -> int:
        return milliseconds(self._clock.now())

    def begin(
        self, person: str, *, crop: str, procedure: str, decider: str = ""
    ) -> Dossier:
        """Begin a dossier about a crop's site; one that is open already is returned.

        ``decider`` is the office that shall decide; there may be only one.

        Raises:
            MissingError: no such crop, or not his.
            InputError: no such procedure or office, or none checks in that commune.
        """
        of = self._registry.get_crop(crop)
        if not self._registry.get_person(person).is_any(APPLICANTS, of.organisation):
            raise MissingError(f"{person} applies for nothing of crop {crop}")
        rule = get_procedure(procedure, day_of(self._now_ms()))
        site = self._registry.get_unit(of.unit).site
        for _ in range(TRIES):
            found = self._of_site(person, site, rule)
            standing = next((one for one in found if self._is_open(person, one)), None)
            if standing is not None:
                return standing
            try:
                return self._begun(person, of, site, rule, decider, found)
            except ConflictError:
                continue  # begun by somebody else, or by a second touch of the button
        raise ConflictError(f"dossiers of {site} are begun too fast", "try_again")

    def _begun(
        self,
        person: str,
        of: Crop,
        site: str,
        rule: Procedure,
        decider: str,
        found: Sequence[Dossier],
    ) -> Dossier:
        made = Dossier(
            id=self._new_id(),
            organisation=of.organisation,
            procedure=rule.id,
            site=site,
            crop=of.id,
            decider=self._decider(rule, decider).organisation,
            checker=self._checker(rule, site),
            created_ms=self._now_ms(),
            created_by=person,
        )
        self._registry.add_dossier(made, beside=[one.id for one in found])
        return made

    def _of_site(self, person: str, site: str, rule: Procedure) -> Sequence[Dossier]:
        found = self._registry.dossiers_for(person)
        return [one for one in found if (one.site, one.procedure) == (site, rule.id)]

    def _is_open(self, person: str, dossier: Dossier) -> bool:
        folder = self.folder(person, dossier.id)
        return folder.progress.is_open and Side.APPLICANT in folder.sides

    def _decider(self, rule: Procedure, decider: str) -> Office:
        found = [
            one
            for one in self._registry.offices(task=rule.decided_by)
            if decider in ("", one.organisation)
        ]
        if len(found) != 1:
            sentence = f"choose the office that decides: {decider!r} is none"
            raise FieldError("office", sentence)
        return found[0]

    def _checker(self, rule: Procedure, site: str) -> str | None:
        if not rule.checked:
            return None
        commune = next(one.commune for one in self._registry.sites() if one.id == site)
        for office in self._registry.offices(task=Task.CHECK):
            if office.commune is not None and office.commune == commune:
                return office.organisation
        raise FieldError(
            "commune",
            f"no office of commune {commune or '?'} receives dossiers here; register it, "
            "or give the site its commune",
        )

    def folder(self, person: str | None, dossier: str) -> Folder:
        """Return a dossier as a person has it before him.

        Raises:
            MissingError: there is none for him.
        """
        found = self._registry.get_dossier_for(person, dossier)
        steps = self._registry.dossier_steps([dossier])[dossier]
        return self._filled(self._duties(person), found, steps)

    def folders(self, person: str | None) -> Sequence[Folder]:
        """Return all that a person may see: due first; what is over last."""
        found = self._registry.dossiers_for(person)
        steps = self._registry.dossier_steps([one.id for one in found])
        duties = self._duties(person)
        folders = [self._filled(duties, one, steps[one.id]) for one in found]
        never = 2**62
        return sorted(
            folders,
            key=lambda one: (
                not one.progress.is_open,
                one.progress.is_paused,
                (one.progress.due_ms or never) if one.progress.is_open else 0,
                -(one.progress.decided_ms or one.dossier.created_ms),
            ),
        )

    def _filled(
        self, duties: Duties, dossier: Dossier, steps: Sequence[DossierStep]
    ) -> Folder:
        moves = [move_of(one) for one in steps]
        began_ms = steps[0].at_ms if steps else self._now_ms()
        procedure = get_procedure(dossier.procedure, day_of(began_ms))
        progress = progress_of(moves, procedure)
        sides = sides_of(duties, dossier)
        may = [
            kind
            for side in sides
            for kind in possible(progress, procedure, side, self._now_ms())
        ]
        return Folder(
            dossier,
            procedure,
            tuple(steps),
            progress,
            sides,
            tuple(dict.fromkeys(may)),
        )

    def _duties(self, person: str | None) -> Duties:
        if person is None:
            return Duties((), {})
        held = self._registry.get_person(person).memberships
        return Duties(held, {o.organisation: o.task for o in self._registry.offices()})

    def act(self, person: str, dossier: str, act: Act) -> Folder:
        """Do something to a dossier; return it as it is then.

        Raises:
            MissingError: there is none for him.
            ConflictError: that may not be done now, or somebody has just done something.
            FieldError: what was given cannot be; the sentence says what.
            UnavailableError: there is no key to sign the step with.
        """
        for _ in range(TRIES):
            try:
                return self._act(person, dossier, act)
            except ConflictError:
                # The number or code may be taken: the next try has, or asks for, another.
                is_numbered = act.kind in (Kind.SUBMIT, Kind.GRANT)
                if not is_numbered or act.kind not in self.folder(person, dossier).may:
                    raise
        raise ConflictError(
            "numbers of dossiers are given out too fast: try again", "try_again"
        )

    def _act(self, person: str, dossier: str, act: Act) -> Folder:
        folder = self.folder(person, dossier)
        side = self._side(folder, act.kind)
        now_ms = max(self._now_ms(), folder.steps[-1].at_ms if folder.steps else 0)
        due_ms = due_after(folder.progress, act.kind, now_ms, folder.procedure)
        fits = act.fits if act.kind is Kind.CHECK else None
        advance(
            folder.progress,
            Move(act.kind, side, now_ms, due_ms, fits),
            folder.procedure,
        )
        content, certificate = self._content(person, folder, act, now_ms, due_ms)
        of = {
            Side.APPLICANT: folder.dossier.organisation,
            Side.CHECKER: folder.dossier.checker or "",
            Side.DECIDER: folder.dossier.decider,
        }
        code = self._number(folder, now_ms) if act.kind is Kind.SUBMIT else None
        draft = StepDraft(
            act.kind, side, of[side], person, now_ms, due_ms, content, code
        )
        if self._signer is None:
            raise UnavailableError("this site has no key to sign steps with")
        step = signed_step(dossier, folder.steps, draft, self._signer)
        self._registry.add_dossier_step(step, certificate)
        return self.folder(person, dossier)

    @staticmethod
    def _side(folder: Folder, kind: Kind) -> Side:
        if not folder.sides:
            raise MissingError(f"dossier {folder.dossier.id} is not yours to act on")
        for side in folder.sides:
            if kind in possible(folder.progress, folder.procedure, side, 2**53):
                return side
        return folder.sides[-1]

    def _number(self, folder: Folder, now_ms: int) -> str:
        stem = f"{folder.procedure.prefix}-{day_of(now_ms):%y%m%d}-"
        return f"{stem}{self._registry.count_dossier_codes(stem) + 1:04}"

    def _content(
        self, person: str, folder: Folder, act: Act, now_ms: int, due_ms: int | None
    ) -> tuple[dict[str, Any], Certificate | None]:
        text = clean(act.text)
        content: dict[str, Any] = {"text": text}
        if act.kind is Kind.CHECK:
            if act.fits is None:
                raise FieldError("fits", "say whether the site is as the dossier says")
            content["fits"] = act.fits
        if _needs_reason(act) and len(text) < LEAST_REASON:
            sentence = f"say what and why, in {LEAST_REASON} characters or more"
            raise FieldError("text", sentence)
        if act.kind in (Kind.SUBMIT, Kind.SUPPLY):
            papers = self._papers.attached(folder, act, now_ms, due_ms)
            return {**content, **papers}, None
        if act.kind is Kind.GRANT:
            if folder.progress.fits is False and len(text) < LEAST_REASON:
                sentence = "the commune found otherwise: give the reason"
                raise FieldError("text", sentence)
            certificate = self._papers.granted(
                folder, act, now_ms, person, self._new_id()
            )
            granted = {
                "certificate": certificate.id,
                "code": certificate.raw_code,
                "until_ms": certificate.until_ms,
            }
            return {**content, **granted}, certificate
        return content, None

    def suggested_code(self, folder: Folder) -> str:
        """Return the next free code that the deciding office would give."""
        return self._papers.suggested_code(folder)

    def broken(self, folder: Folder) -> BrokenStep | None:
        """Return the first step of a dossier that was altered; None: all is whole."""
        keys = keys_document(self._registry.signing_keys())
        return first_broken_step(folder.dossier.id, folder.steps, keys)


def _needs_reason(act: Act) -> bool:
    """Return whether the other side must be told why."""
    is_negative = act.kind is Kind.CHECK and not act.fits
    return is_negative or act.kind in (Kind.ASK, Kind.REFUSE)
