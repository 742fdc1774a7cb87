"""Oxygen forecast: hours ahead, with a band, beside the naive forecast.

``grid`` puts readings on an even step, ``features`` says what was known at each instant,
``naive`` forecasts as anybody can, ``ridge`` and ``trees`` learn the change from the last
value, ``mixing`` weighs them by how right they were, ``bands`` adds the uncertainty, and
``rolling`` does all that without ever looking ahead. ``forecaster`` is the same for the
running platform, ``saving`` keeps a fitted one on disk, ``crash`` and ``skill`` judge,
``evening`` speaks.
"""
