"""`greenwater bench`: the measurements of docs/benchmarks.md, from a source checkout."""

import runpy
import sys
from pathlib import Path

import typer

from greenwater.kernel.errors import ConfigError

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


@app.command(context_settings=FREE_WORDS)
def ingest(context: typer.Context) -> None:
    """Receive-only, write-only and the pipeline with durable acks, in one run."""
    _run("ingest", context.args)


@app.command(context_settings=FREE_WORDS)
def edge(context: typer.Context) -> None:
    """Memory, CPU, commits and the draining of a backlog, on one box."""
    _run("edge", context.args)


@app.command(context_settings=FREE_WORDS)
def analytics(context: typer.Context) -> None:
    """Readings flagged a second, ten thousand channels at once, state of a channel."""
    _run("analytics", context.args)


@app.command(context_settings=FREE_WORDS)
def label(context: typer.Context) -> None:
    """A thousand labels signed and printed on a PDF."""
    _run("label", context.args)


@app.command(context_settings=FREE_WORDS)
def query(context: typer.Context) -> None:
    """Passports and event queries from ten thousand events to a million, a long chain."""
    _run("query", context.args)


@app.command(context_settings=FREE_WORDS)
def trace(context: typer.Context) -> None:
    """Tracing lots in a graph of ten thousand steps, and who has what of a recall."""
    _run("trace", context.args)


@app.command(context_settings=FREE_WORDS)
def load(context: typer.Context) -> None:
    """Two hundred farmers with live pages, labels scanned, memory over a soak."""
    _run("load", context.args)
