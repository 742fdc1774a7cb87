"""``make chaos``: at least 300 faults on Mosquitto and on nats-server, and a table each."""

import argparse
import sys
import tempfile
from pathlib import Path

from tests.live.chaos import World, run_chaos


def main() -> int:
    """Run, print the tables, answer 1 where a promise was broken."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--faults", type=int, default=300)
    parser.add_argument("--devices", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument(
        "--broker", choices=["mosquitto", "nats", "both"], default="both"
    )
    wanted = parser.parse_args()
    brokers = ["mosquitto", "nats"] if wanted.broker == "both" else [wanted.broker]
    broken = 0
    for broker in brokers:
        with tempfile.TemporaryDirectory() as folder:
            world = World(
                Path(folder),
                devices=wanted.devices,
                broker=broker,
                seed=wanted.seed,
                say=lambda text: print(text, file=sys.stderr, flush=True),
            )
            verdict = run_chaos(world, wanted.faults // len(brokers))
        print(f"\n## {broker}, {wanted.devices} boxes, seed {wanted.seed}\n")
        print(verdict.table(), flush=True)
        broken += len(verdict.missing) + len(verdict.different)
        for line in (*verdict.missing[:10], *verdict.different[:10]):
            print(f"BROKEN: {line}")
    return 1 if broken else 0


if __name__ == "__main__":
    raise SystemExit(main())
