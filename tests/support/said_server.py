"""A provider in a thread that says, byte for byte, what a test tells it to."""

from __future__ import annotations

import contextlib
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import NamedTuple

__all__ = ["Said", "Say", "said_server"]


class Said(NamedTuple):
    """One answer, in pieces; `cut` leaves its end out."""

    status: int
    content_type: str
    pieces: Iterable[bytes]
    headers: Mapping[str, str] = {}
    cut: bool = False


Say = Callable[[str, Mapping[str, str], bytes], Said]
"""Path, headers and body of a request → what is said."""


@contextlib.contextmanager
def said_server(say: Say) -> Iterator[str]:
    """Serve while the block runs; gives the base URL."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", "0")))
            said = say(self.path, self.headers, body)
            self.send_response(said.status)
            self.send_header("content-type", said.content_type)
            self.send_header("transfer-encoding", "chunked")
            for name, value in said.headers.items():
                self.send_header(name, value)
            self.end_headers()
            for piece in said.pieces:
                if piece:
                    self.wfile.write(b"%x\r\n%b\r\n" % (len(piece), piece))
            if said.cut:
                self.close_connection = True
            else:
                self.wfile.write(b"0\r\n\r\n")

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        request_queue_size = 256

        def handle_error(self, *_: object) -> None:
            pass  # a gateway that hangs up is no news

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join(5)
