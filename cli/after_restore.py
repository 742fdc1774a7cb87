"""What a restored registry is told before anybody sees it, and what is then said of it."""

import secrets
import urllib.request
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Final

from greenwater.kernel.errors import ConflictError, InputError, UnavailableError
from greenwater.kernel.ids import DeviceState
from greenwater.kernel.reading import instant
from greenwater.storage.registry import Registry
from greenwater.storage.registry.operator_alarms import RESTORED
from traceability.label.carried import (
    PublishedRoot,
    carry_keys,
    carry_status,
    read_roots,
    rewound,
)
from traceability.ledger.roots import check_registry
from traceability.proof.keys import KeysDocument, keys_document, read_keys
from traceability.proof.verify import read_status

if TYPE_CHECKING:
    from greenwater.storage.backup.archive import Manifest

DAY_MS: Final = 86_400_000
RESEND_DAYS: Final = 7
"""How long boxes keep what was acknowledged, and the command to send it again lives."""
MAX_BYTES: Final = 64 * 2**20
TIMEOUT_S: Final = 30.0


class Given:
    """What an operator gives along with a backup: what was published since."""

    def __init__(
        self,
        status: bytes | None,
        keys: KeysDocument | None,
        roots: Sequence[PublishedRoot],
    ) -> None:
        self._status, self._keys, self._roots = status, keys, roots
        self.lines: list[str] = []

    @classmethod
    def read(cls, status: str, keys: str, roots: str) -> "Given":
        """Read files or addresses; empty: not given.

        Raises:
            InputError: one is no such document.
            UnavailableError: one cannot be read.
        """
        return cls(
            _fetch(status) if status else None,
            read_keys(_fetch(keys)) if keys else None,
            read_roots(_fetch(roots)) if roots else (),
        )

    def amend(self, registry: Registry, manifest: "Manifest", now_ms: int) -> None:
        """Carry over what was published, ask boxes, and leave the mark of a restore.

        Raises:
            InputError: the list of labels is none that a key of ours signed.
            ConflictError: the list, or the ledger, is not this platform's.
        """
        self.lines = [
            *self._carry_keys(registry, now_ms),
            *self._carry_status(registry, manifest, now_ms),
            *self._look_at_ledger(registry),
            *_ask_boxes(registry, manifest, now_ms),
            *_sign_out(registry),
        ]
        registry.new_epoch()

    def _carry_keys(self, registry: Registry, now_ms: int) -> Iterator[str]:
        if self._keys is not None:
            count = carry_keys(registry, self._keys, now_ms)
            yield f"keys: {count} were published or withdrawn since"

    def _carry_status(
        self, registry: Registry, manifest: "Manifest", now_ms: int
    ) -> Iterator[str]:
        when = f"restored from a backup of {_day(manifest.began_ms)}"
        registry.raise_operator_alarm(RESTORED, manifest.id, when, now_ms)
        if self._status is None:
            yield (
                "WARNING: without --status, labels revoked and lots recalled since "
                f"{_day(manifest.began_ms)} count as good again. No label is issued until "
                "greenwater restore --confirm"
            )
            return
        published = read_status(self._status, keys_document(registry.signing_keys()))
        if published.at_ms < manifest.began_ms:
            raise ConflictError(
                f"the list given with --status is of {_day(published.at_ms)}, older than "
                "the backup: give a newer one, or --without-status"
            )
        done = carry_status(registry, published, now_ms)
        registry.clear_operator_alarm(RESTORED, manifest.id, now_ms)
        yield (
            f"labels: {done.known} acts of the list of {_day(done.at_ms)} done again, "
            f"{done.unknown} kept of labels and lots that the backup does not know"
        )

    def _look_at_ledger(self, registry: Registry) -> Iterator[str]:
        keys = keys_document(registry.signing_keys())
        checked = check_registry(registry, keys)
        if checked.altered is not None:
            one = checked.altered
            yield (
                f"WARNING: ledger of {one.organisation or 'all'}, event {one.number}: "
                f"{one.why}"
            )
        told = rewound(registry, self._roots)
        if told.other:
            raise ConflictError(
                f"the root of {told.other[0]} that was published is not the backup's: "
                "this is another platform's ledger, or an altered one"
            )
        if told.lost:
            yield (
                f"WARNING: the ledger is rewound: {len(told.lost)} days' roots were "
                f"published that it does not have, {told.lost[0]} the first"
            )


def _ask_boxes(registry: Registry, manifest: "Manifest", now_ms: int) -> Iterator[str]:
    """Leave each box the command to send again what was acknowledged since."""
    asked = 0
    for device, state in registry.device_states().items():
        if state == DeviceState.REVOKED:
            continue
        registry.add_command(
            f"resend-{secrets.token_hex(8)}",
            device,
            "resend",
            {"since_ms": manifest.began_ms},
            now_ms=now_ms,
            expires_ms=now_ms + RESEND_DAYS * DAY_MS,
        )
        asked += 1
    yield f"boxes: {asked} are asked for what was acknowledged since the backup"
    if now_ms - manifest.began_ms > RESEND_DAYS * DAY_MS:
        yield (
            f"WARNING: the backup is more than {RESEND_DAYS} days old: boxes have given up "
            "what was acknowledged soon after it"
        )


def _sign_out(registry: Registry) -> Iterator[str]:
    """End every session: some were ended, perhaps for a reason, since the backup."""
    for person in registry.list_people():
        registry.end_sessions(person.id)
    yield (
        "everybody is signed out; whatever else was shut out since the backup is good "
        "again: revoke lost boxes, API tokens and inspectors' phones, end memberships, "
        "and set PINs and passwords that were changed"
    )


def said_after(given: Given) -> Iterator[str]:
    """Yield what an operator must know and do now."""
    yield from given.lines
    yield (
        "devices, people and keys made after the backup are unknown: make them again "
        "(a box then sends what it kept: greenwater device resend)"
    )
    yield "now start the platform; greenwater doctor says what is open"


def _day(at_ms: int) -> str:
    return f"{instant(at_ms):%Y-%m-%d %H:%M} UTC"


def _fetch(where: str) -> bytes:
    if not where.startswith(("http://", "https://")):
        try:
            return Path(where).read_bytes()
        except OSError as exc:
            raise InputError(f"cannot read {where}: {exc.strerror}") from exc
    try:
        with urllib.request.urlopen(where, timeout=TIMEOUT_S) as answer:
            found: bytes = answer.read(MAX_BYTES)
            return found
    except OSError as exc:
        raise UnavailableError(f"cannot fetch {where}: {exc}") from exc
