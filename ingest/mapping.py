"""Other people's payloads, read by mapping profiles: data files, no code.

A profile says on which topics the payloads come and where in the JSON document the
device, the time and each value stand (``a.b.0.c``: names and list positions). Values it
does not name are not ours to read; a named value that is missing is not there; one that
is there and cannot be a reading rests in quarantine beside the good ones.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from importlib import resources
from pathlib import Path
from typing import Any, Final

import msgspec
from msgspec import Struct

from greenwater.kernel.channels import SPECS, Channel
from greenwater.kernel.errors import ConfigError, InputError
from greenwater.kernel.ids import (
    DEVICE_PATTERN,
    DeviceId,
    DeviceState,
    ProbeId,
    parse_device,
    parse_probe,
)
from greenwater.kernel.quarantine import Quarantined
from greenwater.kernel.reading import Reading, unsayable
from greenwater.kernel.settings import load_toml
from greenwater.kernel.topics import ROOT
from greenwater.kernel.wire.senml import MAX_INFLATED_BYTES
from ingest.intake import Batch, digest_of, refuse, taken_ms_of
from ingest.ports import Delivery

_MISSING = object()
FOLDER: Final = Path(str(resources.files("ingest") / "profiles"))
TOPIC: Final = re.compile(r"[A-Za-z0-9_-][!#-&(-\[\]-~]*")


class MappedValue(Struct, frozen=True, forbid_unknown_fields=True):
    """Where one channel's value stands, and its unit code on the wire."""

    at: str
    channel: Channel
    unit: str


class Profile(Struct, frozen=True, forbid_unknown_fields=True):
    """One kind of payload. Who sends it speaks for every device whose id fits ``ids``.

    ``hears`` are topics that the sender itself wants to subscribe to.
    """

    name: str
    filter: str
    device: str
    probe: str
    times: tuple[str, ...]
    values: tuple[MappedValue, ...]
    ids: str = DEVICE_PATTERN.pattern
    hears: tuple[str, ...] = ()

    def matches(self, topic: str) -> bool:
        """Return whether a topic fits the filter (MQTT 3.1.1 §4.7)."""
        wanted, given = self.filter.split("/"), topic.split("/")
        for at, level in enumerate(wanted):
            if level == "#":
                return True
            if at >= len(given) or level not in ("+", given[at]):
                return False
        return len(wanted) == len(given)


def load_profile(name: str) -> Profile:
    """Return a profile that comes with the platform, or one from a path ending in .toml.

    Raises:
        ConfigError: there is none, or something in it cannot be.
    """
    path = Path(name) if name.endswith(".toml") else FOLDER / f"{name}.toml"
    if path.parent == FOLDER and not path.is_file():
        known = ", ".join(sorted(one.stem for one in FOLDER.glob("*.toml")))
        raise ConfigError(
            f"no mapping profile {name!r}; there are: {known}, or a path that ends in .toml"
        )
    profile = load_toml(Profile, path)
    _check_topics(profile, path)
    try:
        parse_probe(profile.probe)
        re.compile(profile.ids)
    except (InputError, re.error) as exc:
        raise ConfigError(f"{path}: {exc}") from exc
    for value in profile.values:
        accepts = SPECS[value.channel].accepts
        if value.unit not in accepts:
            raise ConfigError(
                f"{path}: unit {value.unit!r} is not accepted for {value.channel}; "
                f"write one of {', '.join(accepts)}"
            )
    return profile


def _check_topics(profile: Profile, path: Path) -> None:
    """Refuse what must not stand in a broker's permissions, or takes in our own topics."""
    for topic in (profile.filter, *profile.hears):
        if TOPIC.fullmatch(topic) is None or topic.startswith(f"{ROOT.split('/')[0]}/"):
            raise ConfigError(
                f"{path}: topic {topic!r}: begin with a name that is not ours, without "
                "blanks or quotes"
            )


