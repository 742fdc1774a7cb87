"""Logging, configured once per process."""

import logging
import sys

import structlog


def configure(service: str, *, level: str = "info") -> None:
    """Send structlog's lines to standard error, bound to ``service``.

    Colours on a terminal, one JSON object per line otherwise. Times are the machine's
    own, in UTC: a log line belongs to the machine, not to a simulation.
    """
    renderer: structlog.types.Processor = (
        structlog.dev.ConsoleRenderer()
        if sys.stderr.isatty()
        else structlog.processors.JSONRenderer()
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(
            logging.getLevelNamesMapping()[level.upper()]
        ),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
