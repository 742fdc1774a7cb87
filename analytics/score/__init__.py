"""`greenwater score`: the production code on anyone's CSV, streaming, no look-ahead.

``table`` reads the file; ``water``, ``oxygen`` and ``track`` put it through what the
platform runs on its own readings, and write what design §8 says.
"""
