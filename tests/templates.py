"""Registry files with the newest schema and no rows: migrated once, copied after."""

import functools
import tempfile
from pathlib import Path

from greenwater.storage.registry import migrate


@functools.cache
def _template() -> bytes:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "template.db"
        migrate(f"sqlite:///{path}")
        return path.read_bytes()


def empty_registry(path: Path) -> str:
    """Return the URL of a new registry at ``path``; one that is there stays as it is."""
    if not path.exists():
        path.write_bytes(_template())
    return f"sqlite:///{path}"
