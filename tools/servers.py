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
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent / ".servers"
WANTED = {
    "mosquitto": ("usr/sbin/mosquitto",),
    "influxdb": ("usr/bin/influxd",),
    "postgresql-15": ("usr/lib/postgresql/15/bin/postgres",),
}
# On every Debian, or only wanted when a package is really installed.
NOT_NEEDED = {
    "adduser", "debconf", "init-system-helpers", "libc6", "libgcc-s1", "libcrypt1",
    "lsb-base", "sysvinit-utils", "tzdata", "ssl-cert", "openssl", "locales",
    "locales-all", "postgresql-common", "postgresql-client-common", "passwd", "perl",
    "perl-base", "dpkg", "ucf", "netbase", "libjs-jquery", "cdebconf", "debconf-2.0",
    "influxdb-client", "gcc-12-base", "libstdc++6", "python3", "systemd",
}  # fmt: skip


def say(text):
    print(f"servers: {text}", flush=True)


def options():
    """Private folders for apt, so that it needs no root and leaves nothing behind."""
    state = ROOT / "apt"
    for part in ("lists/partial", "archives/partial", "log"):
        (state / part).mkdir(parents=True, exist_ok=True)
    settings = {
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Dir::Cache::pkgcache": "",
        "Dir::Cache::srcpkgcache": "",
        "Dir::Log": state / "log",
        "Debug::NoLocking": "1",
        "APT::Sandbox::User": "",
        "APT::Update::Error-Mode": "any",
        "Acquire::Languages": "none",
        "Acquire::Retries": "3",
    }
    return [part for key, value in settings.items() for part in ("-o", f"{key}={value}")]


def run(*argv, **more):
    return subprocess.run(argv, check=True, text=True, **more)


def update():
    say("fetching the package lists")
    try:
        run("apt-get", *options(), "-qq", "update", stderr=subprocess.PIPE)
    except subprocess.CalledProcessError as exc:
        # A third-party source that is out of reach is not our business.
        if not any((ROOT / "apt" / "lists").glob("*Packages*")):
            raise SystemExit(f"servers: apt-get update failed: {exc.stderr.strip()}") from exc


def depends(package):
    """Return the packages to unpack for one, itself included."""
    found, level = set(), {package}
    while level:
        found |= level
        answer = run(
            "apt-cache", *options(), "depends", "--no-recommends", "--no-suggests",
            "--no-conflicts", "--no-breaks", "--no-replaces", "--no-enhances",
            *sorted(level), stdout=subprocess.PIPE,
        )  # fmt: skip
        named = set()
        for line in answer.stdout.splitlines():
            kind, _, other = line.strip().lstrip("|").partition(": ")
            if kind in ("Depends", "PreDepends") and not other.startswith("<"):
                named.add(other)
        level = named - found - NOT_NEEDED
    return found


def unpack(package):
    folder = ROOT / package
    stamp = folder / ".done"
    if stamp.exists() and all((folder / program).exists() for program in WANTED[package]):
        return
    shutil.rmtree(folder, ignore_errors=True)
    names = sorted(depends(package))
    say(f"{package}: fetching and unpacking {len(names)} packages")
    fetched = ROOT / "apt" / "archives" / package
    fetched.mkdir(parents=True, exist_ok=True)
    run("apt-get", *options(), "-qq", "download", *names, cwd=fetched)
    for archive in sorted(fetched.glob("*.deb")):
        run("dpkg-deb", "-x", str(archive), str(folder))
    shutil.rmtree(fetched)
    missing = [program for program in WANTED[package] if not (folder / program).exists()]
    if missing:
        raise SystemExit(f"servers: {package} holds no {missing[0]}")
    stamp.touch()


def main():
    if all((ROOT / package / ".done").exists() for package in WANTED):
        return 0
    for tool in ("apt-get", "apt-cache", "dpkg-deb"):
        if shutil.which(tool) is None:
            say(f"no {tool} here: live tests will be skipped by name")
            return 0 if not os.environ.get("REQUIRE_LIVE") else 1
    ROOT.mkdir(exist_ok=True)
    try:
        update()
        for package in WANTED:
            unpack(package)
    except (subprocess.CalledProcessError, OSError) as exc:
        say(f"cannot unpack the test servers: {exc}; live tests will be skipped by name")
        return 0 if not os.environ.get("REQUIRE_LIVE") else 1
    say("ready")
    return 0


if __name__ == "__main__":
    sys.exit(main())
