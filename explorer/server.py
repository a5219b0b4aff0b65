"""Serves the explorer until it is stopped; who is answered is decided in `explorer.access`."""

from __future__ import annotations

import logging
import socket
import webbrowser
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from pathlib import Path
from queue import Empty
from threading import Timer
from typing import TYPE_CHECKING

from pharmagraph.kg.errors import InputError
from pharmagraph.kg.freed_memory import share_between_threads
from pharmagraph.kg.left_out import left_out
from pharmagraph.kg.store import open_store

if TYPE_CHECKING:
    from cheroot.wsgi import Server

HOST = "127.0.0.1"
EVERYWHERE = ("0.0.0.0", "::")  # nosec B104 # compared with, not bound to
THREADS = 32
"""Requests that are answered at once; others wait."""
SECONDS = 10
"""For which a client may say nothing in the midst of a request."""
LARGEST_HEADERS = 64 << 10


def make_server(
    store_url: str | None,
    port: int,
    *,
    host: str = HOST,
    token: str | None = None,
    allow_write: bool = False,
    encrypted_by: tuple[Path, Path] | None = None,
) -> Server:
    """A server that is bound to a port; its ``serve`` starts it and ``stop`` ends it.

    Parameters
    ----------
    store_url
        The store, as `open_store` takes it. It is opened for each page, so that other processes can write between.
    port
        0 takes a free one.
    host
        The address or name of this machine under which it is reached.
    token
        Asked for by every address; None answers only under a name of this machine.
    allow_write
        Whether the pages may promote and delete runs.
    encrypted_by
        Files of a certificate and its key; None sends everything as it is.

    Raises
    ------
    StoreError
        If the store cannot be opened now.
    InputError
        If the port is taken or may not be used, the host is none of this machine's, or the certificate or key is none.
    """
    from functools import partial

    from cheroot import wsgi

    with left_out("IPython"):  # Dash loads it to look for a notebook
        import dash  # noqa: F401

    from pharmagraph.explorer import access, api, changing_runs, own_routes, what_if
    from pharmagraph.explorer.app import make_app, page_at
    from pharmagraph.explorer.frame import INLINE

    open_store(store_url, read_only=True).close()
    app = make_app(store_url, allow_write=allow_write)
    api.register(app.server, store_url)
    own_routes.register(app.server, partial(page_at, store_url))
    what_if.register(app.server, store_url)
    changing_runs.register(app.server, store_url, allow_write=allow_write)
    scripts = [*app.csp_hashes(), *map(access.script_hash, INLINE)]  # type: ignore[no-untyped-call, unused-ignore]
    access.guard(app.server, token, scripts)
    server = wsgi.Server((host, port), app.server, numthreads=THREADS, timeout=SECONDS, request_queue_size=64)
    if encrypted_by is not None:
        from pharmagraph.explorer.encryption import Encryption

        server.ssl_adapter = Encryption(*encrypted_by)
    server.max_request_body_size = access.LARGEST
    server.max_request_header_size = LARGEST_HEADERS
    server.server_name = host  # not the machine's name in headers of answers
    server.software = "pharmagraph"
    server.error_log = _log  # type: ignore[method-assign, assignment]
    try:
        server.prepare()
    except OSError:
        raise InputError(
            f"port {port} of {host} is taken or may not be used; give another: --port 8051"
        ) from None
    return server


def address_of(server: Server, token: str | None = None) -> str:
    """The address to open in a browser, with the token where one is asked for."""
    host, port = server.bind_addr[:2]
    name = socket.gethostname() if host in EVERYWHERE else f"[{host}]" if ":" in host else host
    scheme = "http" if server.ssl_adapter is None else "https"
    return f"{scheme}://{name}:{port}/" + (f"?token={token}" if token else "")


def serve(
    store_url: str | None,
    port: int,
    *,
    browser: bool,
    host: str = HOST,
    token: str | None = None,
    allow_write: bool = False,
    encrypted_by: tuple[Path, Path] | None = None,
) -> None:
    """Serve until Ctrl-C; ``browser`` opens the first page where no token is asked for.

    The rest, and errors, as `make_server`.
    """
    share_between_threads()
    server = make_server(
        store_url, port, host=host, token=token, allow_write=allow_write, encrypted_by=encrypted_by
    )
    address = address_of(server, token)
    print(f"{address}   Ctrl-C stops it", flush=True)
    if browser and token is None:  # every user of the machine can read a browser's arguments
        opening = Timer(0.2, webbrowser.open, [address])
        opening.daemon = True
        opening.start()
    # Not in this thread: a signal raises here, and an exception in the midst of the server's queue loses the wake-up of
    # one of its workers, for which its end then waits for ever.
    with ThreadPoolExecutor(1, "serving") as serving:
        try:
            serving.submit(server.serve).result()
        except KeyboardInterrupt:
            pass
        finally:
            end(server)


def end(server: Server) -> None:
    """Stop; requests that are being answered have some seconds, and what waits behind them is dropped.

    A client that says nothing would otherwise be waited for, one after another, by each thread.
    """
    with suppress(Empty):
        while True:
            server.requests.get(block=False).close()
    server.stop()


def _log(message: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
    """What the server itself tells, on standard error where it is an error; requests are not logged."""
    logging.getLogger("pharmagraph.explorer").log(level, message, exc_info=traceback)
