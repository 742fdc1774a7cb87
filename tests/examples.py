"""How many examples a property tries that has a number of its own."""

from hypothesis import settings


def examples(usual: int) -> int:
    """Return so many as usual; in a search (``tests/conftest.py``) as much more as elsewhere."""
    return usual * settings().max_examples // 50
