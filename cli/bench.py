"""`greenwater bench`: the measurements of docs/benchmarks.md, from a source checkout."""

import runpy
import sys
from collections.abc import Callable
from pathlib import Path

import typer

from greenwater.kernel.errors import ConfigError

MEASURES = {
    "ingest": "Receive-only, write-only and the pipeline with durable acks, in one run.",
    "edge": "Memory, CPU, commits and the draining of a backlog, on one box.",
    "analytics": "Readings flagged a second, ten thousand channels at once, state of a "
    "channel.",
    "label": "A thousand labels signed and printed on a PDF.",
    "query": "Passports and event queries from ten thousand events to a million, a long "
    "chain.",
    "trace": "Tracing lots in a graph of ten thousand steps, and who has what of a "
    "recall.",
    "load": "Two hundred farmers with live pages, labels scanned, memory over a soak.",
}
app = typer.Typer(help="Measure; tables on standard output.", no_args_is_help=True)
FREE_WORDS = {
    "allow_extra_args": True,
    "ignore_unknown_options": True,
    "help_option_names": [],
}


def _run(name: str, words: list[str]) -> None:
    root = Path(__file__).resolve().parents[1]
    if not (root / "benchmarks" / f"{name}.py").exists():
        raise ConfigError(
            "benchmarks need a source checkout: git clone, then make bench"
        )
    sys.path.insert(0, str(root))
    sys.argv = [f"greenwater bench {name}", *words]
    runpy.run_module(f"benchmarks.{name}", run_name="__main__")


def _measure(name: str) -> Callable[[typer.Context], None]:
    def measure(context: typer.Context) -> None:
        _run(name, context.args)

    return measure


for _name, _what in MEASURES.items():
    app.command(_name, help=_what, context_settings=FREE_WORDS)(_measure(_name))
