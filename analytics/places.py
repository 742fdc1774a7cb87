"""Where a probe hung at an instant, and what lives there: pure, from the registry's rows."""

from bisect import bisect_right
from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from greenwater.kernel.ids import DeviceId
from greenwater.kernel.reading import Source
from greenwater.reference.aerators import MONITOR
from greenwater.storage.registry.devices import Deployed, DeviceInfo
from greenwater.storage.registry.places import SiteInfo, UnitInfo
from greenwater.storage.registry.probes import ProbeInfo
from greenwater.storage.registry.service import OutOfService
from greenwater.storage.telemetry.ports import Series


class Place(NamedTuple):
    """What matters of a place for limits and alarms."""

    organisation: str
    site: str | None
    unit: str | None
    species: str | None
    depth_m: float | None
    is_simulated: bool


class Places:
    """All deployments, by probe."""

    def __init__(
        self,
        deployments: Iterable[Deployed],
        units: Iterable[UnitInfo],
        sites: Iterable[SiteInfo],
        devices: Iterable[DeviceInfo],
        probes: Sequence[ProbeInfo] = (),
        out_of_service: Iterable[OutOfService] = (),
    ) -> None:
        self._units = {unit.id: unit for unit in units}
        self._sites = {site.id: site for site in sites}
        self.devices: Mapping[DeviceId, DeviceInfo] = {one.id: one for one in devices}
        self._of_sites: dict[str, list[DeviceId]] = {}
        for info in self.devices.values():
            if info.site is not None:
                self._of_sites.setdefault(info.site, []).append(info.id)
        self._out: dict[str, list[OutOfService]] = {}
        for out in out_of_service:
            name = f"unit/{out.unit}" if out.unit else f"device/{out.device}"
            self._out.setdefault(name, []).append(out)
        self._hung: dict[Series, list[Deployed]] = {}
        for one in deployments:
            self._hung.setdefault(Series(one.device, one.probe), []).append(one)
        for some in self._hung.values():
            some.sort(key=lambda one: one.from_ms)
        self._by_hand = {
            Series(one.device, one.id)
            for one in probes
            if one.source is not Source.PROBE
        }
        self._probes: dict[DeviceId, set[Series]] = {}
        for series in (*self._hung, *(Series(one.device, one.id) for one in probes)):
            self._probes.setdefault(series.device, set()).add(series)
        self.aerators = frozenset(
            Series(one.device, one.id) for one in probes if one.profile == MONITOR
        )

    def at(self, series: Series, at_ms: int) -> Place | None:
        """Return where a probe hung; None if nowhere, or on a vessel."""
        hung = self._hung.get(series, ())
        index = bisect_right(hung, at_ms, key=lambda one: one.from_ms) - 1
        if index < 0:
            return None
        one = hung[index]
        if one.unit is None or (one.to_ms is not None and at_ms >= one.to_ms):
            return None
        unit, device = self._units.get(one.unit), self.devices.get(one.device)
        if unit is None or device is None:
            return None
        return Place(
            self._sites[unit.site].organisation,
            unit.site,
            unit.id,
            unit.species,
            one.depth_m,
            device.is_simulated,
        )

    def units_of(self, device: DeviceId, at_ms: int) -> Sequence[str]:
        """Return the units in which a device measures by itself at an instant."""
        found = {
            place.unit
            for series in self._hung
            if series.device == device
            and series not in self._by_hand
            and (place := self.at(series, at_ms)) is not None
            and place.unit is not None
        }
        return sorted(found)

    def of_unit(self, unit: str, *, is_simulated: bool = False) -> Place | None:
        """Return a unit as a place with no probe; None if there is no such unit."""
        info = self._units.get(unit)
        if info is None:
            return None
        organisation = self._sites[info.site].organisation
        return Place(organisation, info.site, unit, info.species, None, is_simulated)

    def kind_of(self, unit: str | None) -> str | None:
        """Return what a unit is: pond, cage or tank."""
        info = self._units.get(unit or "")
        return None if info is None else str(info.kind)

    def unit_name(self, unit: str) -> str:
        """Return what people call a unit."""
        info = self._units.get(unit)
        return unit if info is None else info.name

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
        return sorted(
            series
            for series, hung in self._hung.items()
            if any(one.unit == unit for one in hung)
        )

    def measuring(self) -> Sequence[Series]:
        """Return the probes that measure by themselves and have hung somewhere."""
        return sorted(series for series in self._hung if series not in self._by_hand)

    def probes_of(self, device: DeviceId) -> Sequence[Series]:
        """Return the probes of a device that are known."""
        return sorted(self._probes.get(device, ()))
