"""The rules of the house that a tool can see: sizes, imports, pins, what is committed."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
PACKAGES = PROJECT["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]

MODULE_LINES = 400
KERNEL_LINES = 200
# Kernel modules that may be longer, and how long.
LONG_KERNEL_MODULES = {"greenwater/kernel/wire/resolve.py": 300}
EDGE_DEPENDENCIES = 6
SCRIPT_LINE = 160

ADDRESSES = re.compile(
    r"(pypi|pythonhosted|npmjs|npmmirror|jsdelivr|unpkg|cdnjs)\.(org|com|net)"
    r"|^\s*(--?(extra-)?index|--find-links|--trusted-host|-f |-i )"
    r"|file:|/opt/|/home/|/root/|/tmp/|/work/",
    re.MULTILINE,
)
ASKING = {"Registry", "Scope", "Clock", "Services", "Telemetry", "Request"}
OUTSIDE = {
    "asyncio",
    "fastapi",
    "socket",
    "sqlalchemy",
    "sqlite3",
    "starlette",
    "structlog",
    "time",
}
"""What pure code has no use for: databases, clocks, requests, logs, the network."""

LOCKS = ["constraints.txt", "package.json", "package-lock.json"]
FOREIGN_LOCKS = ["uv.lock", "poetry.lock", "Pipfile.lock", "pdm.lock", "yarn.lock"]


def ignored() -> list[str]:
    lines = (ROOT / ".gitignore").read_text().split()
    return [".git", *(line.rstrip("/") for line in lines)]


def kept(folder: Path = ROOT) -> Iterator[Path]:
    """Every file of the repository; found without git, which may not be here."""
    rules = ignored()
    for path in sorted(folder.iterdir()):
        name, inside = path.name, path.relative_to(ROOT).as_posix()
        if any(fnmatch(name, rule) or inside == rule for rule in rules):
            continue
        if path.is_dir():
            yield from kept(path)
        else:
            yield path


def modules() -> list[str]:
    return [
        path.relative_to(ROOT).as_posix()
        for package in (*PACKAGES, "tools")
        for path in kept(ROOT / package)
        if path.suffix == ".py" and "migrations/versions" not in path.as_posix()
    ]


def pins() -> dict[str, tuple[str, list[str]]]:
    """What constraints.txt pins: name to version and hashes."""
    text = (ROOT / "constraints.txt").read_text().replace("\\\n", " ")
    found: dict[str, tuple[str, list[str]]] = {}
    for line in text.splitlines():
        pin, *hashes = line.split()
        name, _, version = pin.partition("==")
        found[canonicalize_name(name)] = (version, hashes)
    return found


def requirements() -> list[Requirement]:
    project = PROJECT["project"]
    extras = project["optional-dependencies"].values()
    words = [*project["dependencies"], *PROJECT["build-system"]["requires"]]
    return [Requirement(word) for word in [*words, *(w for e in extras for w in e)]]


@pytest.mark.parametrize("module", modules())
def test_a_module_is_short(module: str) -> None:
    limit = MODULE_LINES
    if module.startswith("greenwater/kernel/"):
        limit = LONG_KERNEL_MODULES.get(module, KERNEL_LINES)
    lines = len((ROOT / module).read_text().splitlines())
    assert lines <= limit, f"{module}: {lines} lines, {limit} are allowed: split it"


def claimed_pure() -> list[str]:
    """The modules whose docstring says that they are."""
    first = {one: docstring(one).partition("\n\n")[0] for one in modules()}
    return [one for one, told in first.items() if re.search(r"\b[Pp]ure\.?$", told)]


def docstring(module: str) -> str:
    return ast.get_docstring(ast.parse((ROOT / module).read_text())) or ""


@pytest.mark.parametrize("module", claimed_pure())
def test_what_says_that_it_is_pure_asks_nobody(module: str) -> None:
    found = set()
    for node in ast.walk(ast.parse((ROOT / module).read_text())):
        if isinstance(node, ast.ImportFrom):
            found |= {one.name for one in node.names} & ASKING
            found |= {(node.module or "").partition(".")[0]} & OUTSIDE
        elif isinstance(node, ast.Import):
            found |= {one.name.partition(".")[0] for one in node.names} & OUTSIDE
    assert not found, f"{module} says that it is pure and imports {sorted(found)}"


def test_the_rules_of_import_hold() -> None:
    done = subprocess.run(
        [Path(sys.executable).parent / "lint-imports", "--no-cache"],
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-3000:]


def test_every_package_is_under_the_import_rules() -> None:
    ruled = PROJECT["tool"]["importlinter"]["root_packages"]
    assert sorted(ruled) == sorted(PACKAGES), "pyproject.toml: two lists of packages"


def test_the_edge_has_few_dependencies() -> None:
    project = PROJECT["project"]
    words = {*project["dependencies"], *project["optional-dependencies"]["edge"]}
    assert len(words) <= EDGE_DEPENDENCIES, (
        f"the base and the edge need {sorted(words)}: {EDGE_DEPENDENCIES} at most (ADR 3)"
    )


@pytest.mark.parametrize("need", requirements(), ids=str)
def test_what_the_project_needs_is_pinned(need: Requirement) -> None:
    name = canonicalize_name(need.name)
    assert name in pins(), f"{name} is not in constraints.txt: run make pins"
    version, _ = pins()[name]
    assert need.specifier.contains(version), (
        f"constraints.txt has {name} {version}, pyproject.toml asks for {need}: "
        "run make pins"
    )


def test_every_pin_carries_hashes() -> None:
    for name, (version, hashes) in pins().items():
        assert version, f"{name} is not pinned to one version"
        assert hashes, f"{name} carries no hash"
        assert all(word.startswith("--hash=sha256:") for word in hashes), name


@pytest.mark.parametrize("name", LOCKS)
def test_a_lock_holds_no_address_and_no_path(name: str) -> None:
    text = (ROOT / name).read_text()
    found = [match.group() for match in ADDRESSES.finditer(text)]
    assert not found, f"{name} has {found}: locks hold names, versions and hashes alone"


def test_page_assets_are_locked_by_hash_and_not_by_address() -> None:
    lock = json.loads((ROOT / "package-lock.json").read_text())["packages"]
    wanted = json.loads((ROOT / "package.json").read_text())["dependencies"]
    for name, version in wanted.items():
        assert lock[f"node_modules/{name}"]["version"] == version
    for name, entry in lock.items():
        assert "resolved" not in entry, f"{name} is resolved to an address"
        assert not name or entry["integrity"].startswith("sha512-"), name


def test_no_other_tool_locks_anything() -> None:
    assert [path for path in kept() if path.name in FOREIGN_LOCKS] == []


def test_no_script_of_others_is_committed() -> None:
    assert "web/static/vendor/" in (ROOT / ".gitignore").read_text().split()
    for path in kept():
        if path.suffix in (".js", ".mjs", ".cjs"):
            name = path.relative_to(ROOT).as_posix()
            longest = max(map(len, path.read_text().splitlines()), default=0)
            assert name.startswith("web/static/"), f"{name}: pages' scripts only"
            assert ".min." not in name, f"{name}: fetched at build time, not committed"
            assert longest <= SCRIPT_LINE, f"{name}: minified, or a line too long"
