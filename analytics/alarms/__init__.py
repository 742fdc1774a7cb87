"""Alarms: what a person should act on, from readings to messages.

Limits and delays make latches (``latches``), latches and silences make alarms (``watch``,
``silence``), alarms live (``life``, ``standing``), people are told (``calling``,
``messages``, ``notifying``). Only ``notifying`` touches the world.
"""
