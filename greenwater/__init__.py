"""What every service shares: the words, the dated rules, the two databases."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("greenwater")
except PackageNotFoundError:  # run from a source tree that was never installed
    __version__ = "0+unknown"
