"""Write constraints-run.txt: of constraints.txt, what the program needs to run.

    python tools/run_pins.py

`make demo` installs these alone, without what only tests and checks need. They are taken
from what is installed (`make pins` installs all of constraints.txt first).
"""

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from importlib.metadata import requires
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ALL, RUN = Path("constraints.txt"), Path("constraints-run.txt")


def main() -> None:
    """Write the file."""
    project = tomllib.loads(Path("pyproject.toml").read_text())
    RUN.write_text(run_pins(ALL.read_text(), project))


def run_pins(pins: str, project: Mapping[str, dict[str, object]]) -> str:
    """Return the blocks of ``pins`` for everything but the ``dev`` extra, in order.

    Raises:
        SystemExit: something that is needed has no pin.
    """
    blocks = dict(_blocks(pins))
    needed = _closure(_wanted(project))
    missing = sorted(needed - set(blocks))
    if missing:
        raise SystemExit(f"constraints.txt has no pin for {', '.join(missing)}")
    return "".join(block for name, block in blocks.items() if name in needed)


def _wanted(project: Mapping[str, dict[str, object]]) -> list[str]:
    told, system = project["project"], project["build-system"]
    found = [*_texts(told["dependencies"]), *_texts(system["requires"]), "editables"]
    extras = told["optional-dependencies"]
    assert isinstance(extras, dict)
    for extra, names in extras.items():
        found += [] if extra == "dev" else _texts(names)
    return found


def _texts(value: object) -> list[str]:
    assert isinstance(value, list)
    return [str(one) for one in value]


def _closure(wanted: Iterable[str]) -> set[str]:
    found: set[tuple[str, str]] = set()
    waiting = [Requirement(text) for text in wanted]
    while waiting:
        one = waiting.pop()
        for extra in ["", *one.extras]:
            key = canonicalize_name(one.name), extra
            if key in found:
                continue
            found.add(key)
            waiting += _needs(one.name, extra)
    return {name for name, _ in found}


def _needs(name: str, extra: str) -> Iterator[Requirement]:
    for text in requires(name) or ():
        one = Requirement(text)
        if one.marker is None or one.marker.evaluate({"extra": extra}):
            yield one


def _blocks(pins: str) -> Iterator[tuple[str, str]]:
    for block in re.split(r"(?m)^(?=[A-Za-z0-9])", pins):
        name = re.match(r"[A-Za-z0-9._-]+", block)
        if name is not None:
            yield str(canonicalize_name(name.group())), block


if __name__ == "__main__":
    main()
