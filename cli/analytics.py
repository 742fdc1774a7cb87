"""`greenwater analytics`: the service; `backfill`: the same on a stretch of the past."""

from typing import Annotated

import typer

from greenwater.kernel import logs
from greenwater.kernel.clock import open_clock
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds
from greenwater.kernel.settings import load
from greenwater.storage.backup.mark import refuse_unfinished

app = typer.Typer(
    help="Run analytics: quality flags, alarms, and telling people of them."
)


@app.callback(invoke_without_command=True)
def analytics(context: typer.Context) -> None:
    """Run analytics: quality flags, alarms, and telling people of them."""
    from analytics.bootstrap import run_analytics
    from analytics.settings import AnalyticsSettings
    from cli.supervisor import stop_on_signals

    if context.invoked_subcommand is not None:
        return
    settings = load(AnalyticsSettings, prefix="GREENWATER_ANALYTICS_")
    logs.configure("analytics", level=settings.log_level)
    refuse_unfinished(settings.home)
    run_analytics(settings, open_clock(), stop_on_signals())


@app.command()
def backfill(
    start: Annotated[str, typer.Option("--from", help="From this instant on.")],
    end: Annotated[str, typer.Option("--to", help="Until before this instant.")],
    unit: Annotated[
        str, typer.Option(help="Only what hangs, or hung, in this unit.")
    ] = "",
    device: Annotated[str, typer.Option(help="Only this device.")] = "",
) -> None:
    """Flag a stretch of the past again, derive what follows; find episodes, and alarms: late ones, of which nobody is told."""
    from analytics.bootstrap import run_backfill
    from analytics.settings import AnalyticsSettings
    from cli.times import parse_time

    from_ms, to_ms = parse_time(start, "--from"), parse_time(end, "--to")
    if from_ms >= to_ms:
        raise InputError(f"--from {start} is not before --to {end}: nothing to flag")
    settings = load(AnalyticsSettings, prefix="GREENWATER_ANALYTICS_")
    logs.configure("analytics", level="warning")
    with typer.progressbar(length=1000, label="flagging") as bar:
        filled = run_backfill(
            settings,
            from_ms,
            to_ms,
            unit=unit,
            device=device,
            now_ms=milliseconds(open_clock().now()),
            progress=lambda done, of: bar.update(done * 1000 // of - bar.pos),
        )
    typer.echo(
        f"{filled.flagged} readings flagged; not known and found: "
        f"{filled.episodes} episodes, {filled.alarms} alarms of the past"
    )
