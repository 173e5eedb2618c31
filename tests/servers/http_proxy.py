"""An HTTP proxy in front of a server, which loses, truncates, forges or delays requests and replies.

    with http_proxy(server) as proxy:
        proxy.inject(drop_reply, method="PUT")
        ...  # The next PUT reaches the server, and its reply is lost.

A request keeps its `Host` header, because signatures cover it.
"""

import threading
from collections.abc import Callable, Generator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from http.client import HTTPConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from typing import NamedTuple, cast

from typing_extensions import override

from tests.servers.server import Server

_HOP_BY_HOP = frozenset({"connection", "keep-alive", "transfer-encoding", "content-length"})


class Request(NamedTuple):
    """A client's request."""

    method: str
    path: str
    """The path with the query."""
    headers: Mapping[str, str]
    body: bytes


class Reply(NamedTuple):
    """The reply to a client."""

    status: int
    headers: Mapping[str, str] = {}
    body: bytes = b""
    sent: int | None = None
    """Bytes of the body to send before the connection ends; None: all, and the connection stays open."""


Forward = Callable[[Request], Reply]
Fault = Callable[[Request, Forward], Reply | None]
"""What becomes of a request; None ends the connection without a reply."""


def drop_request(request: Request, forward: Forward) -> None:
    """Close the connection without forwarding the request."""


def drop_reply(request: Request, forward: Forward) -> None:
    """Forward the request, and close the connection instead of returning the reply."""
    forward(request)


def answer(status: int, body: str = "", **headers: str) -> Fault:
    """Reply without forwarding the request; `_` in the name of a header means `-`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda request, forward: Reply(status, named, body.encode())


def cut_body(sent: int) -> Fault:
    """Close the connection after `sent` bytes of the reply's body."""
    return lambda request, forward: forward(request)._replace(sent=sent)


def strip_headers(prefix: str) -> Fault:
    """Forward a request without the headers whose names start with `prefix`."""

    def strip(request: Request, forward: Forward) -> Reply:
        start = prefix.lower()
        kept = {name: text for name, text in request.headers.items() if not name.lower().startswith(start)}
        return forward(request._replace(headers=kept))

    return strip


@dataclass
class _Injected:
    fault: Fault
    applies: Callable[[Request], bool]
    times: int


@dataclass
class HttpProxy:
    """A running proxy; `inject` sets its faults, and `requests` has the received requests."""

    server: Server
    """The server behind it."""
    url: str = ""
    """Where it answers: `http://127.0.0.1:<port>`."""
    requests: list[Request] = field(default_factory=list[Request])
    connections: int = 0
    """How many connections were made to it."""
    _injected: list[_Injected] = field(default_factory=list[_Injected])
    _is_over: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def inject(self, fault: Fault, *, method: str = "", part: str = "", times: int = 1) -> None:
        """Apply a fault to the next requests.

        Args:
            fault: Fault to apply.
            method: HTTP method of the requests; the empty string matches any method.
            part: Text that their paths contain.
            times: Number of requests.
        """

        def applies(request: Request) -> bool:
            return request.method == (method or request.method) and part in request.path

        with self._lock:
            self._injected.append(_Injected(fault, applies, times))

    def clear(self) -> None:
        """Remove all faults and recorded requests."""
        with self._lock:
            self._injected.clear()
            self.requests.clear()

    def be_silent(self, request: Request, forward: Forward) -> None:
        """Never reply and forward nothing; this is a fault."""
        self._is_over.wait()

    def end(self) -> None:
        """Release the silent connections."""
        self._is_over.set()

    def handle(self, request: Request) -> Reply | None:
        """Return the reply to a request."""
        with self._lock:
            self.requests.append(request)
            found = next((each for each in self._injected if each.times and each.applies(request)), None)
            if found is not None:
                found.times -= 1
        return self._forward(request) if found is None else found.fault(request, self._forward)

    def _forward(self, request: Request) -> Reply:
        connection = HTTPConnection(self.server.host, self.server.port, timeout=30)
        try:
            connection.putrequest(request.method, request.path, skip_host=True, skip_accept_encoding=True)
            for name, text in request.headers.items():
                if name.lower() not in _HOP_BY_HOP:
                    connection.putheader(name, text)
            connection.putheader("Content-Length", str(len(request.body)))
            connection.endheaders(request.body)
            reply = connection.getresponse()
            headers = {name: text for name, text in reply.getheaders() if name.lower() not in _HOP_BY_HOP}
            if request.method == "HEAD":
                headers["Content-Length"] = reply.getheader("Content-Length", "0")
            return Reply(reply.status, headers, reply.read())
        finally:
            connection.close()


class _HttpServer(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self, proxy: HttpProxy) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.proxy = proxy


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    @property
    def _proxy(self) -> HttpProxy:
        return cast("_HttpServer", self.server).proxy

    @override
    def setup(self) -> None:
        self._proxy.connections += 1
        super().setup()

    @override
    def handle_one_request(self) -> None:
        with suppress(ConnectionError):
            self.raw_requestline = self.rfile.readline(65537)
            if not self.raw_requestline or not self.parse_request():
                self.close_connection = True
                return
            request = Request(self.command, self.path, dict(self.headers), self._body())
            self._answer(self._proxy.handle(request))

    def _body(self) -> bytes:
        if "chunked" not in self.headers.get("Transfer-Encoding", ""):
            return self.rfile.read(int(self.headers.get("Content-Length", 0)))
        body = b""
        while size := int(self.rfile.readline().partition(b";")[0], 16):
            body += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return body

    def _answer(self, reply: Reply | None) -> None:
        if reply is None:
            self.close_connection = True
            return
        self.send_response_only(reply.status)
        for name, text in reply.headers.items():
            self.send_header(name, text)
        if "Content-Length" not in reply.headers and reply.status not in (204, 304):
            self.send_header("Content-Length", str(len(reply.body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply.body[: reply.sent])
        self.close_connection = self.close_connection or reply.sent is not None

    @override
    def log_message(self, format: str, *args: object) -> None:
        return


@contextmanager
def http_proxy(server: Server, tls: SSLContext | None = None) -> Generator[HttpProxy]:
    """Run a proxy in front of a server while the block runs; with an SSL context, it uses TLS."""
    proxy = HttpProxy(server)

    httpd = _HttpServer(proxy)
    if tls is not None:
        httpd.socket = tls.wrap_socket(httpd.socket, server_side=True)
    proxy.url = f"{'http' if tls is None else 'https'}://127.0.0.1:{httpd.server_address[1]}"
    thread = threading.Thread(target=httpd.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.end()
        httpd.shutdown()
        thread.join()
        httpd.server_close()
