"""constraints-run.txt is exactly what constraints.txt pins of what the program needs."""

import runpy
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def test_what_the_demo_installs_is_pinned_as_everything_else_is() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    run_pins = runpy.run_path(str(ROOT / "tools" / "run_pins.py"))["run_pins"]
    wanted = run_pins((ROOT / "constraints.txt").read_text(), project)
    assert (ROOT / "constraints-run.txt").read_text() == wanted, "run: make pins"
    assert "\nscikit-learn==" in wanted
    assert "\npytest==" not in wanted