class Mappings:
    """The profiles in use."""

    def __init__(self, profiles: Sequence[Profile] = ()) -> None:
        self._profiles = tuple(profiles)

    def filters(self) -> list[str]:
        """Return what to subscribe to."""
        return [profile.filter for profile in self._profiles]

    def open(
        self,
        delivery: Delivery,
        *,
        states: Mapping[DeviceId, DeviceState],
        now_s: float,
    ) -> Batch | None:
        """Return what a delivery holds, or None where no profile knows its topic."""
        for profile in self._profiles:
            if profile.matches(delivery.topic):
                return open_mapped(profile, delivery, states=states, now_s=now_s)
        return None


def open_mapped(
    profile: Profile,
    delivery: Delivery,
    *,
    states: Mapping[DeviceId, DeviceState],
    now_s: float,
) -> Batch:
    """Return the batch that a profile reads from a delivery.

    ``up`` is None: the sender waits for no acknowledgement but the broker's.
    """
    payload = delivery.payload
    batch = Batch(DeviceId(""), delivery.topic, payload, None, digest_of(payload))
    now_ms = round(now_s * 1000)
    try:
        document = _document(payload)
        device = parse_device(str(_found(document, profile.device)).lower())
        if re.fullmatch(profile.ids, device) is None:
            raise InputError(f"device {device} is none that {profile.name} speaks for")
        batch.device = device
        if states.get(device) is not DeviceState.ACTIVE:
            batch.is_authorised = False
            raise InputError(f"device {device} is {states.get(device) or 'unknown'}")
        taken_ms = _taken_ms(document, profile.times, now_s)
    except InputError as exc:
        return refuse(batch, str(exc), now_ms)
    for value in profile.values:
        raw = _found(document, value.at)
        if raw is _MISSING:
            continue
        try:
            batch.readings.append(_reading(device, profile, value, raw, taken_ms))
        except InputError as exc:
            kept = msgspec.json.encode({value.at: raw})
            batch.quarantined.append(
                Quarantined(device, delivery.topic, "record", kept, str(exc), now_ms)
            )
    if not batch.readings and not batch.quarantined:
        return refuse(batch, f"profile {profile.name} finds no value in it", now_ms)
    return batch


def _document(payload: bytes) -> Any:
    if len(payload) > MAX_INFLATED_BYTES:
        raise InputError(f"the payload has {len(payload)} bytes, over 256 KiB")
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as exc:
        raise InputError(f"not JSON: {str(exc)[:200]}") from exc


def _found(document: Any, path: str) -> Any:
    for step in path.split("."):
        if isinstance(document, Mapping):
            document = document.get(step, _MISSING)
        elif (
            isinstance(document, list) and step.isdigit() and int(step) < len(document)
        ):
            document = document[int(step)]
        else:
            return _MISSING
    return document


def _taken_ms(document: Any, paths: Iterable[str], now_s: float) -> int:
    for path in paths:
        text = _found(document, path)
        if not isinstance(text, str):
            continue
        try:
            at = msgspec.convert(text, datetime)
        except msgspec.ValidationError as exc:
            raise InputError(f"time {text[:40]!r}: {exc}") from exc
        return taken_ms_of(at, text, now_s)
    raise InputError(f"no time at any of {', '.join(paths)}")


def _reading(
    device: DeviceId, profile: Profile, value: MappedValue, raw: Any, taken_ms: int
) -> Reading:
    number = _number(value.channel, raw)
    if number is not None:
        scale, offset = SPECS[value.channel].accepts[value.unit]
        number = number * scale + offset
        if why := unsayable(number):
            raise InputError(f"{value.channel}: {why}")
    return Reading(device, ProbeId(profile.probe), value.channel, taken_ms, number)


def _number(channel: Channel, raw: Any) -> float | None:
    """Return a JSON value as a number; codecs send "7.93" as text, so text is read."""
    if raw is None:
        return None
    if isinstance(raw, bool) and channel is not Channel.CONTACT:
        raise InputError(f"{channel} is a number, not {raw}")
    try:
        return float(raw)
    except (TypeError, ValueError, OverflowError) as exc:
        raise InputError(f"{channel} is {str(raw)[:40]!r}, not a number") from exc
