"""Tables that people bring as CSV files, from spreadsheets too, read row by row."""

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from greenwater.kernel.errors import InputError


def rows_of(
    path: Path, needed: Sequence[str]
) -> Iterator[tuple[int, Mapping[str, str]]]:
    """Yield each row with its number in the file, the header being 1.

    UTF-8, with a byte order mark or without. A cell that is not there is empty, blanks
    around one are not part of it, and empty lines are passed over.

    Raises:
        InputError: the file cannot be read, or lacks one of the columns ``needed``.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            there = reader.fieldnames or []
            missing = [name for name in needed if name not in there]
            if missing:
                raise InputError(
                    f"{path}: there is no column {missing[0]!r} among "
                    f"{', '.join(there) or 'none'}: the first line names the columns, "
                    "with commas between them"
                )
            for row in reader:
                cells = {name: (row[name] or "").strip() for name in there}
                yield reader.line_num, cells
    except OSError as exc:
        raise InputError(f"{path} cannot be read: {exc.strerror}") from exc
    except UnicodeDecodeError as exc:
        raise InputError(f"{path} is not UTF-8 text: {exc}") from exc
    except csv.Error as exc:
        raise InputError(f"{path} is not CSV: {exc}") from exc
