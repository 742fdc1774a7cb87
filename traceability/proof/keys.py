"""The keys that sign labels: Ed25519, in files of ours; the public halves published."""

import base64
import hashlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import (
    Ed25519PrivateKey,
    Ed25519PublicKey,
)
from msgspec import Struct

from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.reading import DAY_MS
from greenwater.storage.registry import Registry
from greenwater.storage.registry.labels import SigningKey
from traceability.proof.links import from_text, to_text

ISSUER: Final = "Greenwater"
KEPT_DAYS: Final = 730
"""How long a key's labels stay good once another one signs: frozen goods keep so long."""


class PublicKey(Struct, frozen=True):
    """One key as it is published; ``x`` is base64url of its 32 bytes (RFC 8037).

    Its labels are good until ``until_ms``; None: no end is set. A ``revoked`` one was lost.
    """

    kid: str
    x: str
    from_ms: int
    state: str = "active"
    until_ms: int | None = None
    alg: str = "EdDSA"
    issuer: str = ISSUER


class KeysDocument(Struct, frozen=True):
    """All keys that ever signed."""

    keys: tuple[PublicKey, ...]

    def find(self, kid: str) -> PublicKey | None:
        """Return the key of that id, if it is known."""
        return next((key for key in self.keys if key.kid == kid), None)


class Signer:
    """The private half of one key."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = private.public_key().public_bytes_raw()
        self.kid = key_id(self.public)

    def sign(self, message: bytes) -> bytes:
        """Return the signature, 64 bytes."""
        return self._private.sign(message)


def key_id(public: bytes) -> str:
    """Return a key's id: five bytes of its SHA-256, in base 32."""
    digest = hashlib.sha256(public).digest()
    return base64.b32encode(digest[:5]).decode().lower()


def open_signer(folder: Path, registry: Registry, now_ms: int) -> Signer:
    """Return the key that signs now, made at the first call, and published.

    The folder is ours alone; whoever has its files can make labels.

    Raises:
        ConfigError: a file there is no private key, or the newest was withdrawn.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = sorted(folder.glob("*.pem"))
    signer = _read(files[-1] if files else _make(folder, now_ms))
    published = SigningKey(signer.kid, to_text(signer.public), now_ms, None, None)
    registry.add_signing_key(published)
    if not is_signing(registry, signer.kid):
        raise ConfigError(
            f"key {signer.kid} signs no more, and there is no newer one in {folder}: "
            "greenwater keys rotate"
        )
    return signer


def is_signing(registry: Registry, kid: str) -> bool:
    """Return whether a key may sign: no other took its place, and it was not lost."""
    return any(
        one.id == kid and one.until_ms is None and one.revoked_ms is None
        for one in registry.signing_keys()
    )


def rotate(
    folder: Path, registry: Registry, now_ms: int, kept_days: int = KEPT_DAYS
) -> Signer:
    """Return a new key that signs from now on; labels of the others stay good a while.

    Raises:
        InputError: they would not stay good at all.
    """
    if kept_days < 1:
        raise InputError(f"{kept_days} days: labels stay good for at least one")
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    signer = _read(_make(folder, now_ms))
    published = SigningKey(signer.kid, to_text(signer.public), now_ms, None, None)
    registry.add_signing_key(published)
    for one in registry.signing_keys():
        if one.id != signer.kid:
            registry.end_signing_key(one.id, until_ms=now_ms + kept_days * DAY_MS)
    return signer


def revoke(folder: Path, registry: Registry, kid: str, now_ms: int) -> Signer | None:
    """Withdraw a key that was lost: its labels are worth nothing, since anybody can make
    them. Return the key made in its place, if it was the one that signs.

    Raises:
        MissingError: no such key was published.
    """
    was_signing = is_signing(registry, kid)
    registry.revoke_signing_key(kid, at_ms=now_ms)
    return rotate(folder, registry, now_ms) if was_signing else None


def _read(path: Path) -> Signer:
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), None)
    except ValueError as exc:
        raise ConfigError(f"{path} is not a private key: restore it") from exc
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"{path} is not an Ed25519 key: restore it")
    return Signer(private)


def _make(folder: Path, now_ms: int) -> Path:
    private = Ed25519PrivateKey.generate()
    raw = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    made = [int(one.stem) for one in folder.glob("*.pem") if one.stem.isdecimal()]
    # The newest by name signs, whatever the clock says.
    path = folder / f"{max([now_ms, *(one + 1 for one in made)]):015d}.pem"
    whole = path.with_suffix(".new")  # half a key would keep the site from starting
    whole.touch(mode=0o600)
    whole.write_bytes(raw)
    return whole.replace(path)


def is_signed(message: bytes, signature: bytes, key: PublicKey) -> bool:
    """Return whether a key made this signature over this message."""
    try:
        public = Ed25519PublicKey.from_public_bytes(from_text(key.x))
        public.verify(signature, message)
    except (InvalidSignature, ValueError, InputError):
        return False
    return True


def keys_document(keys: Sequence[SigningKey]) -> KeysDocument:
    """Return what is published of keys."""
    return KeysDocument(
        tuple(
            PublicKey(
                kid=key.id,
                x=key.public,
                from_ms=key.from_ms,
                until_ms=key.until_ms,
                state="active" if key.revoked_ms is None else "revoked",
            )
            for key in keys
        )
    )


def jwks_document(keys: Sequence[SigningKey]) -> dict[str, Any]:
    """Return the same as a JSON Web Key Set (RFC 7517, RFC 8037); times in seconds."""
    return {"keys": [_jwk(key) for key in keys]}


def _jwk(key: SigningKey) -> dict[str, Any]:
    found: dict[str, Any] = {
        "kty": "OKP",
        "crv": "Ed25519",
        "x": key.public,
        "kid": key.id,
        "alg": "EdDSA",
        "use": "sig",
        "iat": key.from_ms // 1000,
    }
    if key.until_ms is not None:
        found["exp"] = key.until_ms // 1000
    if key.revoked_ms is not None:
        found["revoked"] = {"revoked_at": key.revoked_ms // 1000}
    return found


def read_keys(document: Mapping[str, Any] | bytes) -> KeysDocument:
    """Return a published document of keys.

    Raises:
        InputError: it is none.
    """
    try:
        if isinstance(document, bytes):
            return msgspec.json.decode(document, type=KeysDocument)
        return msgspec.convert(document, KeysDocument)
    except msgspec.MsgspecError as exc:
        raise InputError(f"this is no list of keys: {exc}") from exc
