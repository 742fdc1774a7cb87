"""A bad wire: a TCP proxy that can freeze (the commonest mobile-network failure) or cut."""

import contextlib
import selectors
import socket
import threading


class FreezingProxy:
    """Between a client and a real server. ``freeze`` leaves connections open and moves
    nothing; ``cut`` resets them."""

    def __init__(self, target_port: int) -> None:
        self._target = target_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._listener.getsockname()[1])
        self._frozen = threading.Event()
        self._closing = threading.Event()
        self._pairs: dict[socket.socket, socket.socket] = {}
        self._lock = threading.Lock()
        self._selector = selectors.DefaultSelector()
        self._selector.register(self._listener, selectors.EVENT_READ)
        self._thread = threading.Thread(target=self._run, name="proxy", daemon=True)
        self._thread.start()

    def freeze(self) -> None:
        """From now on nothing moves."""
        self._frozen.set()

    def thaw(self) -> None:
        """From now on all moves again, what was held included."""
        self._frozen.clear()

    def cut(self) -> None:
        """Reset every connection."""
        with self._lock:
            for one in list(self._pairs):
                self._drop(one)

    def close(self) -> None:
        """End."""
        self._closing.set()
        self._thread.join(5)
        self.cut()
        self._listener.close()
        self._selector.close()

    def _drop(self, one: socket.socket) -> None:
        other = self._pairs.pop(one, None)
        ends = [one] if other is None else [one, other]
        for end in ends:
            self._pairs.pop(end, None)
            with contextlib.suppress(KeyError, ValueError):
                self._selector.unregister(end)
            end.close()

    def _run(self) -> None:
        while not self._closing.is_set():
            if self._frozen.is_set():
                self._closing.wait(0.05)
                continue
            for key, _ in self._selector.select(0.05):
                with self._lock:
                    self._move(key.fileobj)  # type: ignore[arg-type]

    def _move(self, one: socket.socket) -> None:
        if one is self._listener:
            client, _ = self._listener.accept()
            try:
                server = socket.create_connection(("127.0.0.1", self._target), 2)
            except OSError:
                client.close()
                return
            for end, other in ((client, server), (server, client)):
                self._pairs[end] = other
                self._selector.register(end, selectors.EVENT_READ)
            return
        other = self._pairs.get(one)
        if other is None:
            return
        try:
            data = one.recv(65536)
            if data:
                other.settimeout(5)
                other.sendall(data)
                return
        except OSError:
            pass
        self._drop(one)
