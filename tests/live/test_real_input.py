"""Real recordings through the whole path, compared value by value at the end.

sonde recording → Modbus probe → edge agent → Mosquitto → ingest → InfluxDB → export.
"""

import csv
import gzip
import re
from collections.abc import Callable
from pathlib import Path

import pytest

from greenwater.kernel.channels import SPECS, Channel
from greenwater.storage.telemetry import open_telemetry
from tests.live.system import Service, registered, wait_until
from tests.servers import Influx, Mosquitto

pytestmark = pytest.mark.live

ROWS = 5_000
FILES = {
    "cat-point": "data/sondes/apalachicola_cat_point_2012_2013.csv.gz",
    "dry-bar": "data/sondes/apalachicola_dry_bar_2012_2013.csv.gz",
}
# Columns of the recording, as its own README and header have them.
CHANNELS = {
    "temperature_c": "temperature",
    "specific_conductivity_ms_cm": "specific_conductivity",
    "salinity_psu": "salinity",
    "oxygen_saturation_pct": "oxygen_saturation",
    "dissolved_oxygen_mg_l": "dissolved_oxygen",
    "depth_m": "depth",
    "ph": "ph",
    "turbidity_ntu": "turbidity",
}


def recorded(path: Path, probe: str) -> dict[tuple[str, str, str], float | None]:
    """Return (time, probe, channel) → value of the recording's first rows."""
    found: dict[tuple[str, str, str], float | None] = {}
    with gzip.open(path, "rt", encoding="utf-8", newline="") as file:
        for at, row in enumerate(csv.DictReader(file)):
            if at == ROWS:
                break
            for column, channel in CHANNELS.items():
                text = row[column]
                found[(row["time"], probe, channel)] = float(text) if text else None
    return found


def edge_toml(folder: Path, broker_url: str, port: int) -> Path:
    probes = "\n".join(
        f"""[[buses.probes]]
id = "{probe}"
profile = "generic_float32"
unit = {unit}
interval_s = 0
channels = [{", ".join(f'"{channel}"' for channel in CHANNELS.values())}]
"""
        for unit, probe in enumerate(FILES, 1)
    )
    path = folder / "edge.toml"
    path.write_text(
        f"""device = "sonde-box"
broker_url = "{broker_url}"
outbox = "{folder}/outbox.db"
is_simulated = true
[[buses]]
name = "bus"
port = {port}
{probes}"""
    )
    return path


def exported(path: Path) -> dict[tuple[str, str, str], float | None]:
    """Return the exported readings in the recording's terms."""
    found: dict[tuple[str, str, str], float | None] = {}
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            time = re.sub(r"\.000Z$|\+00:00$", "Z", row["time"]).replace(".000", "")
            value = row["value"]
            is_number = value not in ("", "bad", "null", "NaN", "nan")
            key = (time, row["probe"], row["channel"])
            assert key not in found, f"exported twice: {key}"
            found[key] = float(value) if is_number else None
            assert row["unit"] == SPECS[Channel(row["channel"])].unit
    return found


@pytest.mark.slow
def test_two_recordings_come_out_as_they_went_in(
    shared: Callable[[str], Path], mosquitto: Mosquitto, influx: Influx, tmp_path: Path
) -> None:
    paths = {probe: shared(name) for probe, name in FILES.items()}
    expected: dict[tuple[str, str, str], float | None] = {}
    for probe, path in paths.items():
        expected |= recorded(path, probe)
    assert sum(value is None for value in expected.values()) > 100, "gaps are in it"

    registry_url = f"sqlite:///{tmp_path}/registry.db"
    registered(registry_url, ["sonde-box"])
    environ = {
        "GREENWATER_HOME": str(tmp_path),
        "GREENWATER_CLOCK": f"step:{tmp_path}/clock",
        "GREENWATER_BROKER_URL": mosquitto.url,
        "GREENWATER_REGISTRY_URL": registry_url,
        "GREENWATER_TELEMETRY_URL": influx.url("real_input"),
    }
    replay = Service(
        "replay",
        ["sim", "replay", *map(str, paths.values()), "--clock", f"{tmp_path}/clock",
         "--rows", str(ROWS)],
        tmp_path,
        {},
    ).start()  # fmt: skip
    wait_until("the replay serves", lambda: "unit 2" in replay.text(), 90)
    port = int(re.findall(r"127\.0\.0\.1:(\d+)", replay.text())[0])
    ingest = Service("ingest", ["ingest"], tmp_path, environ).start()
    config = edge_toml(tmp_path, mosquitto.url, port)
    edge = Service("edge", ["edge", "run", "--config", str(config)], tmp_path, environ)
    edge.start()
    try:
        wait_until(
            "all rows are read",
            lambda: not replay.is_running,
            240,
            alive=[edge, ingest],
        )
        telemetry = open_telemetry(environ["GREENWATER_TELEMETRY_URL"])

        def stored() -> int:
            rows = telemetry.intake_after({}, 1_000_000)
            return sum(row.stored for row in rows)

        wait_until(
            "all readings are stored",
            lambda: stored() >= len(expected),
            240,
            every_s=0.5,
        )
        telemetry.close()
    finally:
        assert edge.stop() == 0, edge.text()[-2000:]
        assert ingest.stop() == 0, ingest.text()[-2000:]
        replay.kill()

    out = tmp_path / "out.csv"
    export = Service(
        "export",
        ["export", "--device", "sonde-box", "--out", str(out)],
        tmp_path,
        environ,
    ).start()
    wait_until("the export ends", lambda: not export.is_running, 120)
    found = exported(out)
    assert found.keys() == expected.keys()
    wrong = {
        key: (expected[key], found[key])
        for key in expected
        if expected[key] != found[key]
    }
    assert not wrong, f"{len(wrong)} differ, such as {next(iter(wrong.items()))}"
    print(
        f"{len(found)} values equal, {sum(v is None for v in found.values())} of them gaps"
    )
