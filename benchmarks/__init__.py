"""Long runs whose printed tables go into docs/. Not timed tests."""
