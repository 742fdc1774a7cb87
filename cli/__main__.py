"""``python -m cli``: the same as ``greenwater``, for children of the supervisor."""

from cli.main import main

main()
