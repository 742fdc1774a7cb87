"""A scenario as the platform sees it: registered places, devices, and boxes' settings."""

import secrets
from pathlib import Path
from typing import Final

from edge.drivers.profile import load_profile
from firmware_sim.scenarios import DeviceSpec, ProbeKind, ProbeSpec, Scenario
from firmware_sim.serve import Ports
from greenwater.kernel.errors import ConflictError
from greenwater.kernel.reading import Source
from greenwater.reference.vessels import parse_registration
from greenwater.storage.registry import Registry
from greenwater.storage.registry.credentials import make_credentials

LAST_RESORT_MG_L: Final = 1.0
"""Where a simulated box switches aerators by itself: stories leave it to people."""

FEEDBACK_S: Final = 20.0


def register(
    scenario: Scenario, registry: Registry, *, from_ms: int, now_ms: int
) -> dict[str, str]:
    """Register a scenario's organisation, places and devices; return new passwords.

    Its probes hang where the scenario says from ``from_ms`` on.
    """
    organisation = scenario.organisation
    registry.add_organisation(organisation.id, organisation.name)
    _add_places(scenario, registry)
    passwords = {}
    for device in scenario.devices:
        password = _device(device, registry, from_ms=from_ms, now_ms=now_ms)
        if password is not None:
            passwords[device.id] = password
    return passwords


def _add_places(scenario: Scenario, registry: Registry) -> None:
    organisation = scenario.organisation
    for site in scenario.sites:
        registry.add_site(
            site.id,
            organisation=organisation.id,
            name=site.name,
            kind=site.kind,
            commune=site.commune,
            latitude=site.latitude,
            longitude=site.longitude,
        )
        kinds = {unit.raft: unit.kind for unit in site.units if unit.raft}
        for raft, kind in kinds.items():
            group = "Bè" if kind == "cage" else "Cụm ao"
            name = f"{group} {raft.rpartition('-')[2]}"
            registry.add_raft(raft, site=site.id, name=name)
        for unit in site.units:
            registry.add_unit(
                unit.id,
                site=site.id,
                name=unit.name,
                kind=unit.kind,
                raft=unit.raft,
                species=unit.species,
                area_m2=unit.area_m2 or None,
                depth_m=unit.depth_m,
            )
    for vessel in scenario.vessels:
        registry.add_vessel(
            vessel.id,
            organisation=organisation.id,
            name=vessel.name,
            length_m=vessel.length_m,
            gear=vessel.gear,
            trade=vessel.trade,
        )


def _device(
    device: DeviceSpec, registry: Registry, *, from_ms: int, now_ms: int
) -> str | None:
    made = make_credentials(secrets.token_bytes)
    vessel = parse_registration(device.vessel) if device.vessel else None
    try:
        registry.add_device(
            device.id,
            name=device.name,
            site=device.site,
            vessel=vessel,
            credentials=made,
            is_simulated=True,
            now_ms=now_ms,
        )
    except ConflictError:
        return None
    for probe in device.probes:
        is_gps = probe.kind is ProbeKind.GPS
        source = Source.BOX if is_gps else Source.PROBE
        registry.add_probe(device.id, probe.id, source=source, profile=probe.map)
        if vessel or probe.unit:
            registry.deploy(
                device.id,
                probe.id,
                unit=None if vessel else probe.unit,
                vessel=vessel,
                depth_m=probe.depth_m,
                from_ms=from_ms,
                now_ms=now_ms,
            )
    return made.password


def write_box(
    device: DeviceSpec, folder: Path, *, broker_url: str, password: str, ports: Ports
) -> Path:
    """Write a simulated box's configuration; return its path."""
    folder.mkdir(parents=True, exist_ok=True)
    secret = folder / "password"
    secret.touch(mode=0o600)
    secret.write_text(password + "\n")
    lines = [
        f'device = "{device.id}"',
        f'broker_url = "{broker_url}"',
        f'password_file = "{secret}"',
        f'outbox = "{folder / "outbox.db"}"',
        "budget_mb = 64",
        "is_simulated = true",
        "status_every_s = 5",
    ]
    probes = [probe for probe in device.probes if probe.kind is not ProbeKind.GPS]
    if probes:
        lines += ["[[buses]]", 'name = "bus"', f"port = {ports.modbus}"]
    for probe in probes:
        lines += _probe(device, probe)
    lines += _aerators(device)
    for probe in device.probes:
        if probe.kind is ProbeKind.GPS:
            lines += [
                "[[nmea]]",
                f'id = "{probe.id}"',
                f"port = {ports.nmea}",
                f"interval_s = {device.interval_s}",
            ]
    path = folder / "edge.toml"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return path


def _probe(device: DeviceSpec, probe: ProbeSpec) -> list[str]:
    lines = [
        "[[buses.probes]]",
        f'id = "{probe.id}"',
        f'profile = "{probe.map}"',
        f"unit = {probe.unit_id}",
        f"interval_s = {_interval_s(device, probe)}",
    ]
    if probe.is_compensated and load_profile(probe.map).salinity_compensated is False:
        lines.append("salinity_compensated = true")  # its water is set on it
    if probe.map == "generic_float32":
        names = ", ".join(f'"{channel}"' for channel in probe.channels)
        lines.append(f"channels = [{names}]")
    return lines


def _interval_s(device: DeviceSpec, probe: ProbeSpec) -> float:
    """Return how often a probe is read: an aerator that does not run shows in a minute."""
    is_aerator = probe.kind is ProbeKind.AERATOR
    return min(device.interval_s, FEEDBACK_S) if is_aerator else device.interval_s


def _aerators(device: DeviceSpec) -> list[str]:
    """Return outputs and rules: one for each aerator, named after its feedback probe.

    The pages switch an aerator by that name. By itself the box switches it on only when
    oxygen is nearly gone, or when it cannot know.
    """
    lines = []
    for probe in device.probes:
        if probe.kind is not ProbeKind.AERATOR:
            continue
        watched = [p.id for p in device.probes if p.unit == probe.unit and p.depth_m]
        lines += [
            "[[outputs]]",
            f'id = "{probe.id}"',
            'bus = "bus"',
            f"unit = {probe.unit_id}",
            "coil = 0",
        ]
        if watched:
            lines += [
                "[[rules]]",
                f'name = "{probe.id}"',
                f'output = "{probe.id}"',
                f'probe = "{watched[0]}"',
                'channel = "dissolved_oxygen"',
                f"low = {LAST_RESORT_MG_L}",
                "hysteresis = 0.5",
                f'feedback_probe = "{probe.id}"',
            ]
    return lines
