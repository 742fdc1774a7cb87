"""Logging, configured once per process."""

import logging
import sys

import structlog

from greenwater.kernel.errors import ConfigError


def configure(service: str, *, level: str = "info") -> None:
    """Send structlog's lines to standard error, bound to ``service``.

    Colours on a terminal, one JSON object per line otherwise. Times are the machine's
    own, in UTC: a log line belongs to the machine, not to a simulation.

    Raises:
        ConfigError: there is no such level.
    """
    number = logging.getLevelNamesMapping().get(level.upper())
    if number is None:
        raise ConfigError(f"log level {level!r} is not debug, info, warning or error")
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
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(service=service)
