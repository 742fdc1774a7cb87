"""`greenwater verify`: what a label or a ledger is worth, with no network."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import msgspec
import typer

from greenwater.kernel.clock import open_clock
from greenwater.kernel.errors import InputError
from greenwater.kernel.reading import milliseconds

if TYPE_CHECKING:
    from traceability.proof.keys import KeysDocument
    from traceability.proof.verify import Status

LEDGER, LEDGER_FILE, DOSSIER_FILE = "ledger", ".jsonl", ".json"
IMAGES = {".png", ".jpg", ".jpeg", ".pdf", ".webp", ".bmp"}


def verify(
    labels: Annotated[
        list[str],
        typer.Argument(
            metavar="LABEL...",
            help="Labels' addresses, or files: text, picture, PDF; or a ledger: a file "
            "of `greenwater ledger export` (.jsonl), or the word ledger for this home's; "
            "or a dossier as /api/v1/dossiers/… gives it (.json).",
        ),
    ],
    keys: Annotated[
        Path | None,
        typer.Option(help="keys.json as the site publishes it; else this home's own."),
    ] = None,
    status: Annotated[
        Path | None, typer.Option(help="status.json as the site publishes it.")
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print verdicts as JSON, one a line.")
    ] = False,
) -> None:
    """Check signed labels, ledgers, dossiers offline; the exit status is 0 if all is good."""
    from traceability.proof.verify import read_status

    known = _keys(keys)
    listed = None if status is None else read_status(_read(status), known)
    worst = 0
    for label in labels:
        if label == LEDGER or label.endswith(LEDGER_FILE):
            found = _verify_ledger(label, known, as_json=as_json)
        elif label.endswith(DOSSIER_FILE):
            found = _verify_dossier(label, known, as_json=as_json)
        else:
            found = _verify_label(label, known, listed, as_json=as_json)
        worst = max(worst, found)
    raise typer.Exit(worst)


def _verify_label(
    label: str,
    known: "KeysDocument",
    listed: "Status | None",
    *,
    as_json: bool,
) -> int:
    """Tell what each label in a text or file is worth; return the exit status."""
    from traceability.proof.verify import Code, check

    is_good, now_ms = True, milliseconds(open_clock().now())
    for text in _texts(label):
        verdict = check(text, known, listed, now_ms)
        is_good &= verdict.code is Code.VALID
        if as_json:
            typer.echo(msgspec.json.encode(verdict).decode())
            continue
        what = f"{verdict.gtin} {verdict.lot} {verdict.serial}".strip() or text[:80]
        told = "" if verdict.code is Code.ALTERED else _told(verdict.facts)
        typer.echo(f"{verdict.code}: {what}{told}")
    return 0 if is_good else 1


def _verify_ledger(label: str, known: "KeysDocument", *, as_json: bool) -> int:
    """Tell the first altered entry of a ledger; return the exit status."""
    from traceability.ledger.roots import check_export, check_registry

    if label == LEDGER:
        from cli.home import open_home
        from greenwater.storage.registry import open_registry

        with open_registry(open_home().registry_url) as registry:
            found = check_registry(registry, known)
    else:
        found = check_export(_read(Path(label)).decode().splitlines(), known)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
    elif found.altered is None:
        typer.echo(f"whole: {found.events} events, {found.roots} signed roots")
    else:
        bad = found.altered
        what = f"{bad.organisation} event {bad.number} {bad.event}".strip()
        typer.echo(f"altered: {what if bad.organisation else bad.event}: {bad.why}")
    return 0 if found.altered is None else 1


def _verify_dossier(label: str, known: "KeysDocument", *, as_json: bool) -> int:
    """Tell the first altered step of a dossier; return the exit status."""
    from traceability.vietgap.dossier_chain import check_document

    found = check_document(_read(Path(label)), known)
    if as_json:
        typer.echo(msgspec.json.encode(found._asdict()).decode())
    elif found.broken is None:
        typer.echo(f"whole: dossier {found.dossier}, {found.steps} signed steps")
    else:
        number, why = found.broken
        typer.echo(f"altered: dossier {found.dossier} step {number}: {why}")
    return 0 if found.broken is None else 1


def _told(facts: Mapping[str, str]) -> str:
    """Return what a label says of the goods, to hold the package against."""
    from traceability.proof.labelfacts import read_facts

    goods = read_facts(facts)
    days = dict.fromkeys(str(one) for one in goods.harvested or ())
    parts = [
        goods.species,
        None if goods.net_kg is None else f"{goods.net_kg:g} kg",
        "/".join(days) and f"harvested {'/'.join(days)}",
        goods.method and f"method {goods.method}",
        goods.area and f"area {goods.area}",
        goods.gear and f"gear {goods.gear}",
        goods.use_by and f"use by {goods.use_by}",
    ]
    found = ", ".join(one for one in parts if one)
    return found and f" ({found})"


def _keys(path: Path | None) -> "KeysDocument":
    from traceability.proof.keys import keys_document, read_keys

    if path is not None:
        return read_keys(_read(path))
    from cli.home import open_home
    from greenwater.storage.registry import open_registry

    with open_registry(open_home().registry_url) as registry:
        return keys_document(registry.signing_keys())


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as exc:
        raise InputError(f"cannot read {path}: {exc.strerror}") from exc


def _texts(label: str) -> list[str]:
    path = Path(label)
    if "://" in label or not path.is_file():
        return [label]
    if path.suffix.lower() in IMAGES:
        return _scanned(path)
    try:
        lines = _read(path).decode("utf-8").splitlines()
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is neither text nor a picture") from exc
    return [line for line in lines if line.strip()]


def _scanned(path: Path) -> list[str]:
    try:
        import pypdfium2
        import zxingcpp
        from PIL import Image
    except ModuleNotFoundError as exc:
        raise InputError(
            f"{path} is a picture: reading codes needs pip install zxing-cpp pypdfium2"
        ) from exc
    if path.suffix.lower() == ".pdf":
        document = pypdfium2.PdfDocument(str(path))
        pages = [page.render(scale=300 / 72).to_pil() for page in document]
    else:
        pages = [Image.open(path)]
    # Of the dots of a sheet a reader of bars makes a word now and then.
    kinds = zxingcpp.BarcodeFormats(
        [zxingcpp.BarcodeFormat.QRCode, zxingcpp.BarcodeFormat.DataMatrix]
    )
    found = [
        one.text
        for page in pages
        for one in zxingcpp.read_barcodes(page, formats=kinds)
    ]
    if not found:
        raise InputError(f"no code can be read in {path}")
    return found
