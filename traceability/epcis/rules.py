"""What one event must have beside its shape (standard §7.4; GS1 test cases TCR-53, -54)."""

from collections.abc import Callable, Mapping
from typing import Any, Final

from traceability.epcis.faults import Walk, step

Event = Mapping[str, Any]
Rule = Callable[[Event, Walk, str], None]


def _is_any(event: Event, *names: str) -> bool:
    return any(isinstance(event.get(name), list) and event[name] for name in names)


def _object(event: Event, walk: Walk, at: str) -> None:
    if "ilmd" in event and event.get("action") != "ADD":
        walk.fault(step(at, "ilmd"), "an ObjectEvent carries ilmd with action ADD only")
    has_sensors = _is_any(event, "sensorElementList") and "readPoint" in event
    has_goods = "epcList" in event or _is_any(event, "quantityList")
    if not has_sensors and not has_goods:
        walk.fault(
            at,
            "an ObjectEvent needs epcList or quantityList, or sensorElementList at a "
            "readPoint",
        )


def _family(event: Event, walk: Walk, at: str) -> None:
    action = event.get("action")
    is_dissolved = action == "DELETE"
    if not is_dissolved and not _is_any(event, "childEPCs", "childQuantityList"):
        walk.fault(
            at,
            f"action {action} needs childEPCs or childQuantityList; only DELETE may "
            "leave them out, meaning all",
        )


def _aggregation(event: Event, walk: Walk, at: str) -> None:
    _family(event, walk, at)
    if "parentID" not in event and event.get("action") in ("ADD", "DELETE"):
        walk.fault(at, f"parentID is missing; action {event['action']} needs it")


def _transaction(event: Event, walk: Walk, at: str) -> None:
    has_goods = "epcList" in event or _is_any(event, "quantityList")
    if event.get("action") != "DELETE" and not has_goods:
        walk.fault(at, "a TransactionEvent needs epcList or quantityList")


def _transformation(event: Event, walk: Walk, at: str) -> None:
    has_input = _is_any(event, "inputEPCList", "inputQuantityList")
    has_output = _is_any(event, "outputEPCList", "outputQuantityList")
    is_part = "transformationID" in event
    if (has_input or has_output) if is_part else (has_input and has_output):
        return
    walk.fault(
        at,
        "a TransformationEvent needs inputs and outputs; with a transformationID one "
        "of the two is enough",
    )


_RULES: Final[Mapping[str, Rule]] = {
    "ObjectEvent": _object,
    "AggregationEvent": _aggregation,
    "AssociationEvent": _family,
    "TransactionEvent": _transaction,
    "TransformationEvent": _transformation,
}


def check_rules(event: Any, walk: Walk, at: str) -> None:
    """Note what the event lacks as a whole; its shape has been looked at before."""
    if isinstance(event, dict) and isinstance(event.get("type"), str):
        rule = _RULES.get(event["type"])
        if rule is not None:
            rule(event, walk, at)
