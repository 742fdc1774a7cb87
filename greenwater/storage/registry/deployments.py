"""Where probes hung when. Readings never say it, so moving a probe rewrites nothing."""

from collections.abc import Sequence
from typing import Any, Final

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import Session

from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry.devices import Deployed
from greenwater.storage.registry.models import Deployment
from greenwater.storage.registry.session import Sessions

FOREVER_MS: Final = 2**62


class DeploymentsSeen:
    """What may be asked about deployments; mixed into ``Registry`` and ``Scope``."""

    _sessions: Sessions

    def where(self, device: str, probe: str, at_ms: int) -> Deployed | None:
        """Return where a probe hung at an instant, None if nowhere."""
        query = counting_of(device, probe).where(*counting(at_ms, at_ms + 1))
        with self._sessions.reading() as session:
            row = session.scalars(query).first()
            return None if row is None else deployed_of(row)

    def deployments(
        self,
        *,
        unit: str | None = None,
        vessel: str | None = None,
        device: str | None = None,
        start_ms: int = 0,
        end_ms: int = FOREVER_MS,
    ) -> Sequence[Deployed]:
        """Return the deployments that touch ``[start_ms, end_ms)``, oldest first."""
        query = select(Deployment).where(*counting(start_ms, end_ms))
        if unit is not None:
            query = query.where(Deployment.unit == unit)
        if vessel is not None:
            query = query.where(Deployment.vessel == parse_registration(vessel))
        if device is not None:
            query = query.where(Deployment.device == device)
        with self._sessions.reading() as session:
            rows = session.scalars(query.order_by(Deployment.from_ms, Deployment.id))
            return [deployed_of(row) for row in rows]


def counting(start_ms: int, end_ms: int) -> tuple[Any, ...]:
    """Return the conditions of a deployment that counts and touches a stretch."""
    return (
        Deployment.superseded_ms.is_(None),
        Deployment.from_ms < end_ms,
        or_(Deployment.to_ms.is_(None), Deployment.to_ms > start_ms),
    )


def hanging(session: Session, place: Any, at_ms: int) -> Sequence[Deployment]:
    """Return what hangs somewhere at an instant, and what is to hang there later."""
    query = select(Deployment).where(place, *counting(at_ms, FOREVER_MS))
    return session.scalars(query).all()


def take_down(session: Session, place: Any, at_ms: int) -> None:
    """End what hangs somewhere; what was to hang there later never will."""
    for row in hanging(session, place, at_ms):
        if row.from_ms < at_ms:
            row.to_ms = at_ms
        else:
            row.superseded_ms = at_ms


def counting_of(device: str, probe: str) -> Select[Deployment]:
    """Return the query for a probe's deployments that count, oldest first."""
    return (
        select(Deployment)
        .where(Deployment.device == device, Deployment.probe == probe)
        .where(Deployment.superseded_ms.is_(None))
        .order_by(Deployment.from_ms)
    )


def deployed_of(row: Deployment) -> Deployed:
    """Return what a row says."""
    return Deployed(
        DeviceId(row.device),
        ProbeId(row.probe),
        row.unit,
        row.vessel,
        row.depth_m,
        row.from_ms,
        row.to_ms,
    )
