"""Put the tables of a long run into the page that shows them:
``make evaluate PARTS=oxygen | tee run.txt``, then
``python -m benchmarks.refill docs/analytics-oxygen.md < run.txt``.

A page's table is the run's where their headers are equal, to the letter. A row is found by
its first cells, as many as tell the run's rows apart and the page's; a page may show some
rows only, in an order of its own. What the run did not print stays, and is said.
"""

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Final, TypeAlias

Row: TypeAlias = tuple[str, ...]
Tables: TypeAlias = dict[Row, list[Row]]

RULE: Final = set("-: ")


def cells(line: str) -> Row:
    """Return the cells of a table's line."""
    return tuple(cell.strip() for cell in line.strip().strip("|").split("|"))


def tables_of(lines: list[str]) -> Iterator[tuple[int, Row, list[Row]]]:
    """Yield each table: the line its rows begin at, its header and its rows."""
    at = 0
    while at < len(lines):
        if not lines[at].startswith("|"):
            at += 1
            continue
        first = at
        while at < len(lines) and lines[at].startswith("|"):
            at += 1
        head, *rest = (cells(line) for line in lines[first:at])
        if rest and set("".join(rest[0])) <= RULE:
            yield first + 2, head, rest[1:]


def printed(lines: list[str]) -> Tables:
    """Return a run's rows by header; a table that is printed in parts is one."""
    found: Tables = {}
    for _, head, rows in tables_of(lines):
        found.setdefault(head, []).extend(rows)
    return found


def names_of(rows: list[Row]) -> list[Row]:
    """Return rows as they are told apart: "…" goes on from the row above it."""
    named, above = [], ""
    for first, *rest in rows:
        above = above if first.startswith("…") else first
        named.append((above + first if first.startswith("…") else first, *rest))
    return named


def key_length(named: list[Row]) -> int:
    """Return how many first cells tell the rows apart.

    Raises:
        ValueError: two rows differ in their last cell at most, so that is no name.

    """
    for length in range(1, max(map(len, named), default=2)):
        if len({row[:length] for row in named}) == len(named):
            return length
    raise ValueError(f"two rows cannot be told apart, among them: {named[0]}")


def refilled(page: str, run: str) -> tuple[str, list[Row]]:
    """Return the page with the run's figures, and the rows that the run has not.

    Raises:
        ValueError: rows of the run, or of the page, cannot be told apart.

    """
    lines, told = page.split("\n"), printed(run.split("\n"))
    missing: list[Row] = []
    for first, head, rows in tables_of(lines):
        if head not in told:
            continue
        printed_names, names = names_of(told[head]), names_of(rows)
        length = max(key_length(printed_names), key_length(names))
        new = {
            name[:length]: row
            for name, row in zip(printed_names, told[head], strict=True)
        }
        for at, (name, row) in enumerate(zip(names, rows, strict=True), first):
            if name[:length] in new:
                lines[at] = f"| {' | '.join(new[name[:length]])} |"
            else:
                missing.append(row)
    return "\n".join(lines), missing


def main(path: str) -> int:
    """Write the page anew from what stands on the standard input."""
    page = Path(path)
    before = page.read_text()
    after, missing = refilled(before, sys.stdin.read())
    page.write_text(after)
    pairs = zip(before.split("\n"), after.split("\n"), strict=True)
    print(f"{path}: {sum(old != new for old, new in pairs)} rows changed")
    for row in missing:
        print(f"not in this run: {' | '.join(row)}")
    return 0


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("page", help="the page whose tables are filled")
    raise SystemExit(main(parser.parse_args().page))
