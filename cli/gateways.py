"""Gateways of other make: which devices speak for many, each by its mapping profile.

They are devices like any other, with password and revocation; what they may say beside
their own branch stands in a note in the platform's folder, and follows them into the
broker's files.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import msgspec

from greenwater.kernel.errors import ConfigError
from greenwater.kernel.settings import load
from ingest.brokers.applying import write_private
from ingest.brokers.plan import Rights
from ingest.mapping import Mappings, load_profile
from ingest.settings import IngestSettings

NOTE: Final = "gateways.json"


def gateways(home: Path) -> Mapping[str, str]:
    """Return the name or path of each gateway's profile, by device.

    Raises:
        ConfigError: the note cannot be read.
    """
    path = home / NOTE
    if not path.exists():
        return {}
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, str])
    except (OSError, msgspec.MsgspecError) as exc:
        raise ConfigError(f"{path}: {exc}: restore it from a backup") from exc


def named(profile: str) -> str:
    """Return a profile as it is noted: a path must hold in every folder.

    Raises:
        ConfigError: there is no such profile, or it does not fit.
    """
    load_profile(profile)
    return str(Path(profile).absolute()) if profile.endswith(".toml") else profile


def note_gateway(home: Path, device: str, profile: str) -> None:
    """Note that a device speaks for others by a profile from now on.

    Raises:
        ConfigError: the note cannot be read or written.
    """
    known = {**gateways(home), device: profile}
    write_private(home / NOTE, msgspec.json.encode(known))


def profiles_of(home: Path) -> tuple[str, ...]:
    """Return the profiles that gateways speak by, each once."""
    return tuple(sorted(set(gateways(home).values())))


def mappings_of(home: Path) -> Mappings:
    """Return all profiles that payloads are read by: gateways', and those set for ingest.

    Raises:
        ConfigError: the note or a profile cannot be read.
    """
    set_for_ingest = load(IngestSettings, prefix="GREENWATER_INGEST_").mapping_profiles
    names = sorted({*set_for_ingest, *profiles_of(home)})
    return Mappings([load_profile(name) for name in names])


def rights_of(home: Path) -> dict[str, Rights]:
    """Return what each gateway may do beside its own branch.

    Raises:
        ConfigError: the note or a profile cannot be read.
    """
    found = {}
    for device, name in gateways(home).items():
        profile = load_profile(name)
        found[device] = Rights((profile.filter,), profile.hears)
    return found
