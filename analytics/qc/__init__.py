"""Quality flags: what each QARTOD test says of each reading. Pure.

One reading at a time, with a small state in between, so that a stream has the same flags
however it is cut into batches. Nothing here looks into the future but the spike test,
which by its definition knows a reading only when the next one is there: it then says so
of the one before.
"""
