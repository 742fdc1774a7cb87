"""Sensor fault or water trouble: anomalies in one probe's channels, as they arrive.

``signs`` looks at one reading of one channel and says what is odd about it, ``belief``
makes a score of that, ``watch`` joins the channels of a probe and opens and closes episodes,
``causes`` puts a name to them. ``learned`` is the detector that learns from labels. All of
it is pure, looks back only, and keeps a small state that can be stored.
"""
