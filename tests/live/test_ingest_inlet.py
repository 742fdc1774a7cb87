"""The inlet's process: it passes all on, and neither of the two outlives the other."""

import socket
import time
from pathlib import Path

import psutil
import pytest
from structlog.testing import capture_logs

from greenwater.kernel.broker_url import BrokerUrl
from greenwater.kernel.errors import ConfigError, UnavailableError
from ingest.counters import Counters
from ingest.inlet.frames import (
    Acknowledge,
    Connect,
    Deliveries,
    Line,
    Online,
    Order,
    Publish,
)
from ingest.inlet.process import InletProcess
from ingest.metrics import serve_metrics
from ingest.mqtt import MqttInlet
from ingest.ports import Delivery
from ingest.queue import DeliveryQueue
from tests.live.clients import wait_for
from tests.live.system import Service
from tests.servers import Mosquitto

pytestmark = pytest.mark.live


def test_frames_come_whole_and_in_order_however_the_bytes_are_cut() -> None:
    ours, theirs = socket.socketpair()
    frames: list[Order] = [
        Acknowledge(3, [1, 2, 65_535]),
        Publish("gw/1/x/ack", b"\x00\xff" * 40, True),
        Connect("mqtt://u:p@h", "id", ["a"], None, True, "info"),
    ]
    sender, receiver = Line(ours), Line(theirs)
    for frame in frames:
        sender.send(frame)
    assert [receiver.order() for _ in frames] == frames
    many = Deliveries(1, 7, [("t", bytes(900), mid) for mid in range(100)])
    receiver.send(many)
    receiver.send(Online())
    assert [sender.news(), sender.news()] == [many, Online()]
    receiver.close()
    with pytest.raises(EOFError):
        sender.news()
    with pytest.raises(EOFError):
        sender.send(Online())
    sender.close()


def connect(url: str, ca_file: str | None = None) -> Connect:
    return Connect(url, "gw-inlet-test", ["gw/1/+/up/+/+"], ca_file, False, "warning")


def test_a_broker_that_is_not_there_is_said_once() -> None:
    url = BrokerUrl.parse("mqtt://127.0.0.1:1")
    inlet = MqttInlet(
        url, client_id="x", filters=(), offer=lambda _: True, on_online=lambda: None
    )
    with capture_logs() as said, inlet.running():
        wait_for("it is said", lambda: bool(said))
        inlet._client.reconnect_delay_set(1, 1)
        time.sleep(1.2)
    assert said == [
        {"event": "broker.unreachable", "log_level": "error", "host": "127.0.0.1", "port": 1}
    ]  # fmt: skip


def test_a_port_of_figures_that_is_taken_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with (
            pytest.raises(UnavailableError, match=f"port {port}: Address already in"),
            serve_metrics(port, Counters(), DeliveryQueue(1, 1)),
        ):
            pass


def test_an_authority_that_cannot_be_read_refuses_to_start(tmp_path: Path) -> None:
    inlet = InletProcess(
        connect("mqtts://127.0.0.1:1", str(tmp_path / "none.pem")),
        offer=lambda _: True, on_online=lambda: None, on_shed=lambda _: None,
        on_end=lambda _: None,
    )  # fmt: skip
    with pytest.raises(ConfigError, match=r"none\.pem"), inlet.running():
        pass


def test_what_finds_no_room_is_told_and_even_at_qos_0_nobody_is_thrown_off(
    mosquitto: Mosquitto,
) -> None:
    took: list[Delivery] = []
    shed: list[int] = []
    online: list[bool] = []

    def offer(delivery: Delivery) -> bool:
        if len(took) < 5:
            took.append(delivery)
            return True
        return False

    inlet = InletProcess(
        connect(mosquitto.url),
        offer=offer, on_online=lambda: online.append(True), on_shed=shed.append,
        on_end=lambda _: None,
    )  # fmt: skip
    with inlet.running():
        wait_for("it is let in", lambda: bool(online))
        time.sleep(0.2)  # its subscription goes out with the answer
        for number in range(100):
            inlet.publish(f"gw/1/box-a/up/0123456789abcdef/{number}", b"[%d]" % number)
        wait_for("all came", lambda: len(took) + sum(shed) == 100)
        inlet.acknowledge(took)
        inlet.publish("gw/1/box-a/up/0123456789abcdef/100", b"[100]")
        wait_for("we are still there", lambda: sum(shed) == 96)
        assert online == [True], "a PUBACK of no number throws us off"
    assert [one.payload for one in took] == [b"[%d]" % number for number in range(5)]
    assert sum(shed) == 96


def an_ingest(mosquitto: Mosquitto, folder: Path) -> Service:
    environ = {"GREENWATER_HOME": str(folder), "GREENWATER_BROKER_URL": mosquitto.url}
    return Service("ingest", ["ingest"], folder, environ)


def test_no_inlet_outlives_its_ingest(mosquitto: Mosquitto, tmp_path: Path) -> None:
    service = an_ingest(mosquitto, tmp_path).start()
    (inlet,) = inlets(service)
    service.kill()
    inlet.wait(10)
    assert not inlet.is_running()


def test_ingest_ends_with_its_inlet_so_that_it_is_started_again(
    mosquitto: Mosquitto, tmp_path: Path
) -> None:
    service = an_ingest(mosquitto, tmp_path).start()
    (inlet,) = inlets(service)
    inlet.kill()
    wait_for("ingest ends", lambda: not service.is_running)
    assert service.stop() == 69
    assert "the inlet ended" in service.text()


def inlets(service: Service) -> list[psutil.Process]:
    process = psutil.Process(service.pid)
    wait_for("the inlet runs", lambda: bool(process.children()))
    wait_for("the broker lets it in", lambda: "broker.connected" in service.text())
    return list(process.children())
