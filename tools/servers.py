"""Test servers without installing any: Debian's packages, unpacked into .servers/.

Standard library only; runs on the system's Python. Needs ``apt-get``, ``apt-cache`` and
``dpkg-deb``, but no root: state, lists and archives are folders of its own, and nothing
is installed, configured or started. What a package depends on is unpacked beside it,
except for what every Debian has (libc and its like).
"""

import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / ".servers"
WANTED = {
    "mosquitto": "usr/sbin/mosquitto",
    "influxdb": "usr/bin/influxd",
    "postgresql-15": "usr/lib/postgresql/15/bin/postgres",
    "caddy": "usr/bin/caddy",
}
# On every Debian, or only wanted when a package is really installed. libllvm14 is for
# PostgreSQL's jit, which the tests switch off: a third of all that would be fetched.
NOT_NEEDED = {
    "adduser", "cdebconf", "debconf", "debconf-2.0", "dpkg", "gcc-12-base",
    "influxdb-client", "init-system-helpers", "libc6", "libcrypt1", "libgcc-s1",
    "libjs-jquery", "libllvm14", "libnss3-tools", "libstdc++6", "locales", "locales-all", "lsb-base",
    "netbase", "openssl", "passwd", "perl", "perl-base", "postgresql-client-common",
    "postgresql-common", "python3", "ssl-cert", "systemd", "sysvinit-utils", "tzdata",
    "ucf",
}  # fmt: skip
ONLY_NEEDS = [
    "--no-recommends", "--no-suggests", "--no-conflicts", "--no-breaks",
    "--no-replaces", "--no-enhances",
]  # fmt: skip


class CannotError(Exception):
    """The servers cannot be had; the sentence says why."""


def say(text: str) -> None:
    """Print one line of progress."""
    print(f"servers: {text}", flush=True)


class Apt:
    """apt with folders of its own, so that it needs no root and leaves nothing behind."""

    def __init__(self, folder: Path) -> None:
        for part in ("lists/partial", "archives/partial", "log"):
            (folder / part).mkdir(parents=True, exist_ok=True)
        self._lists = folder / "lists"
        settings = {
            "Dir::State": folder,
            "Dir::State::lists": self._lists,
            "Dir::State::status": "/var/lib/dpkg/status",
            "Dir::Cache": folder,
            "Dir::Cache::archives": folder / "archives",
            "Dir::Cache::pkgcache": "",
            "Dir::Cache::srcpkgcache": "",
            "Dir::Log": folder / "log",
            "Debug::NoLocking": "1",
            # Root would otherwise fetch as _apt, who cannot write here.
            "APT::Sandbox::User": "root",
            "APT::Update::Error-Mode": "any",
            "Acquire::Languages": "none",
            "Acquire::Retries": "3",
            "Acquire::http::Timeout": "60",
            "Acquire::https::Timeout": "60",
        }
        self._options = [
            word for key, value in settings.items() for word in ("-o", f"{key}={value}")
        ]

    def _run(self, tool: str, *words: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            [tool, *self._options, *words],
            check=False, capture_output=True, text=True, cwd=cwd,
        )  # fmt: skip
        if done.returncode:
            raise CannotError(f"{tool} {words[-1]} failed: {done.stderr.strip()}")
        return done.stdout

    def update(self) -> None:
        """Fetch the package lists; a third-party source out of reach is no matter."""
        try:
            self._run("apt-get", "-qq", "update")
        except CannotError:
            if not any(self._lists.glob("*Packages*")):
                raise

    def needs(self, package: str) -> list[str]:
        """Return the packages to unpack for one, itself included."""
        found: set[str] = set()
        level = {package}
        while level:
            found |= level
            printed = self._run("apt-cache", "depends", *ONLY_NEEDS, *sorted(level))
            level = named_in(printed) - found - NOT_NEEDED
        return sorted(found)

    def fetch(self, names: list[str], folder: Path) -> list[Path]:
        """Return packages' archives, fetched into a folder and checked by apt."""
        self._run("apt-get", "-qq", "download", *names, cwd=folder)
        return sorted(folder.glob("*.deb"))


def named_in(printed: str) -> set[str]:
    """Return the packages that ``apt-cache depends`` names; virtual ones stand in <>."""
    pairs = [line.strip().lstrip("|").partition(": ") for line in printed.splitlines()]
    return {
        name
        for kind, _, name in pairs
        if kind in ("Depends", "PreDepends") and not name.startswith("<")
    }


def extract(archive: Path, folder: Path) -> None:
    """Unpack an archive without installing it."""
    subprocess.run(["dpkg-deb", "-x", str(archive), str(folder)], check=True)


def stamp_of(package: str) -> Path:
    """Return the file that says a package is all there."""
    return ROOT / package / ".done"


def is_there(package: str) -> bool:
    """Return whether a server is unpacked, whole."""
    return stamp_of(package).exists() and (ROOT / package / WANTED[package]).exists()


def unpack(apt: Apt, package: str) -> None:
    """Fetch a server and what it needs; whole or not at all."""
    names = apt.needs(package)
    say(f"{package}: fetching and unpacking {len(names)} packages")
    with tempfile.TemporaryDirectory(dir=ROOT) as temporary:
        fetched, unpacked = Path(temporary, "fetched"), Path(temporary, "unpacked")
        fetched.mkdir()
        unpacked.mkdir()
        for archive in apt.fetch(names, fetched):
            extract(archive, unpacked)
        if not (unpacked / WANTED[package]).exists():
            raise CannotError(f"{package} holds no {WANTED[package]}")
        shutil.rmtree(ROOT / package, ignore_errors=True)
        unpacked.rename(ROOT / package)
    stamp_of(package).touch()


def unpack_missing(missing: list[str]) -> list[str]:
    """Unpack what is missing; return why for each that cannot be had."""
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(tool) is None:
            return [f"there is no {tool} here (is this Debian?)"]
    ROOT.mkdir(exist_ok=True)
    apt = Apt(ROOT / "apt")
    say("fetching the package lists")
    try:
        apt.update()
    except CannotError as exc:
        return [str(exc)]
    reasons = []
    for package in missing:
        try:
            unpack(apt, package)
        except (CannotError, OSError, subprocess.CalledProcessError) as exc:
            reasons.append(f"{package}: {exc}")
    shutil.rmtree(ROOT / "apt", ignore_errors=True)
    return reasons


def main() -> int:
    """Unpack what is not there yet; the exit status minds REQUIRE_LIVE."""
    missing = [package for package in WANTED if not is_there(package)]
    if not missing:
        return 0
    reasons = unpack_missing(missing)
    for reason in reasons:
        say(reason)
    if not reasons:
        say("ready")
        return 0
    must = bool(os.environ.get("REQUIRE_LIVE"))
    say("REQUIRE_LIVE is set: stopping" if must else "their tests are skipped by name")
    return int(must)


if __name__ == "__main__":
    sys.exit(main())
