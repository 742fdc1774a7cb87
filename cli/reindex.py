"""`greenwater reindex`: old trace events made known to queries."""

import typer


def reindex() -> None:
    """Let queries find trace events that were recorded before migration 0009.

    The ledger stays as it is; run again, it changes nothing.
    """
    from cli.home import open_home
    from greenwater.storage.registry import open_registry
    from traceability.epcis.reindex import reindex as index

    with open_registry(open_home().registry_url) as registry:
        done, other = index(registry)
    typer.echo(f"{done} events indexed, {other} entries of the ledger are no events")
