"""Make a virtual environment on a Debian that may lack ensurepip. Standard library only.

Debian splits ensurepip off into python3-venv; where it is missing, pip's wheel is taken
out of Debian's python3-pip-whl package, unpacked, not installed.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path


def main(folder):
    if sys.version_info < (3, 11):
        raise SystemExit(f"Python 3.11 or newer is needed, this is {sys.version.split()[0]}")
    if (Path(folder) / "bin" / "python").exists() and has_pip(folder):
        return
    try:
        import ensurepip  # noqa: F401
    except ImportError:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        install_pip(folder)
    else:
        subprocess.run([sys.executable, "-m", "venv", folder], check=True)


def has_pip(folder):
    python = str(Path(folder) / "bin" / "python")
    return subprocess.run([python, "-m", "pip", "--version"], capture_output=True).returncode == 0


def install_pip(folder):
    sys.path.insert(0, str(Path(__file__).parent))
    import servers

    with tempfile.TemporaryDirectory() as temporary:
        servers.ROOT = Path(temporary)
        options = servers.options()
        servers.update()
        subprocess.run(["apt-get", *options, "-qq", "download", "python3-pip-whl"],
                       check=True, cwd=temporary)
        for archive in Path(temporary).glob("*.deb"):
            subprocess.run(["dpkg-deb", "-x", str(archive), temporary], check=True)
        wheel = next(Path(temporary).glob("usr/share/python-wheels/pip-*.whl"), None)
        if wheel is None:
            raise SystemExit("python3-pip-whl holds no wheel: install python3-venv by hand")
        python = str(Path(folder) / "bin" / "python")
        subprocess.run([python, "-m", "pip", "install", "--quiet", "--no-index", str(wheel)],
                       check=True, env={**os.environ, "PYTHONPATH": str(wheel)})


if __name__ == "__main__":
    main(sys.argv[1])
