"""Every error this project raises on purpose, by what the catcher should do.

* PlatformError
  - InputError         the sender is wrong and will stay wrong: refuse, quarantine
  - MissingError       what was asked for does not exist
  - ConflictError      it contradicts a fact already recorded
  - UnavailableError   the world did not answer: try the same thing again later
  - ConfigError        an operator must act: refuse to start
  - InvariantError     we broke our own promise: stop, loudly
"""

__all__ = [
    "FAMILIES",
    "ConfigError",
    "ConflictError",
    "InputError",
    "InvariantError",
    "MissingError",
    "NotReadyError",
    "PlatformError",
    "UnavailableError",
]


class PlatformError(Exception):
    """Anything raised on purpose. Its message names the thing and the value.

    The message is for logs and programs. ``key`` names the words that a page says instead,
    in its own language, and ``facts`` fill them; without a key a page says no more than
    that something was wrong.
    """

    def __init__(self, message: str = "", key: str = "", /, **facts: object) -> None:
        super().__init__(message)
        self.key, self.facts = key, facts


class InputError(PlatformError):
    """The sender is wrong and will stay wrong."""


class MissingError(PlatformError):
    """What was asked for does not exist."""


class ConflictError(PlatformError):
    """It contradicts a fact already recorded."""


class UnavailableError(PlatformError):
    """The world did not answer; the same thing may succeed later.

    ``retry_after_s`` is what the other side asked us to wait, if it did.
    """

    def __init__(
        self,
        message: str,
        key: str = "",
        /,
        *,
        retry_after_s: float | None = None,
        **facts: object,
    ) -> None:
        super().__init__(message, key, **facts)
        self.retry_after_s = retry_after_s


class NotReadyError(UnavailableError):
    """It did answer: that it has nothing now. Its caller need not leave it alone."""


class ConfigError(PlatformError):
    """An operator must act before the service can start."""


class InvariantError(PlatformError):
    """We broke our own promise."""


FAMILIES: tuple[type[PlatformError], ...] = (
    InputError,
    MissingError,
    ConflictError,
    UnavailableError,
    ConfigError,
    InvariantError,
)
