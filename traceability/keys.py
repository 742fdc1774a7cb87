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
from greenwater.storage.registry import Registry
from greenwater.storage.registry.labels import SigningKey
from traceability.links import from_text, to_text

ISSUER: Final = "Greenwater"


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
        ConfigError: a file there is no private key.
    """
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    files = sorted(folder.glob("*.pem"))
    path = files[-1] if files else _make(folder, now_ms)
    try:
        private = serialization.load_pem_private_key(path.read_bytes(), None)
    except ValueError as exc:
        raise ConfigError(f"{path} is not a private key: restore it") from exc
    if not isinstance(private, Ed25519PrivateKey):
        raise ConfigError(f"{path} is not an Ed25519 key: restore it")
    signer = Signer(private)
    published = SigningKey(signer.kid, to_text(signer.public), now_ms, None, None)
    registry.add_signing_key(published)
    return signer


def _make(folder: Path, now_ms: int) -> Path:
    private = Ed25519PrivateKey.generate()
    raw = private.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    path = folder / f"{now_ms:015d}.pem"
    path.touch(mode=0o600)
    path.write_bytes(raw)
    return path


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
