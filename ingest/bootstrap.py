"""Where ingest's ports meet their adapters: the whole object graph on one screen."""

import contextlib
import gc
import random
import secrets
import threading
from collections.abc import Iterator
from pathlib import Path

import structlog

from greenwater.kernel import topics
from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.clock import Clock
from greenwater.kernel.ids import WorkerId
from greenwater.storage.registry import Registry, open_registry
from greenwater.storage.telemetry import open_telemetry
from ingest.brokers.applying import write_private
from ingest.counters import Counters
from ingest.duties import Duties
from ingest.inlet.frames import Connect
from ingest.inlet.process import InletProcess
from ingest.mapping import Mappings, load_profile
from ingest.metrics import serve_metrics
from ingest.pipeline import Pipeline
from ingest.queue import DeliveryQueue
from ingest.seen import DIGESTS_KEPT, Seen
from ingest.service import Ingest
from ingest.settings import IngestSettings
from ingest.upkeep import Upkeep
from ingest.workers import held

log = structlog.get_logger()


def client_id(home: Path, worker: str) -> str:
    """Return this worker's secret client id, the same at every start.

    Whoever knew it could connect under it, throw ingest off and destroy its queue:
    it carries 128 secret bits and its file is ours alone. An empty file is what a power
    cut left of an older release's; without an id the broker lets nobody in.
    """
    path = home / f"ingest-{worker}.client-id"
    if not path.exists() or not path.stat().st_size:
        secret = secrets.token_hex(16)
        write_private(path, f"gw-ingest-{worker}-{secret}\n".encode())
    return path.read_text().strip()


def filters(mappings: Mappings, *, is_sharing: bool) -> list[str]:
    """Return what ingest subscribes to."""
    shared = "$share/greenwater/" if is_sharing else ""
    up = [topics.ALL_UP, *mappings.filters()]
    return [*(shared + one for one in up), topics.ALL_STATUS, topics.ALL_REPLIES]


@contextlib.contextmanager
def open_ingest(settings: IngestSettings, clock: Clock) -> Iterator[Ingest]:
    """Open stores and broker, and build the service.

    Raises:
        ConfigError: a URL or profile is wrong, a store refuses us, this worker runs
            already.
        UnavailableError: a store does not answer.
    """
    settings.home.mkdir(parents=True, exist_ok=True)
    BrokerUrl.parse(settings.broker_url)  # a wrong one is refused before anything opens
    mappings = Mappings([load_profile(name) for name in settings.mapping_profiles])
    queue = DeliveryQueue(settings.queue_deliveries, settings.queue_bytes)
    counters, seen = Counters(), Seen()
    with contextlib.ExitStack() as stack:
        worker = stack.enter_context(held(settings.home, WorkerId(settings.worker)))
        registry = stack.enter_context(open_registry(settings.registry()))
        telemetry = open_telemetry(settings.telemetry())
        stack.callback(telemetry.close)
        loaded = seen.load(telemetry.intake_recent(DIGESTS_KEPT))
        log.info("intake.loaded", batches=loaded)
        pipeline = Pipeline(
            telemetry,
            registry,
            clock=clock,
            worker=worker,
            seen=seen,
            counters=counters,
            is_sharing=settings.is_sharing,
        )
        duties = _duties(settings, registry, clock, counters, pipeline)
        inlet = InletProcess(
            _connect(settings, mappings),
            offer=queue.offer,
            on_online=duties.announce,
            on_shed=lambda count: counters.add(shed=count),
            on_end=lambda exc: service.fail(exc),
        )
        service = Ingest(
            pipeline=pipeline,
            registry=registry,
            outlet=lambda: inlet,
            queue=queue,
            mappings=mappings,
            duties=duties,
            upkeep=Upkeep(telemetry, worker.id, clock),
            counters=counters,
            clock=clock,
            rng=random.Random(),
            group_deliveries=settings.group_deliveries,
            group_bytes=settings.group_bytes,
        )
        if settings.metrics_port:
            stack.enter_context(serve_metrics(settings.metrics_port, counters, queue))
        stack.enter_context(inlet.running())
        yield service


def _duties(
    settings: IngestSettings,
    registry: Registry,
    clock: Clock,
    counters: Counters,
    pipeline: Pipeline,
) -> Duties:
    return Duties(
        registry,
        clock=clock,
        counters=counters,
        home=settings.home,
        epoch=registry.new_epoch(),
        on_resend=pipeline.forget,
        disk_free_mb=settings.disk_free_mb,
        lag_alarm_s=settings.lag_alarm_s,
        quarantine_per_hour=settings.quarantine_alarm_per_hour,
        name=f"ingest {settings.worker}" if settings.is_sharing else "ingest",
    )


def _connect(settings: IngestSettings, mappings: Mappings) -> Connect:
    authority = settings.broker_ca_file
    return Connect(
        url=settings.broker_url,
        client_id=client_id(settings.home, settings.worker),
        filters=filters(mappings, is_sharing=settings.is_sharing),
        ca_file=None if authority is None else str(authority.absolute()),
        keeps_session=settings.keeps_session,
        log_level=settings.log_level,
    )


def run_ingest(settings: IngestSettings, clock: Clock, stop: threading.Event) -> None:
    """Open ingest and work until ``stop`` is set."""
    # Readings live for milliseconds and hold no cycles: looking for some among them
    # costs a tenth of the throughput.
    gc.freeze()
    gc.set_threshold(100_000, 50, 100)
    with open_ingest(settings, clock) as service:
        service.run(stop)
