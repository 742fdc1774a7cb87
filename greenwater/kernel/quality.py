"""Quality flags of readings (IOOS QARTOD; the same numbers as IOC and Argo use).

``Flagged.tests`` keeps each test's own flag: the decimal digit of test ``n`` is that of
``10 ** (n - 1)``, in QARTOD's own numbering, 0 where a test was not run at all.
"""

from collections.abc import Mapping
from enum import IntEnum

from msgspec import Struct

from greenwater.kernel.channels import Channel
from greenwater.kernel.ids import DeviceId, ProbeId


class Flag(IntEnum):
    """What a test says of a reading."""

    GOOD = 1
    NOT_EVALUATED = 2
    SUSPECT = 3
    FAIL = 4
    MISSING = 9


class QualityTest(IntEnum):
    """The tests of the QARTOD manuals, by their numbers there."""

    GAP = 1
    SYNTAX = 2
    LOCATION = 3
    GROSS_RANGE = 4
    CLIMATOLOGY = 5
    SPIKE = 6
    RATE_OF_CHANGE = 7
    FLAT_LINE = 8
    MULTI_VARIATE = 9
    ATTENUATED_SIGNAL = 10
    NEIGHBOR = 11


class Flagged(Struct, frozen=True, gc=False):
    """The flags of one reading; ``flag`` is the roll-up of its tests."""

    device: DeviceId
    probe: ProbeId
    channel: Channel
    taken_ms: int
    flag: Flag
    tests: int


def packed(tests: Mapping[QualityTest, Flag]) -> int:
    """Return the tests' flags as one number."""
    return sum(flag * 10 ** (test - 1) for test, flag in tests.items())


def flag_of(tests: int, test: QualityTest) -> Flag | None:
    """Return one test's flag; None if it was not run."""
    digit = tests // 10 ** (test - 1) % 10
    return Flag(digit) if digit else None


def unpacked(tests: int) -> dict[QualityTest, Flag]:
    """Return the flags of the tests that were run."""
    found = {test: flag_of(tests, test) for test in QualityTest}
    return {test: flag for test, flag in found.items() if flag is not None}
