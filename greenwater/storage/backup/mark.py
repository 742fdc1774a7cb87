"""The mark of a restore that is under way: no service starts beside it."""

from pathlib import Path
from typing import Final

from greenwater.kernel.errors import ConfigError

UNFINISHED: Final = "restore.unfinished"


def refuse_unfinished(home: Path) -> None:
    """Say so if a restore into this folder was not finished.

    Raises:
        ConfigError: services must not start on half of a platform.
    """
    mark = home / UNFINISHED
    if mark.exists():
        raise ConfigError(
            f"a restore into {home} was not finished: run the same greenwater restore "
            "again"
        )
