"""What `greenwater demo --once` looks at before it says that all was well."""

import html
import ssl
import urllib.error
import urllib.request
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import NamedTuple

from cli.demo.shrimp_farm import UNIT
from cli.demo.simulation import Played as Scene
from cli.home import Home
from firmware_sim.run import ScenarioRun
from greenwater.kernel.clock import ManualClock
from greenwater.kernel.ids import DeviceId, ProbeId
from greenwater.kernel.reading import milliseconds
from greenwater.storage.registry import open_registry
from greenwater.storage.telemetry import open_telemetry
from greenwater.storage.telemetry.ports import Series, Span

MARGIN = timedelta(minutes=30)


class Played(NamedTuple):
    """A demo that was played: where it is kept, and how its page is reached.

    ``authority`` is who signed the page's certificate, where it speaks TLS.
    """

    home: Home
    scenes: Sequence[Scene]
    page_url: str
    has_stories: bool
    authority: Path | None = None


def faults_of(played: Played, start: datetime, end: datetime) -> list[str]:
    """Return what is not as it should be, a sentence each."""
    found = [*_registry_faults(played), *_store_faults(played, start, end)]
    return found + list(_page_faults(played))


def _registry_faults(played: Played) -> Iterator[str]:
    with open_registry(played.home.registry_url) as registry:
        for one in registry.list_quarantine()[:3]:
            yield f"in quarantine: {one.reason}"
        if not played.has_stories:
            return
        kinds = {one.kind for one in registry.alarms() if one.unit == UNIT}
        if "limit" not in kinds:
            yield f"no alarm was raised for {UNIT} in this night"


def _store_faults(played: Played, start: datetime, end: datetime) -> Iterator[str]:
    telemetry = open_telemetry(played.home.telemetry_url)
    first_ms, last_ms = milliseconds(start + MARGIN), milliseconds(end - MARGIN)
    for scene in played.scenes:
        run = ScenarioRun(scene.scenario, ManualClock(end))
        for device in scene.scenario.devices:
            if run.is_troubled(device.id):
                continue  # what it could not measure, or has still to send, is not here
            slots = (last_ms - first_ms) / 1000 / device.interval_s
            for probe in device.probes:
                series = Series(DeviceId(device.id), ProbeId(probe.id))
                span = Span(series, first_ms, last_ms)
                stored = len({reading.taken_ms for reading in telemetry.read(span)})
                if stored < 0.5 * slots:
                    yield f"{'/'.join(series)}: {stored} instants of {slots:.0f} stored"
    telemetry.close()


def _page_faults(played: Played) -> Iterator[str]:
    pages = {"/": "MÔ PHỎNG"}
    if played.has_stories:
        with open_registry(played.home.registry_url) as registry:
            labels = registry.labels()
        if not labels:
            yield "no label was issued"
        else:
            path = labels[0].uri.removeprefix(played.page_url)
            pages[path] = 'data-code="valid"'
    trusted = None
    if played.authority is not None:
        trusted = ssl.create_default_context(cafile=played.authority)
    for path, words in pages.items():
        address = played.page_url + path
        try:
            with urllib.request.urlopen(address, timeout=10, context=trusted) as page:
                text = html.unescape(page.read().decode("utf-8"))
        except (urllib.error.URLError, OSError) as exc:
            yield f"the page {path} does not answer: {exc}"
            continue
        if words not in text:
            yield f"the page {path} does not say {words}"
