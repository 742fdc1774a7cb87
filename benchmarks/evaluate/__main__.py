"""``make evaluate``: print the tables of the analytics pages anew, one part after another."""

import argparse
import importlib
import sys
import time

PARTS = (
    "flags",
    "alarms",
    "alarms_perturbed",
    "water",
    "water_alone",
    "water_held_out",
    "water_perturbed",
    "oxygen",
    "oxygen_perturbed",
    "track",
    "track_perturbed",
)


def main() -> int:
    """Run the parts that are named, all of them by default."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", choices=[*PARTS, []], default=list(PARTS))
    for part in parser.parse_args().parts:
        began_s = time.perf_counter()
        print(f"## {part}\n", flush=True)
        importlib.import_module(f"benchmarks.evaluate.{part}").main()
        took_s = time.perf_counter() - began_s
        print(f"\n{part}: {took_s:.0f} s", file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
