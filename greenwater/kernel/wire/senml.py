"""A SenML record (RFC 8428 §4) as this wire uses it, and the limits of a pack."""

from typing import Annotated, Final

from msgspec import UNSET, Meta, Struct, UnsetType

MAX_RECORDS: Final = 5_000
MAX_INFLATED_BYTES: Final = 256 * 1024
EARLIEST_S: Final = 946_684_800  # 2000-01-01T00:00:00Z
MAX_AHEAD_S: Final = 24 * 3600
MAX_VERSION: Final = 10
MAX_GAP_S: Final = 1e9
MAX_REASON: Final = 40
"""Characters of a gap's reason that are kept."""

GAP: Final = "gap"
"""The name that stands in a channel's place in a gap record."""


class Record(Struct, gc=False, omit_defaults=True):
    """One record. Labels that start with ``b`` hold for all that follow.

    ``bgwq``, ``gwc``, ``gwn`` and ``gwr`` are ours (RFC 8428 §4.4 lets others ignore
    them): clock quality from here on; salinity-compensated; a gap's count and reason.
    ``v`` is null where the probe answered badly, and unset where it is not a number.
    """

    bn: str | None = None
    bt: float | None = None
    bu: str | None = None
    bv: float | None = None
    bver: Annotated[int, Meta(ge=0, le=10**6)] | None = None
    bgwq: str | None = None
    n: str = ""
    u: str | None = None
    v: float | UnsetType | None = UNSET
    vb: bool | None = None
    vs: str | None = None
    vd: str | None = None
    s: float | None = None
    t: float = 0.0
    gwc: bool | None = None
    gwn: Annotated[int, Meta(ge=0, le=10**12)] | None = None
    gwr: str | None = None


BASE_LABELS: Final = frozenset({"bver", "bn", "bt", "bu", "bv", "bgwq"})

CBOR_LABELS: Final[dict[int, str]] = {
    -1: "bver",
    -2: "bn",
    -3: "bt",
    -4: "bu",
    -5: "bv",
    -6: "bs",
    0: "n",
    1: "u",
    2: "v",
    3: "vs",
    4: "vb",
    5: "s",
    6: "t",
    7: "ut",
    8: "vd",
}
"""RFC 8428 §6, table 4."""
