"""Serves the explorer on the loopback address until it is stopped.

A page elsewhere can make a browser ask a local server under a name of its own (DNS rebinding), so only requests for
this machine's own names are answered. The browser is told to load nothing from elsewhere.
"""

from __future__ import annotations

import logging
import webbrowser
from threading import Timer
from typing import TYPE_CHECKING, Any

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.store import open_store

if TYPE_CHECKING:
    from werkzeug.serving import BaseWSGIServer

HOST = "127.0.0.1"
NAMES = frozenset({"127.0.0.1", "localhost", "[::1]"})
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
        "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}
"""Dash starts from an inline script, and Plotly compiles functions, so both are allowed."""


def make_server(store_url: str | None, port: int, *, allow_write: bool = False) -> BaseWSGIServer:
    """A server that is bound to a port of 127.0.0.1; ``serve_forever`` starts it.

    Parameters
    ----------
    store_url
        The store, as `open_store` takes it. It is opened for each page, so that other processes can write between.
    port
        0 takes a free one.
    allow_write
        Whether the pages may promote and delete runs.

    Raises
    ------
    StoreError
        If the store cannot be opened now.
    InputError
        If the port is taken, or may not be used.
    """
    from functools import partial

    from werkzeug import serving

    from pharmagraph.explorer import api, changing_runs, own_routes, what_if
    from pharmagraph.explorer.app import make_app, page_at

    open_store(store_url, read_only=True).close()
    server = make_app(store_url, allow_write=allow_write).server
    api.register(server, store_url)
    own_routes.register(server, partial(page_at, store_url))
    what_if.register(server, store_url)
    changing_runs.register(server, store_url, allow_write=allow_write)
    _guard(server)
    logging.getLogger("werkzeug").setLevel(logging.ERROR)  # not a line for each request
    try:
        return serving.make_server(HOST, port, server, threaded=True)
    except (OSError, SystemExit):  # werkzeug prints and exits where the port is taken
        raise InputError(
            f"port {port} of {HOST} is taken or may not be used; give another: --port 8051"
        ) from None


def serve(store_url: str | None, port: int, *, browser: bool, allow_write: bool = False) -> None:
    """Serve until Ctrl-C; ``browser`` opens the first page. Otherwise as `make_server`."""
    server = make_server(store_url, port, allow_write=allow_write)
    address = f"http://{HOST}:{server.port}/"
    print(f"{address}   Ctrl-C stops it", flush=True)
    if browser:
        opening = Timer(0.2, webbrowser.open, [address])
        opening.daemon = True
        opening.start()
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        pass
    finally:
        server.server_close()


def _guard(server: Any) -> None:
    """Answer only requests for this machine's own names, with the headers of `HEADERS`."""
    from flask import Response, request

    @server.before_request  # type: ignore[untyped-decorator, unused-ignore]
    def _own_name() -> Response | None:
        name = request.host.rpartition(":")[0] or request.host
        return None if name in NAMES else Response("This server answers only on this machine.", 403)

    @server.after_request  # type: ignore[untyped-decorator, unused-ignore]
    def _headers(response: Response) -> Response:
        response.headers.update(HEADERS)
        return response
