"""Making a backup of all that a platform keeps, while it runs.

The order is the promise. Ingest writes readings, then quarantine (registry), then intake
(telemetry), then acknowledges. So telemetry is read first and the registry after it: of
each batch that the telemetry speaks of, what was refused is in the registry. Had the
registry been read first, a batch could count as taken in while its refused bytes were
nowhere. What is acknowledged after ``began_ms`` the boxes are asked for again. Files come
last: each photo and key that the registry names is there, and workers' numbers lie
beyond all that a reader of intake had met.
"""

import secrets
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from msgspec import Struct

from greenwater import __version__
from greenwater.kernel.clock import Clock
from greenwater.kernel.errors import UnavailableError
from greenwater.kernel.reading import milliseconds
from greenwater.storage.backup import registry_part, telemetry_part
from greenwater.storage.backup.archive import (
    FORMAT,
    Manifest,
    Told,
    Writer,
    writing,
)
from greenwater.storage.backup.home_part import save_home

TELEMETRY: Final = "telemetry.db"
REGISTRY: Final = "registry.db"


class Platform(Struct, frozen=True, kw_only=True):
    """Where a platform keeps what it keeps; ``settings`` are told in the backup."""

    home: Path
    registry_url: str
    telemetry_url: str
    settings: Mapping[str, str] = {}


def back_up(platform: Platform, target: Path, clock: Clock, told: Told) -> Manifest:
    """Write a backup at ``target``; return its manifest. Nothing has to be stopped.

    Raises:
        ConfigError: there is nothing to back up there.
        ConflictError: ``target`` exists, or another backup is under way beside it.
        UnavailableError: a database does not answer, or the disk is full.
    """
    with writing(target, told) as archive:
        # Beside the target: there must be room there anyway, and /tmp may be memory.
        staging = Path(
            tempfile.mkdtemp(prefix=".greenwater-backup-", dir=target.parent)
        )
        try:
            manifest = _write(platform, archive, staging, clock, told)
        except OSError as exc:
            raise UnavailableError(
                f"cannot write the backup {target}: {exc.strerror or exc}"
            ) from exc
        finally:
            shutil.rmtree(staging, ignore_errors=True)
    return manifest


def _write(
    platform: Platform, archive: Writer, staging: Path, clock: Clock, told: Told
) -> Manifest:
    staged = staging / "part.db"
    began_ms = milliseconds(clock.now())
    telemetry_part.save_telemetry(platform.telemetry_url, staged, told)
    counts = telemetry_part.counts_in(staged)
    _add(archive, TELEMETRY, staged)
    registry_part.save_registry(platform.registry_url, staged, told)
    revision = registry_part.revision_in(staged)
    counts |= {
        f"registry {name}": count
        for name, count in registry_part.counts_in(staged).items()
    }
    _add(archive, REGISTRY, staged)
    counts["files"] = save_home(platform.home, archive)
    manifest = Manifest(
        format=FORMAT,
        id=secrets.token_hex(8),
        greenwater=__version__,
        began_ms=began_ms,
        ended_ms=milliseconds(clock.now()),
        revision=revision,
        settings=dict(platform.settings),
        counts=counts,
        parts=tuple(archive.parts),
    )
    archive.add_manifest(manifest)
    return manifest


def _add(archive: Writer, name: str, staged: Path) -> None:
    with staged.open("rb") as file:
        archive.add(name, file)
    staged.unlink()
