"""What rests in quarantine, as it is handed to the registry."""

from msgspec import Struct


class Quarantined(Struct, frozen=True):
    """Bytes that could not become a reading, with the reason.

    ``kind`` says what rests there: ``batch`` (a payload no record could be split from),
    ``record`` (one SenML record), ``reading`` or ``gap`` (decoded, refused by the
    store), ``message`` (no batch at all), ``line`` (of an imported file),
    ``overwritten`` (the value that stood under an identity before another replaced it).
    """

    device: str
    topic: str
    kind: str
    raw: bytes
    reason: str
    received_ms: int
