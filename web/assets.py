"""Where what browsers load besides pages is: scripts, the style sheet, the land."""

from pathlib import Path
from typing import Final

STATIC: Final = Path(__file__).parent / "static"
