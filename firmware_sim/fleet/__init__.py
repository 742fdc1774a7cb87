"""Thousands of simulated boxes in one process, for load tests.

Every value can be computed again from its device and batch, so that a verifier needs no
copy of what was sent. One selectors loop over paho's sockets, no threads; the wire is
written with this simulator's own encoder.
"""

from firmware_sim.fleet.ledger import Entry, Ledger
from firmware_sim.fleet.loop import run_fleet
from firmware_sim.fleet.payloads import Payloads
from firmware_sim.fleet.plan import Credentials, FleetPlan, Format, anonymous
from firmware_sim.fleet.report import FleetReport

__all__ = [
    "Credentials",
    "Entry",
    "FleetPlan",
    "FleetReport",
    "Format",
    "Ledger",
    "Payloads",
    "anonymous",
    "run_fleet",
]
