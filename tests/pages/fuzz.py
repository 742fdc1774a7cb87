"""``make fuzz``: schemathesis over the whole API, all checks, at a site with two farms.

    python -m tests.pages.fuzz [--examples N] [further words for ``schemathesis run``]

The site is real and listens on a port; an operation is asked with a farmer's session or
his program's token, as it needs. ``fuzz.toml`` says which answers are right beside 2xx.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from fastapi import FastAPI

from greenwater.storage.registry.tokens import SCOPES
from tests.pages.farms import Farms
from tests.pages.serving import served
from tests.pages.world import NOW_MS, open_empty
from web.app import create_app
from web.door.doors import COOKIE

DAY_MS = 86_400_000
SECRET, SESSION = "fuzz-token", "fuzz-session"
CONFIG = Path(__file__).with_name("fuzz.toml")
HEADERS = {"X-API-Key": SECRET, "Cookie": f"{COOKIE}={SESSION}"}


def app_of(farms: Farms) -> FastAPI:
    """Return the site of two farms, with a way in for ``HEADERS``."""
    registry = farms.registry
    registry.add_api_token(
        "fuzz", SECRET, organisation="hoa", name="fuzz",
        scopes=SCOPES, now_ms=NOW_MS, expires_ms=NOW_MS + DAY_MS, made_by="hoa",
    )  # fmt: skip
    registry.open_session(SESSION, "hoa", now_ms=NOW_MS, expires_ms=NOW_MS + DAY_MS)
    return create_app(farms.services)


def main() -> int:
    """Run schemathesis; return its exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=100)
    asked, more = parser.parse_known_args()
    with tempfile.TemporaryDirectory() as name, open_empty(Path(name)) as world:
        app = app_of(Farms(world, Path(name)))
        app.openapi()  # takes a while the first time
        with served(app) as url:
            words = [
                *("--config-file", str(CONFIG), "run"),
                f"{url}/api/v1/openapi.json",
                *("--checks", "all", "--max-examples", str(asked.examples)),
                *("--seed", "7", "--continue-on-failure"),
            ]
            command = [sys.executable, "-m", "schemathesis.cli", *words, *more]
            return subprocess.run(command).returncode


if __name__ == "__main__":
    sys.exit(main())
