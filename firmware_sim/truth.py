"""What was truly so, and when: for scoring those who had to find out."""

import csv
import io
from collections.abc import Iterable

import msgspec
from msgspec import Struct


class Truth(Struct, frozen=True, order=True):
    """Something was so in ``[start_ms, end_ms)``.

    ``kind`` is a fault's kind, ``activity.`` with what a boat did, or ``world.`` with a
    condition of the water. An empty ``probe`` or ``channel`` means all; ``site`` is for
    what has no device.
    """

    start_ms: int
    end_ms: int
    kind: str
    device: str = ""
    probe: str = ""
    channel: str = ""
    site: str = ""
    detail: str = ""


def as_csv(truths: Iterable[Truth]) -> str:
    """Return a header and one row each."""
    text = io.StringIO()
    rows = csv.writer(text, lineterminator="\n")
    rows.writerow(Truth.__struct_fields__)
    rows.writerows(msgspec.structs.astuple(truth) for truth in truths)
    return text.getvalue()
