"""What schemathesis does before each request; see fuzz.toml."""

import re
from itertools import count
from typing import Any

import schemathesis

RIGHT = re.compile(r"[!-~]{1,180}")
_NUMBERS = count()


@schemathesis.hook
def before_call(_context: Any, case: Any, _kwargs: Any) -> None:
    """Give each write a key of its own, as its client has to; a wrong one stays wrong."""
    headers = case.headers or {}
    for name in list(headers):
        key = headers[name]
        is_key = isinstance(key, str) and RIGHT.fullmatch(key)
        if name.lower() == "idempotency-key" and is_key:
            headers[name] = f"{key}-{next(_NUMBERS)}"
