"""Web push as its documents say: what is encrypted, and who says that it comes from us. Pure.

RFC 8291 (keys for a browser), RFC 8188 (the content coding ``aes128gcm``), RFC 8292
(VAPID). The push service between passes on what it cannot read. ``docs/adr/0021`` says why
this is not apprise's.
"""

import base64
import hashlib
import hmac
from typing import Final

import msgspec
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

CURVE: Final = ec.SECP256R1()
RECORD: Final = 4096
"""The largest body that every push service takes (RFC 8030, section 7.2): one record."""

POINT: Final = 65
SECRET: Final = 16
SALT: Final = 16
LONGEST: Final = RECORD - (SALT + 4 + 1 + POINT) - 1 - 16
"""Bytes of the longest message: a record without its header, its end mark and its tag."""


def to_text(raw: bytes) -> str:
    """Return base64url without padding (RFC 7515, section 2)."""
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def from_text(text: str) -> bytes:
    """Return the bytes of base64url.

    Raises:
        ValueError: it is none.
    """
    padded = text + "=" * (-len(text) % 4)
    return base64.b64decode(padded.encode(), altchars=b"-_", validate=True)


def point_of(public: ec.EllipticCurvePublicKey) -> bytes:
    """Return a public key as its uncompressed point (X9.62)."""
    return public.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


def encrypted(
    message: bytes,
    receiver: bytes,
    secret: bytes,
    *,
    private: ec.EllipticCurvePrivateKey,
    salt: bytes,
) -> bytes:
    """Return the body of a push message that ``receiver``'s browser alone can read.

    ``receiver`` is its point and ``secret`` its authentication secret (RFC 8291, section 3);
    ``private`` and ``salt`` are new for each message.

    Raises:
        ValueError: that is no point of the curve.
    """
    public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, receiver)
    own = point_of(private.public_key())
    shared = private.exchange(ec.ECDH(), public)
    # RFC 8291, section 3.4; each output is one block of HKDF (RFC 5869).
    key_info = b"WebPush: info\0" + receiver + own
    material = _hmac(_hmac(secret, shared), key_info + b"\1")
    # RFC 8188, sections 2.2 and 2.3.
    root = _hmac(salt, material)
    key = _hmac(root, b"Content-Encoding: aes128gcm\0\1")[:16]
    nonce = _hmac(root, b"Content-Encoding: nonce\0\1")[:12]
    # RFC 8188, sections 2 and 2.1: the header, and one record that ends with its mark.
    header = salt + RECORD.to_bytes(4, "big") + bytes([len(own)]) + own
    return header + AESGCM(key).encrypt(nonce, message + b"\2", None)


def vapid(
    private: ec.EllipticCurvePrivateKey, *, audience: str, subject: str, until_s: int
) -> str:
    """Return the header ``Authorization`` by which a push service knows who sends.

    ``audience`` is the push service's origin, ``subject`` where its keepers reach the
    operator; the token holds until ``until_s``, a day at most (RFC 8292, sections 2, 3).
    """
    parts = (
        {"typ": "JWT", "alg": "ES256"},
        {"aud": audience, "exp": until_s, "sub": subject},
    )
    signed = ".".join(to_text(msgspec.json.encode(one)) for one in parts)
    r, s = decode_dss_signature(
        private.sign(signed.encode(), ec.ECDSA(hashes.SHA256()))
    )
    # RFC 7518, section 3.4: both numbers, 32 bytes each.
    signature = to_text(r.to_bytes(32, "big") + s.to_bytes(32, "big"))
    public = to_text(point_of(private.public_key()))
    return f"vapid t={signed}.{signature}, k={public}"


def _hmac(key: bytes, text: bytes) -> bytes:
    return hmac.digest(key, text, hashlib.sha256)
