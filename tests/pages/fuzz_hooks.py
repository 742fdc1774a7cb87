"""What schemathesis does before each request; see fuzz.toml."""

import re
from itertools import count
from typing import Any

import schemathesis

from tests.pages.fuzz import SESSION
from web.door.doors import csrf_of

RIGHT = re.compile(r"[!-~]{1,200}")
FORM = re.compile(r"[0-9a-f]{32}")
_NUMBERS = count()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Give each write a key of its own and the session's form token, as clients have to.

    What is wrong of either, or missing, stays so.
    """
    headers = case.headers or {}
    for name in list(headers):
        key = headers[name]
        if not isinstance(key, str):
            continue
        if name.lower() == "idempotency-key" and RIGHT.fullmatch(key):
            headers[name] = f"{key[:180]}-{next(_NUMBERS)}"
        if name.lower() == "x-csrf-token" and FORM.fullmatch(key):
            headers[name] = csrf_of(SESSION)
