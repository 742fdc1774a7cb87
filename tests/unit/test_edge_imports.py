"""What a gateway needs: the six packages of ADR 3, and nothing of the platform."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLATFORM = (
    "cbor2",
    "fastapi",
    "influxdb_client",
    "numpy",
    "pandas",
    "pydantic",
    "sqlalchemy",
    "uvicorn",
)


@pytest.mark.parametrize(
    "imports",
    ["import edge.bootstrap", "import cli.main; cli.main.build(['edge', 'run'])"],
)
def test_the_agent_imports_nothing_of_the_platform(imports: str) -> None:
    code = f"import sys; {imports}; print([m for m in {PLATFORM} if m in sys.modules])"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert done.stderr == ""
    assert done.stdout.strip() == "[]"


def test_the_other_commands_are_there_where_the_platform_is_installed() -> None:
    code = "import cli.main; print(len(cli.main.build([]).registered_groups))"
    done = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    assert int(done.stdout) > 5


def test_base_and_edge_together_need_the_six_packages_of_adr_3() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = project["dependencies"] + project["optional-dependencies"]["edge"]
    names = {requirement.split(">")[0].split("~")[0] for requirement in wanted}
    assert names == {
        "msgspec",
        "structlog",
        "typer",
        "paho-mqtt",
        "pymodbus[serial]",
        "pynmeagps",
    }
