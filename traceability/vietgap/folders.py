"""A dossier as somebody has it before him, and what he does to it. Pure."""

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

from greenwater.reference.procedures import Procedure
from greenwater.storage.registry.dossiers import Dossier, DossierStep
from traceability.vietgap.dossier_chain import said
from traceability.vietgap.dossiers import Kind, Progress, Side


class Act(Struct, frozen=True, kw_only=True):
    """What somebody does to a dossier; what does not belong to its kind is left alone."""

    kind: Kind
    text: str = ""
    expected_kg: float | None = None
    members: str = ""
    fits: bool | None = None
    code: str = ""
    months: int = 0


class Folder(Struct, frozen=True):
    """A dossier with all that is in it, as one person has it before him."""

    dossier: Dossier
    procedure: Procedure
    steps: tuple[DossierStep, ...]
    progress: Progress
    sides: tuple[Side, ...]
    may: tuple[Kind, ...]

    @property
    def submission(self) -> Mapping[str, Any] | None:
        """What was submitted; None: it is a draft."""
        return self._last(Kind.SUBMIT)

    def _last(self, *kinds: Kind) -> Mapping[str, Any] | None:
        found = [said(one) for one in self.steps if one.kind in kinds]
        content: Mapping[str, Any] | None = found[-1]["content"] if found else None
        return content

    @property
    def attached(self) -> Mapping[str, Any] | None:
        """The newest papers of the applicant: as submitted, or as supplied."""
        return self._last(Kind.SUBMIT, Kind.SUPPLY)

    @property
    def decision(self) -> Mapping[str, Any] | None:
        """What was decided; None: nothing yet."""
        return self._last(Kind.GRANT, Kind.REFUSE)
