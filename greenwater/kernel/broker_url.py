"""Where the broker is: the same URL for boxes and services."""

from urllib.parse import unquote, urlsplit

from msgspec import Struct

from greenwater.kernel.errors import ConfigError

LOOPBACK = frozenset({"localhost", "127.0.0.1", "::1"})


class BrokerUrl(Struct, frozen=True):
    """``mqtt[s]://user:password@host:port``."""

    host: str
    port: int
    is_tls: bool
    user: str
    password: str

    @classmethod
    def parse(cls, text: str) -> "BrokerUrl":
        """Return the parts of a broker URL.

        Raises:
            ConfigError: not mqtt or mqtts, no host, or plain text off loopback.
        """
        try:
            parts = urlsplit(text)
            given = parts.port
        except ValueError as exc:
            raise ConfigError(f"broker URL: {exc}") from exc
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise ConfigError("a broker URL is mqtt://… or mqtts://user:password@host")
        is_tls = parts.scheme == "mqtts"
        if not is_tls and parts.hostname not in LOOPBACK:
            raise ConfigError(
                f"broker {parts.hostname} is not this machine: use mqtts://, "
                "passwords must not travel in plain text"
            )
        port = given or (8883 if is_tls else 1883)
        return cls(
            parts.hostname,
            port,
            is_tls,
            unquote(parts.username or ""),
            unquote(parts.password or ""),
        )
