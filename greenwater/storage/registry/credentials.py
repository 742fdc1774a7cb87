"""What a device proves itself with: made here, shown once, kept only as hashes.

The password is 160 random bits, so no hash needs to be slow: guessing is hopeless
whatever it costs. bcrypt at cost 4 (NATS; cost 11 allows 17 logins/s, cost 4 1,172) and
PBKDF2 with 101 rounds (Mosquitto's own default) keep logins cheap after an outage.
"""

import base64
import hashlib
from collections.abc import Callable
from typing import NamedTuple

import bcrypt

PBKDF2_ROUNDS = 101
Randomness = Callable[[int], bytes]


class Credentials(NamedTuple):
    """A password, to be shown once, and the hashes to keep."""

    password: str
    bcrypt_hash: str
    pbkdf2_hash: str


def make_credentials(randomness: Randomness) -> Credentials:
    """Return new credentials from ``randomness(count) -> bytes``."""
    password = base64.b32encode(randomness(20)).decode().lower()
    return Credentials(
        password,
        bcrypt_hash(password, randomness(16)),
        pbkdf2_hash(password, randomness(12)),
    )


def bcrypt_hash(password: str, salt: bytes) -> str:
    """Return the ``$2a$04$`` hash that nats-server checks."""
    # bcrypt's own base64 alphabet; 16 bytes give 22 characters.
    standard = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    its_own = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    text = base64.b64encode(salt).decode().rstrip("=")
    encoded = text.translate(str.maketrans(standard, its_own))[:22]
    return bcrypt.hashpw(password.encode(), f"$2a$04${encoded}".encode()).decode()


def pbkdf2_hash(password: str, salt: bytes) -> str:
    """Return the ``$7$`` hash of mosquitto_passwd (PBKDF2-HMAC-SHA512, 64 bytes)."""
    digest = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, PBKDF2_ROUNDS, 64)
    parts = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"$7${PBKDF2_ROUNDS}${'$'.join(parts)}"
