"""`greenwater score`: run the analytics on your own CSV."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Run the analytics on your own CSV: streaming, with no look-ahead.",
    no_args_is_help=True,
)

File = Annotated[
    Path, typer.Argument(help="A CSV with a column 'time', gzipped or not.")
]


@contextmanager
def _progress(label: str) -> Iterator[Callable[[int, int], None]]:
    """Yield what takes (done, all) and draws a bar on standard error."""
    with typer.progressbar(
        length=1000, label=label, file=typer.get_text_stream("stderr")
    ) as bar:
        reached = 0

        def told(done: int, whole: int) -> None:
            nonlocal reached
            at = 1000 * done // max(whole, 1)
            bar.update(at - reached)
            reached = at

        yield told


@app.command()
def water(
    file: File,
    out: Annotated[Path, typer.Option(help="One row a reading: flag, score, episode.")],
    channels: Annotated[
        str, typer.Option(help="Only these columns, separated by commas.")
    ] = "",
    limits: Annotated[
        str,
        typer.Option(
            help="A species (PNV, NUR, …): its levels, and the alarms they would have made."
        ),
    ] = "",
    label: Annotated[
        Path | None,
        typer.Option(help="A CSV of time and one 0/1 column, to learn from."),
    ] = None,
    train_until: Annotated[
        str, typer.Option(help="Learn from what is before this instant.")
    ] = "",
) -> None:
    """Flag readings, score anomalies, find episodes."""
    from analytics.score.water import score_water

    with _progress("water") as told:
        summary = score_water(
            file,
            out,
            channels=channels,
            limits=limits,
            label=label,
            train_until=train_until,
            progress=told,
        )
    typer.echo(summary)


@app.command()
def oxygen(
    file: File,
    out: Annotated[Path, typer.Option(help="One row a forecast.")],
    train_until: Annotated[
        str, typer.Option(help="Forecast from this instant on; learn from before it.")
    ],
) -> None:
    """Forecast oxygen 1, 3, 6, 12 and 24 hours ahead, beside the naive forecast.

    In the output time is when a forecast was made, and it is for horizon_h hours later;
    low and high are a 90 % band, used is what made it: the model, or a simple forecast
    while the model has not been better. Other columns of the file are inputs.
    """
    from analytics.score.oxygen import score_oxygen

    with _progress("oxygen") as told:
        summary = score_oxygen(file, out, train_until=train_until, progress=told)
    typer.echo(summary)


@app.command()
def track(
    file: File,
    out: Annotated[Path, typer.Option(help="One row a position: activity.")],
    trips: Annotated[
        Path | None, typer.Option(help="One row a trip; beside --out by default.")
    ] = None,
) -> None:
    """Say of a vessel's positions where it was fishing, and which trips it made."""
    from analytics.score.track import score_track

    with _progress("track") as told:
        summary = score_track(file, out, trips=trips, progress=told)
    typer.echo(summary)
