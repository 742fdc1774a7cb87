"""Listening: uvicorn in the calling thread until told to stop."""

import contextlib
import ctypes
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import structlog
import uvicorn
from fastapi import FastAPI

from greenwater.kernel.errors import ConfigError, UnavailableError

log = structlog.get_logger()

GRACE_S: Final = 5
ARENAS: Final = 2
_M_ARENA_MAX: Final = -8
"""glibc's malloc.h."""


def keep_few_arenas() -> None:
    """Have glibc keep two heaps of small things, not one for each of a page's threads.

    Each of sixteen grows to the largest page that its threads ever made and gives nothing
    back (mallopt(3), M_ARENA_MAX): the memory of a day's farmers would rise for hours.
    """
    with contextlib.suppress(AttributeError, OSError):  # another C library
        ctypes.CDLL(None).mallopt(_M_ARENA_MAX, ARENAS)


class _Server(uvicorn.Server):
    """Leaves signals to the process that runs it."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


def serve(
    app: FastAPI,
    host: str,
    port: int,
    stop: threading.Event,
    *,
    on_ready: Callable[[int], None] | None = None,
    certificate: Path | None = None,
    trusted_proxies: str = "127.0.0.1",
) -> None:
    """Serve until ``stop`` is set; requests under way get five seconds to finish.

    Port 0 takes a free one; ``on_ready`` is told which. ``certificate`` is a file with
    certificate and key (PEM): with it the site speaks TLS 1.2 and newer, and nothing else.
    Who comes from an address of ``trusted_proxies`` (addresses and networks with commas,
    ``*``: any) is believed where a request came from and whether over TLS.

    Raises:
        ConfigError: that is no certificate with its key.
        UnavailableError: the address is taken or not ours.
    """
    _check(certificate)
    keep_few_arenas()
    with contextlib.closing(_listening(host, port)) as listener:
        bound = int(listener.getsockname()[1])
        config = uvicorn.Config(
            app,
            log_config=None,
            access_log=False,
            lifespan="off",
            server_header=False,
            timeout_graceful_shutdown=GRACE_S,
            proxy_headers=True,
            forwarded_allow_ips=trusted_proxies,
            ssl_certfile=certificate,
            ssl_keyfile=certificate,
        )
        server = _Server(config)
        watcher = threading.Thread(
            target=_stop_when, args=(stop, server), name="web-stop", daemon=True
        )
        watcher.start()
        log.info("site.opened", host=host, port=bound)
        if on_ready is not None:
            on_ready(bound)
        try:
            server.run(sockets=[listener])
        finally:
            stop.set()
            watcher.join()
    log.info("site.closed", host=host, port=bound)


def _check(certificate: Path | None) -> None:
    if certificate is None:
        return
    try:
        ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER).load_cert_chain(certificate)
    except (OSError, ssl.SSLError) as exc:
        raise ConfigError(
            f"{certificate} is no certificate with its key (PEM, one file): {exc}"
        ) from exc


def _listening(host: str, port: int) -> socket.socket:
    # Bound here and not by uvicorn, which would end the process over a taken port.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named as TCP, for asyncio turns off Nagle's waiting only where it is said: an answer's
    # body would wait 40 ms for the phone to confirm its head.
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as exc:
        listener.close()
        raise UnavailableError(
            f"cannot listen on {host} port {port}: {exc.strerror or exc}; choose another "
            "with --port"
        ) from exc
    return listener


def _stop_when(stop: threading.Event, server: uvicorn.Server) -> None:
    stop.wait()
    server.should_exit = True
