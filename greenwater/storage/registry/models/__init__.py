"""The registry's tables, by noun; ``core`` says how tenancy is held by the database."""

from greenwater.storage.registry.models.core import (
    Base,
    CommandRow,
    Deployment,
    Device,
    DeviceStatus,
    IngestEpoch,
    Membership,
    OperatorAlarm,
    Organisation,
    Person,
    Probe,
    QuarantineAccount,
    QuarantineRow,
    Raft,
    Site,
    Tenanted,
    Unit,
    Vessel,
)

# Imported for their tables: a migration must know all of them.
from greenwater.storage.registry.models import accounts, alarms, books, labels  # isort: skip

__all__ = [
    "Base",
    "CommandRow",
    "Deployment",
    "Device",
    "DeviceStatus",
    "IngestEpoch",
    "Membership",
    "OperatorAlarm",
    "Organisation",
    "Person",
    "Probe",
    "QuarantineAccount",
    "QuarantineRow",
    "Raft",
    "Site",
    "Tenanted",
    "Unit",
    "Vessel",
    "accounts",
    "alarms",
    "books",
    "labels",
]
