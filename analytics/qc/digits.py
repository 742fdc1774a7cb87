"""All flags of a reading in one number: a decimal digit a test, in QARTOD's own order. Pure.

Plain numbers, not ``Flag`` and ``QualityTest`` themselves: arrays are made of them, and an
enumeration's arithmetic is several times as slow.
"""

from functools import lru_cache
from typing import Final

from greenwater.kernel.quality import Flag, QualityTest

GOOD: Final = int(Flag.GOOD)
UNKNOWN: Final = int(Flag.NOT_EVALUATED)
SUSPECT: Final = int(Flag.SUSPECT)
FAIL: Final = int(Flag.FAIL)
MISSING: Final = int(Flag.MISSING)


def _place(test: QualityTest) -> int:
    return int(10 ** (test - 1))


GAP: Final = _place(QualityTest.GAP)
SYNTAX: Final = _place(QualityTest.SYNTAX)
LOCATION: Final = _place(QualityTest.LOCATION)
GROSS: Final = _place(QualityTest.GROSS_RANGE)
CLIMATE: Final = _place(QualityTest.CLIMATOLOGY)
SPIKE: Final = _place(QualityTest.SPIKE)
RATE: Final = _place(QualityTest.RATE_OF_CHANGE)
FLAT: Final = _place(QualityTest.FLAT_LINE)
AGREES: Final = _place(QualityTest.MULTI_VARIATE)
ATTENUATED: Final = _place(QualityTest.ATTENUATED_SIGNAL)
NEAR: Final = _place(QualityTest.NEIGHBOR)

RANK: Final = (0, 3, 2, 4, 5, 0, 0, 0, 0, 1)
"""What rolls up over what, by flag (``ioos_qc.qartod.qartod_compare``)."""
OF_RANK: Final = (
    Flag.NOT_EVALUATED,
    Flag.MISSING,
    Flag.NOT_EVALUATED,
    Flag.GOOD,
    Flag.SUSPECT,
    Flag.FAIL,
)


@lru_cache(maxsize=4096)
def rolled(tests: int) -> Flag:
    """Return the worst of the tests' flags.

    Two are not in it: after a gap a reading is as good as any other, and a neighbour
    that differs says that one of two probes is wrong, not which.
    """
    tests = tests // SYNTAX % (NEAR // SYNTAX)
    worst = 0
    while tests:
        tests, digit = divmod(tests, 10)
        if RANK[digit] > worst:
            worst = RANK[digit]
    return OF_RANK[worst]
