"""Make a virtual environment on a Debian that may lack ensurepip. Standard library only.

Debian splits ensurepip off into python3-venv; where it is missing, pip's wheel is taken
out of Debian's python3-pip-whl package, unpacked, not installed.
"""

import importlib.util
import os
import subprocess
import sys
import tempfile
import venv
from pathlib import Path

import servers

LOWEST = (3, 11)


def main(folder: Path) -> None:
    """Make the environment with pip in it, unless it is there and works."""
    if sys.version_info < LOWEST:
        raise SystemExit(
            f"venv: Python 3.11 or newer is needed, this is {sys.version.split()[0]}: "
            "name another with make PYTHON=python3.11"
        )
    if has_pip(folder):
        return
    print(f"venv: making {folder}", flush=True)
    has_ensurepip = importlib.util.find_spec("ensurepip") is not None
    venv.create(folder, clear=True, symlinks=True, with_pip=has_ensurepip)
    if not has_ensurepip:
        install_pip(folder)


def python_of(folder: Path) -> str:
    """Return the environment's interpreter."""
    return str(folder / "bin" / "python")


def has_pip(folder: Path) -> bool:
    """Return whether the environment is there, of a good version, and has pip."""
    if not Path(python_of(folder)).exists():
        return False
    probe = f"import pip, sys; sys.exit(sys.version_info < {LOWEST})"
    done = subprocess.run([python_of(folder), "-c", probe], capture_output=True)
    return done.returncode == 0


def install_pip(folder: Path) -> None:
    """Put Debian's pip into the environment; nothing of it stays elsewhere."""
    print("venv: no ensurepip here, taking pip from Debian", flush=True)
    with tempfile.TemporaryDirectory() as temporary:
        wheel = debian_wheel(Path(temporary))
        subprocess.run(
            [python_of(folder), "-m", "pip", "install", "--quiet", "--no-index",
             "--disable-pip-version-check", str(wheel)],
            check=True, env={**os.environ, "PYTHONPATH": str(wheel)},
        )  # fmt: skip


def debian_wheel(folder: Path) -> Path:
    """Return pip's wheel out of Debian's package, unpacked into a folder."""
    apt = servers.Apt(folder / "apt")
    try:
        apt.update()
        for archive in apt.fetch(["python3-pip-whl"], folder):
            servers.extract(archive, folder)
        return next(folder.glob("usr/share/python-wheels/pip-*.whl"))
    except (servers.CannotError, OSError, StopIteration) as exc:
        raise SystemExit(
            f"venv: this Python has no ensurepip and Debian's python3-pip-whl cannot be "
            f"had ({exc}): install python3-venv, then run make again"
        ) from exc


if __name__ == "__main__":
    main(Path(sys.argv[1]))
