"""JSON for programs: telemetry, EPCIS, how errors and repeated writes behave."""
