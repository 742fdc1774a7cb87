"""Tracing lots in a graph of ten thousand steps: back, forward, who has it, recall.

``greenwater bench trace [--registry URL] [--steps N]``; without a URL a SQLite file
that is thrown away. Two shapes: a chain, where each lot is made of the one before (the
deepest that there can be), and a web, where each step takes one to three of the last
fifty lots.
"""

import argparse
import random
import statistics
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from sqlalchemy import insert

from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.registry.labels import Recall
from greenwater.storage.registry.models.books import LotRow
from greenwater.storage.registry.models.lots import LotFlowRow, LotStepRow
from traceability.goods.genealogy import first_broken
from traceability.label.recalls import recall_reach

NOW: Final = 1_780_000_000_000
GTIN: Final = "09521234543213"
RUNS: Final = 5


def main() -> None:
    """Fill registries and print one table."""
    parser = argparse.ArgumentParser(prog="greenwater bench trace", description=__doc__)
    parser.add_argument("--registry", help="an empty database's URL")
    parser.add_argument("--steps", type=int, default=10_000)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        url = options.registry or f"sqlite:///{Path(folder)}/registry.db"
        with open_registry(url) as registry:
            _begin(registry)
            print(
                "| graph | lots | links | what | median ms | slowest ms | of CPU, median |"
            )
            print("|---|--:|--:|---|--:|--:|--:|")
            for shape, choose in (("chain", _chain), ("web", _web)):
                _measure(registry, shape, choose, options.steps)


def _begin(registry: Registry) -> None:
    registry.add_organisation("hoa", "Hộ Hòa")
    registry.add_person("hoa", "Hòa", "+84905000001")
    registry.add_product(
        GTIN, organisation="hoa", name_vi="Tôm", name_en="Shrimp", species="PNV"
    )


def _chain(_rng: random.Random, number: int) -> Sequence[int]:
    return [number - 1]


def _web(rng: random.Random, number: int) -> Sequence[int]:
    recent = range(max(0, number - 50), number)
    return sorted(rng.sample(recent, min(len(recent), rng.randint(1, 3))))


def _measure(
    registry: Registry,
    shape: str,
    choose: Callable[[random.Random, int], Sequence[int]],
    steps: int,
) -> None:
    _fill(registry, shape, choose, steps)
    first, last = f"{shape}-0", f"{shape}-{steps}"
    _, links = registry.lots_from(first)
    reached, _ = registry.sources_of(last)
    registry.call_back(Recall(first, "x", "y", NOW, "hoa", None), lambda _lots: {})

    def judged() -> object:
        lots, edges = registry.sources_of(last)
        return first_broken(last, lots, edges, registry.flows_of_sources(last))

    for what, act in (
        ("trace back", lambda: registry.sources_of(last)),
        ("trace forward", lambda: registry.lots_from(first)),
        ("first broken link", judged),
        ("is it recalled", lambda: registry.recalls_upon(last)),
        ("every recalled lot", lambda: registry.recalled_lots()),
        ("recall: who has it", lambda: recall_reach(registry, first)),
    ):
        times, worked = [], []
        for _ in range(RUNS):
            begun, busy = time.perf_counter(), time.process_time()
            act()
            times.append((time.perf_counter() - begun) * 1000)
            worked.append((time.process_time() - busy) * 1000)
        print(
            f"| {shape} | {len(reached):,} | {len(links):,} | {what} "
            f"| {statistics.median(times):,.0f} | {max(times):,.0f} "
            f"| {statistics.median(worked):,.0f} |",
            flush=True,
        )
    registry.end_call_back(first, lambda _lots: {}, NOW)


def _fill(
    registry: Registry,
    shape: str,
    choose: Callable[[random.Random, int], Sequence[int]],
    steps: int,
) -> None:
    rng = random.Random(1)
    lots = [_lot(shape, 0)]
    made, flows = [], []
    for number in range(1, steps + 1):
        step = f"{shape}-step-{number}"
        sources = choose(rng, number)
        made.append(_step(step))
        lots.append(_lot(shape, number))
        moved = [("in", f"{shape}-{one}") for one in sources]
        for place, (direction, lot) in enumerate(
            [*moved, ("out", f"{shape}-{number}")]
        ):
            kg = 1.0 if direction == "in" else float(len(sources))
            flows.append(_flow(step, place, direction, lot, kg))
    with registry._sessions.writing() as session:
        for model, rows in ((LotStepRow, made), (LotRow, lots), (LotFlowRow, flows)):
            for at in range(0, len(rows), 1_000):
                session.execute(insert(model), rows[at : at + 1_000])


def _step(step: str) -> dict[str, object]:
    return {
        "id": step, "organisation": "hoa", "kind": "process", "at_ms": NOW,
        "entered_ms": NOW, "entered_by": "hoa", "recipient": None, "shipment": None,
        "fields": {}, "digest": "",
    }  # fmt: skip


def _lot(shape: str, number: int) -> dict[str, object]:
    step = f"{shape}-step-{number}" if number else None
    return {
        "id": f"{shape}-{number}", "organisation": "hoa", "code": f"{shape}{number}",
        "product": GTIN, "origin": "step" if number else "landing", "crop": None,
        "unit": None, "harvest": None, "landing": None if number else "x", "step": step,
        "harvested_ms": NOW, "kg": 100.0, "evidence": {}, "evidence_digest": "",
        "created_ms": NOW + number, "created_by": "hoa",
    }  # fmt: skip


def _flow(
    step: str, place: int, direction: str, lot: str, kg: float
) -> dict[str, object]:
    return {
        "step": step, "number": place, "organisation": "hoa", "lot": lot,
        "direction": direction, "kg": kg, "species": "PNV", "package": None,
    }  # fmt: skip


if __name__ == "__main__":
    main()
