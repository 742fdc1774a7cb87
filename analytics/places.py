"""Where a probe hung at an instant, and what lives there: pure, from the registry's rows."""

from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple, TypeVar

from analytics.ports import Registry
from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Source
from greenwater.reference.aerators import MONITOR
from greenwater.reference.own_limits import OwnLimits, limits_at
from greenwater.storage.registry.devices import Deployed, DeviceInfo
from greenwater.storage.registry.out_of_service import OutOfService
from greenwater.storage.registry.places import SiteInfo, UnitInfo, VesselInfo
from greenwater.storage.registry.probes import ProbeInfo
from greenwater.storage.telemetry.ports import Series

SAME_WATER_M: Final = 1.0
"""Probes of a unit that hang further apart measure different water: it lies in layers."""

K = TypeVar("K")
V = TypeVar("V")


class Place(NamedTuple):
    """What matters of a place for limits and alarms.

    ``own`` are the limits of its own people that held then.
    """

    organisation: str
    site: str | None
    unit: str | None
    species: str | None
    depth_m: float | None
    is_simulated: bool
    own: tuple[OwnLimits, ...] = ()


class Places:
    """All deployments, by probe.

    ``limits_set`` are all limits that a unit's people ever set; of units that are not in
    it, those of now hold for ever.
    """

    def __init__(
        self,
        deployments: Iterable[Deployed],
        units: Iterable[UnitInfo],
        sites: Iterable[SiteInfo],
        devices: Iterable[DeviceInfo],
        probes: Sequence[ProbeInfo] = (),
        out_of_service: Iterable[OutOfService] = (),
        vessels: Iterable[VesselInfo] = (),
        limits_set: Mapping[str, Sequence[OwnLimits]] = MappingProxyType({}),
    ) -> None:
        self._limits_set = limits_set
        self.vessels: Mapping[str, VesselInfo] = {one.id: one for one in vessels}
        self.devices: Mapping[DeviceId, DeviceInfo] = {one.id: one for one in devices}
        self._units = {unit.id: unit for unit in units}
        self._sites = {site.id: site for site in sites}
        self._sources = {Series(one.device, one.id): one.source for one in probes}
        self._by_hand = self._from(*(set(Source) - {Source.PROBE}))
        self._meters = self._from(Source.HAND)
        self.aerators = frozenset(
            Series(one.device, one.id) for one in probes if one.profile == MONITOR
        )
        self._hung = _grouped(
            (Series(one.device, one.probe), one)
            for one in sorted(deployments, key=lambda one: one.from_ms)
        )
        hung = [(one, series) for series, some in self._hung.items() for one in some]
        self._in_units = _grouped((one.unit, series) for one, series in hung)
        self._aboard = _grouped((one.vessel, series) for one, series in hung)
        self._probes = _grouped(
            (series.device, series) for series in {*self._hung, *self._sources}
        )
        self._of_sites = _grouped((one.site, one.id) for one in self.devices.values())
        self._out = _grouped((_subject(one), one) for one in out_of_service)
        farms = {(self._owner(one.site), one.site) for one in self._units.values()}
        self._farms = Counter(organisation for organisation, _ in farms)

    def _from(self, *sources: Source) -> set[Series]:
        return {one for one, source in self._sources.items() if source in sources}

    def _owner(self, site: str) -> str:
        return self._sites[site].organisation

    def _deployed(self, series: Series, at_ms: int) -> Deployed | None:
        """Return where a probe hung, unit or vessel; None: nowhere."""
        hung = self._hung.get(series, ())
        index = bisect_right(hung, at_ms, key=lambda one: one.from_ms) - 1
        if index < 0:
            return None
        one = hung[index]
        return one if one.to_ms is None or at_ms < one.to_ms else None

    def at(self, series: Series, at_ms: int) -> Place | None:
        """Return where a probe hung; None if nowhere, or on a vessel."""
        one = self._deployed(series, at_ms)
        if one is None or one.unit is None:
            return None
        unit, device = self._units.get(one.unit), self.devices.get(one.device)
        if unit is None or device is None or self.is_closed(unit.id, at_ms):
            return None
        return Place(
            self._owner(unit.site),
            unit.site,
            unit.id,
            unit.species,
            one.depth_m,
            device.is_simulated,
            self._own_limits(unit, at_ms),
        )

    def _own_limits(self, unit: UnitInfo, at_ms: int) -> tuple[OwnLimits, ...]:
        changes = self._limits_set.get(unit.id)
        return unit.limits if changes is None else limits_at(changes, at_ms)

    def vessel_at(self, series: Series, at_ms: int) -> str | None:
        """Return the vessel aboard which a probe was; None if it was aboard of none."""
        one = self._deployed(series, at_ms)
        return None if one is None else one.vessel

    def aboard(self, vessel: str) -> Sequence[Series]:
        """Return the probes that are, or have been, aboard a vessel."""
        return sorted(set(self._aboard.get(vessel, ())))

    def source_of(self, series: Series) -> Source:
        """Return how a probe's readings come to be."""
        return self._sources.get(series, Source.PROBE)

    def units_of(self, device: DeviceId, at_ms: int) -> Sequence[str]:
        """Return the units in which a device measures by itself at an instant."""
        found = {
            place.unit
            for series in self._probes.get(device, ())
            if series not in self._by_hand
            and (place := self.at(series, at_ms)) is not None
            and place.unit is not None
        }
        return sorted(found)

    def kind_of(self, unit: str | None) -> str | None:
        """Return what a unit is: pond, cage or tank."""
        info = self._units.get(unit or "")
        return None if info is None else str(info.kind)

    def is_closed(self, unit: str, at_ms: int) -> bool:
        """Return whether a unit is out of use: nothing there is watched."""
        info = self._units.get(unit)
        closed_ms = None if info is None else info.closed_ms
        return closed_ms is not None and at_ms >= closed_ms

    def unit_name(self, unit: str) -> str:
        """Return what its people call a unit: with its farm's name where they have several."""
        info = self._units.get(unit)
        if info is None:
            return unit
        site = self._sites[info.site]
        is_alone = self._farms[site.organisation] == 1
        return info.name if is_alone else f"{info.name} – {site.name}"

    def site_name(self, site: str) -> str:
        """Return a site's name."""
        info = self._sites.get(site)
        return site if info is None else info.name

    def devices_of(self, site: str) -> Sequence[DeviceId]:
        """Return the devices of a site."""
        return self._of_sites.get(site, ())

    def out_of_service(
        self, at_ms: int, unit: str | None, device: str | None, probe: str | None
    ) -> OutOfService | None:
        """Return what says that something is out of service at an instant, if anything."""
        for name in (f"unit/{unit}", f"device/{device}"):
            for one in self._out.get(name, ()):
                if one.holds(at_ms, unit, device, probe):
                    return one
        return None

    def probes_in(self, unit: str) -> Sequence[Series]:
        """Return the probes that hang, or have hung, in a unit."""
        return sorted(set(self._in_units.get(unit, ())))

    def hung_in(self, unit: str) -> Sequence[Deployed]:
        """Return what hangs, or has hung, in a unit."""
        return [
            one
            for series in self.probes_in(unit)
            for one in self._hung[series]
            if one.unit == unit
        ]

    def is_meter(self, series: Series) -> bool:
        """Return whether a person measures it with a meter of his own."""
        return series in self._meters

    def beside(self, series: Series, at_ms: int) -> Sequence[Series]:
        """Return the probes that measured by themselves in the same water, in order.

        That is in the same unit, at depths no further apart than ``SAME_WATER_M``; an
        unknown depth is like another unknown one, and any depth suits a hand meter without one.
        """
        mine = self.at(series, at_ms)
        if mine is None or mine.unit is None:
            return ()
        is_any = series in self._meters and mine.depth_m is None
        found = []
        for other in self.probes_in(mine.unit):
            if other == series or other in self._by_hand:
                continue
            its = self.at(other, at_ms)
            if its is None or its.unit != mine.unit:
                continue
            if is_any or _is_level(mine.depth_m, its.depth_m):
                found.append(other)
        return found

    def measuring(self) -> Sequence[Series]:
        """Return the probes that measure by themselves and have hung somewhere."""
        return sorted(series for series in self._hung if series not in self._by_hand)

    def probes_of(self, device: DeviceId) -> Sequence[Series]:
        """Return the probes of a device that are known."""
        return sorted(self._probes.get(device, ()))


def places_of(registry: Registry, since_ms: int) -> Places:
    """Return all places as the registry has them; what was out of service ``since_ms``.

    Raises:
        UnavailableError: the registry did not answer.
    """
    return Places(
        registry.deployments(),
        registry.units(),
        registry.sites(),
        registry.list_devices(),
        registry.list_probes(),
        registry.out_of_service(since_ms),
        registry.vessels(),
        registry.limits_set(),
    )


def _grouped(pairs: Iterable[tuple[K | None, V]]) -> dict[K, list[V]]:
    """Return what belongs to each key, in the order given; without a key: to none."""
    found: dict[K, list[V]] = {}
    for key, value in pairs:
        if key is not None:
            found.setdefault(key, []).append(value)
    return found


def _subject(out: OutOfService) -> str:
    return f"unit/{out.unit}" if out.unit else f"device/{out.device}"


def _is_level(a_m: float | None, b_m: float | None) -> bool:
    if a_m is None or b_m is None:
        return a_m is b_m
    return abs(a_m - b_m) <= SAME_WATER_M
