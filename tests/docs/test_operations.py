"""docs/operations.md names everything that an operator can set, read or meet."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
import typer

from analytics.settings import AnalyticsSettings
from cli.home import HomeSettings
from cli.main import build
from edge.control import Rule
from edge.settings import (
    BusSettings,
    EdgeSettings,
    NmeaSettings,
    OutputSettings,
    ProbeSettings,
)
from ingest.counters import NAMES
from ingest.settings import IngestSettings
from web.settings import WebSettings

ROOT = Path(__file__).resolve().parents[2]
PAGE = (ROOT / "docs" / "operations.md").read_text()
QUOTES = re.findall(r"`([^`]+)`", PAGE)
QUOTED = {*QUOTES, *re.findall(r"[\w./{}\[\]-]+", " ".join(QUOTES))}
COMMANDS = " ".join(re.findall(r"`([^`]+)`", PAGE))
STRUCTS: list[type[msgspec.Struct]] = [
    IngestSettings,
    AnalyticsSettings,
    WebSettings,
    HomeSettings,
    EdgeSettings,
    BusSettings,
    ProbeSettings,
    NmeaSettings,
    OutputSettings,
    Rule,
]
LOUD = re.compile(r"\blog\.(?:warning|error|exception|critical)\(\s*\"([\w.]+)\"")
ROUTE = re.compile(r"\broutes\.\w+\(\s*\"([^\"]+)\"|openapi_url=\"([^\"]+)\"")


def settings() -> list[str]:
    names = {f.name for kind in STRUCTS for f in msgspec.structs.fields(kind)}
    return sorted(names)


def loud_events() -> list[str]:
    return sorted(
        {
            name
            for package in (
                "analytics",
                "edge",
                "ingest",
                "traceability",
                "greenwater",
                "cli",
                "web",
                "firmware_sim",
            )
            for path in (ROOT / package).rglob("*.py")
            for name in LOUD.findall(path.read_text())
        }
    )


def routes() -> list[str]:
    text = "".join(path.read_text() for path in (ROOT / "web").rglob("*.py"))
    return sorted({a or b for a, b in ROUTE.findall(text)} | {"/static"})


def commands() -> list[str]:
    def walk(group: Any, before: str) -> Iterator[str]:
        for name, command in group.commands.items():
            if hasattr(command, "commands"):
                yield from walk(command, f"{before}{name} ")
            else:
                yield before + name

    return sorted(walk(typer.main.get_command(build(["all"])), ""))


def todo(what: str, name: str, heading: str) -> str:
    """Return what to do about a name that the page does not have."""
    return (
        f'docs/operations.md, "{heading}": write `{name}` and what this {what} is for'
    )


@pytest.mark.parametrize("name", settings())
def test_a_setting_is_explained(name: str) -> None:
    is_there = name in QUOTED or f"[[{name}]]" in PAGE or f"[[buses.{name}]]" in PAGE
    assert is_there, todo("setting", name, "Settings of …")


@pytest.mark.parametrize("name", loud_events())
def test_a_warning_is_explained(name: str) -> None:
    assert name in QUOTED, todo("warning", name, "Log events")


@pytest.mark.parametrize("name", NAMES)
def test_a_counter_is_explained(name: str) -> None:
    assert name in QUOTED, todo("counter", name, "Metrics")


@pytest.mark.parametrize("name", routes())
def test_a_route_is_explained(name: str) -> None:
    assert name in QUOTED, todo("route", name, "The site")


def unsaid(command: Any, path: str) -> Iterator[str]:
    """Yield each option and argument that ``--help`` shows without a word about it."""
    for one in command.params:
        if not getattr(one, "help", None):
            yield f"{path}: {one.name}"
    for name, below in getattr(command, "commands", {}).items():
        yield from unsaid(below, f"{path} {name}")


def test_help_says_of_everything_what_it_is() -> None:
    assert list(unsaid(typer.main.get_command(build(["all"])), "greenwater")) == []


@pytest.mark.parametrize("name", commands())
def test_a_command_is_explained(name: str) -> None:
    found = re.search(rf"(?<![\w-]){re.escape(name)}(?![\w-])", COMMANDS)
    assert found, todo("command", f"greenwater {name}", "Commands")


def test_the_tables_were_found_at_all() -> None:
    assert len(loud_events()) > 20
    assert len(routes()) > 30
    assert len(commands()) > 25
