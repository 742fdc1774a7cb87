"""Configuration: the environment or a TOML file, into one frozen struct, or a refusal.

A misspelt variable is refused, never ignored: ``GREENWATER_INGEST_TYPO=1`` stops the
service with a sentence that names it.
"""

import difflib
import os
import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar, get_origin

import msgspec

from greenwater.kernel.errors import ConfigError
from greenwater.kernel.misfits import misfit

T = TypeVar("T", bound=msgspec.Struct)

SHARED: frozenset[str] = frozenset(
    {
        "GREENWATER_CLOCK",
        "GREENWATER_BROKER_URL",
        "GREENWATER_TELEMETRY_URL",
        "GREENWATER_REGISTRY_URL",
        "GREENWATER_HOME",
        "GREENWATER_LOG_LEVEL",
        "GREENWATER_PUBLIC_URL",
        "GREENWATER_NAME_DOMAINS",
        "GREENWATER_SMS_VIA",
        "GREENWATER_MAIL_VIA",
        "GREENWATER_TELEGRAM_VIA",
        "GREENWATER_ZALO_VIA",
        "GREENWATER_PUSH_HOSTS",
    }
)
"""Variables that several services read; a service lists those it wants as fields."""
ELSEWHERE: frozenset[str] = frozenset(
    {"GREENWATER_SITE", "GREENWATER_UPSTREAM", "GREENWATER_BROKER_HOST"}
)
"""Variables of ``deploy/``: its proxy and its compose file read them."""
_OWN = re.compile(r"GREENWATER_(INGEST|ANALYTICS|WEB|HOME_SETTINGS|TEST)_")
"""One service's own variables begin so; it refuses those that it does not have."""


def load(kind: type[T], *, prefix: str, environ: Mapping[str, str] | None = None) -> T:
    """Return ``kind`` filled from the variables that start with ``prefix``.

    A field ``broker_url`` is read from ``{prefix}BROKER_URL``, else from
    ``GREENWATER_BROKER_URL`` if that is a shared one. Several values have commas.

    Raises:
        ConfigError: a variable with the prefix names no field, one is nobody's, or a
            value is refused.
    """
    environment = os.environ if environ is None else environ
    fields = {field.name: field.type for field in msgspec.structs.fields(kind)}
    values: dict[str, str | list[str]] = {}

    def take(name: str, value: str) -> None:
        is_many = get_origin(fields[name]) is tuple
        values[name] = _split(value) if is_many else value

    for name in fields:
        shared = f"GREENWATER_{name.upper()}"
        if shared in SHARED and shared in environment:
            take(name, environment[shared])
    for variable, value in environment.items():
        _refuse_nobodys(variable)
        if not variable.startswith(prefix) or variable in SHARED:
            continue
        name = variable.removeprefix(prefix).lower()
        if name not in fields:
            raise ConfigError(f"no such setting: {variable}")
        take(name, value)
    return _converted(values, kind, "the environment")


def _split(text: str) -> list[str]:
    return [one.strip() for one in text.split(",") if one.strip()]


def _refuse_nobodys(variable: str) -> None:
    if not variable.startswith("GREENWATER_") or variable in SHARED | ELSEWHERE:
        return
    if _OWN.match(variable) is None:
        near = difflib.get_close_matches(variable, SHARED, 1, 0.85)
        meant = f"; is {near[0]} meant?" if near else ""
        raise ConfigError(f"no such setting: {variable}{meant}")


def load_toml(kind: type[T], path: Path) -> T:
    """Return ``kind`` filled from a TOML file.

    Raises:
        ConfigError: the file cannot be read, is not TOML, or does not fit ``kind``;
            unknown keys are refused where ``kind`` sets ``forbid_unknown_fields``.
    """
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as exc:
        raise ConfigError(f"cannot read {path}: {exc.strerror}") from exc
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as exc:
        raise ConfigError(f"{path} is not TOML: {exc}") from exc
    return _converted(document, kind, str(path))


def _converted(values: Mapping[str, Any], kind: type[T], where: str) -> T:
    try:
        return msgspec.convert(values, kind, strict=False, dec_hook=_hook)
    except msgspec.ValidationError as exc:
        raise ConfigError(f"{where}: {misfit(exc, kind)}") from exc


def _hook(kind: type[Any], value: Any) -> Any:
    if kind is Path and isinstance(value, str):
        return Path(value)
    raise NotImplementedError(f"{kind} in settings")
