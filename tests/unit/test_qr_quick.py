"""Our quick way to a code gives the very modules that the package gives."""

import random
import string

import pytest
import qrcode
from qrcode.constants import ERROR_CORRECT_H, ERROR_CORRECT_M, ERROR_CORRECT_Q
from qrcode.exceptions import DataOverflowError

from traceability.proof.codes import runs
from traceability.proof.qrquick import QuickCode

LETTERS = string.ascii_letters + string.digits + "-._~:/?=&"


def of(kind: type[qrcode.QRCode], text: str, level: int, mask: int) -> object:
    code = kind(error_correction=level, border=0, mask_pattern=mask)
    code.add_data(text)
    code.make(fit=True)
    return code.version, [[bool(cell) for cell in row] for row in code.get_matrix()]


@pytest.mark.parametrize("level", [ERROR_CORRECT_M, ERROR_CORRECT_Q, ERROR_CORRECT_H])
def test_the_modules_are_the_packages(level: int) -> None:
    rng = random.Random(level)
    for length in (1, 17, 70, 158, 240, 300):
        text = "".join(rng.choices(LETTERS, k=length)) + "0123456789" * (length // 60)
        for mask in (3, rng.randrange(8)):
            quick = of(QuickCode, text, level, mask)
            assert quick == of(qrcode.QRCode, text, level, mask), (length, mask)


def test_what_has_no_room_is_said_so() -> None:
    code = QuickCode(1, error_correction=ERROR_CORRECT_H, border=0, mask_pattern=3)
    code.add_data("a" * 50)
    with pytest.raises(DataOverflowError):
        code.make(fit=False)


def test_runs_are_the_dark_ones() -> None:
    assert runs((True, True, False, True)) == [(0, 2), (3, 1)]
    assert runs((False, False)) == []
