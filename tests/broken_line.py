"""A line that hangs up."""

import contextlib
import socket
import socketserver
import threading
from collections.abc import Iterator
from typing import Any


class BrokenLine(socketserver.ThreadingTCPServer):
    """A way to a server that hangs up ``times`` times, ``after`` so many bytes of an answer.

    With ``every``, only each so many connections are broken.
    """

    daemon_threads = True

    def __init__(self, server: str, after: int, times: int, every: int = 1) -> None:
        super().__init__(("127.0.0.1", 0), socketserver.BaseRequestHandler)
        self.host, self.port = server.removeprefix("http://").split(":")
        self.after, self.times, self.every = after, times, every
        self.connections = 0

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}"

    @contextlib.contextmanager
    def serving(self) -> Iterator["BrokenLine"]:
        threading.Thread(target=self.serve_forever, daemon=True).start()
        try:
            yield self
        finally:
            self.shutdown()
            self.server_close()

    def finish_request(self, request: Any, _client_address: Any) -> None:
        self.connections += 1
        breaks = self.connections % self.every == 0
        with socket.create_connection((self.host, int(self.port))) as server:
            threading.Thread(target=self._ask, args=[request, server], daemon=True).start()
            answered = 0
            while data := server.recv(4096):
                answered += len(data)
                if breaks and answered > self.after and self.times:
                    self.times -= 1
                    return
                request.sendall(data)

    @staticmethod
    def _ask(client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while data := client.recv(4096):
                server.sendall(data)
