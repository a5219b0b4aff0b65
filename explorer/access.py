"""Who is answered by the explorer, how often, and what a browser may do with the answer.

Every request passes here before any page, asset, callback or route of the API. A page elsewhere can make a browser ask
a local server under a name of its own (DNS rebinding), so without a token only this machine's own names are answered.
With a token, a foreign name has no cookie.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urlsplit

from pharmagraph.explorer.tokens import is_loopback
from pharmagraph.kg import steps

if TYPE_CHECKING:
    from flask import Flask, Request, Response

METHODS = ("GET", "HEAD", "POST")
COMPUTED = 600
"""Requests a minute and address for what is computed; assets are not counted, for a page takes thirty of them."""
REFUSED = 60
"""Requests a minute and address without the right token, after which all of them are told to wait."""
LARGEST = 6 << 20
"""Bytes of a request's body: a file of compounds, and the form around it."""
LONGEST_REFERRER = 3_000
"""Of a page whose address is longer no address is sent: browsers cut those beyond 4,096 to the name of the server."""
LAYOUT = "/_dash-layout"
"""Its answer depends on the page that asks."""
ASSETS = ("/assets/", "/_dash-component-suites/")
HEADER = "X-Pharmagraph"
"""A header that no form of another site can send; its script would have to ask first, and is refused."""
_WRITING = "pharmagraph.writing"
"""Under which a server keeps the paths of `add_writing`."""

ENTER = """<!DOCTYPE html>
<html lang="en"><head><meta charset="utf-8"><title>pharmagraph</title>
<meta http-equiv="refresh" content="0;url={href}"></head><body><a href="{href}">pharmagraph</a></body></html>"""
"""The page that sets the cookie leads on by itself: after a redirect from a message or another site, browsers would
not send a cookie that is for this site alone."""


def headers(scripts: Iterable[str]) -> dict[str, str]:
    """Headers of every answer.

    Parameters
    ----------
    scripts
        The inline scripts that may run, as sources of a Content-Security-Policy (``'sha256-…'``).
    """
    policy = {
        "default-src": "'self'",
        "script-src": " ".join(("'self'", *scripts)),
        "style-src": "'self' 'unsafe-inline'",  # Plotly and Cytoscape set styles
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "connect-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'none'",
        "form-action": "'self'",
        "frame-ancestors": "'none'",
    }
    return {
        "Content-Security-Policy": "; ".join(f"{name} {value}" for name, value in policy.items()),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        "Referrer-Policy": "same-origin",  # the layout is asked for from the address of its page
        "Cross-Origin-Resource-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
    }


def script_hash(script: str) -> str:
    """An inline script as a source of a Content-Security-Policy."""
    return f"'sha256-{base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()}'"


def add_writing(server: Flask, path: str, view: Callable[[], Any]) -> None:
    """Add a route that changes or keeps something: `guard` answers it only to the explorer's own pages."""
    server.extensions.setdefault(_WRITING, set()).add(path)
    server.add_url_rule(path, path.lstrip("/"), view, methods=["POST"])


def guard(server: Flask, token: str | None, scripts: Iterable[str]) -> None:
    """Let only those requests through that may be answered, and put the headers on every answer.

    Parameters
    ----------
    server
        The explorer's server, with all its addresses.
    token
        Asked for by every address; None answers whoever asks under a name of this machine.
    scripts
        As of `headers`.
    """
    from flask import g, request

    server.config["MAX_CONTENT_LENGTH"] = LARGEST
    too_many = _limit()
    fixed = headers(scripts)

    @server.before_request  # type: ignore[untyped-decorator, unused-ignore]
    def _begun() -> None:
        g.begun = time.perf_counter()

    @server.before_request  # type: ignore[untyped-decorator, unused-ignore]
    def _checked() -> Response | None:
        if request.method not in METHODS:
            return _said(f"{request.method} is not answered; GET and POST are", 405, Allow=", ".join(METHODS))
        if token is None and not is_loopback(_name(request.host)):
            return _said("This server answers only on this machine.", 403)
        if _is_from_elsewhere(request):
            return _said("This server answers no other site's pages.", 403)
        if _writes() and request.headers.get(HEADER) != "1":
            return _said("This is answered only to the explorer's own pages.", 403)
        return None if token is None else _unless_known(request, token, too_many)

    @server.before_request  # type: ignore[untyped-decorator, unused-ignore]
    def _counted() -> Response | None:
        if request.path.startswith(ASSETS) or not too_many(COMPUTED, "computed", request.remote_addr):
            return None
        return _wait()

    @server.after_request  # type: ignore[untyped-decorator, unused-ignore]
    def _headed(response: Response) -> Response:
        response.headers.update(fixed)
        if len(request.url) > LONGEST_REFERRER:
            response.headers["Referrer-Policy"] = "no-referrer"
        if request.path == LAYOUT or (token is not None and not request.path.startswith(ASSETS)):
            response.headers["Cache-Control"] = "no-store"
        rule = request.url_rule.rule if request.url_rule else "no address"  # never what was typed
        steps.happened(
            f"answer {rule}",
            time.perf_counter() - g.begun,
            method=request.method,
            status=response.status_code,
        )
        return response


def _unless_known(request: Request, token: str, too_many: Callable[..., bool]) -> Response | None:
    """The answer to a request without the token, and to the first with it; None lets the request through."""
    cookie = f"pharmagraph-{request.environ['SERVER_PORT']}"  # a cookie is for all ports of a name
    scheme, _, bearer = request.headers.get("Authorization", "").partition(" ")
    if scheme.casefold() == "bearer" and _same(bearer.strip(), token):
        return None
    if request.method == "GET" and _same(request.args.get("token"), token):
        rest = [(name, value) for name, value in request.args.items(multi=True) if name != "token"]
        return _entered(request, request.path + (f"?{urlencode(rest)}" if rest else ""), cookie, token)
    if _same(request.cookies.get(cookie), token):
        return None
    if too_many(REFUSED, "refused", request.remote_addr):
        return _wait()
    return _said(
        "This server asks for its token: open the address that cli serve printed, or send "
        "Authorization: Bearer TOKEN.",
        401,
        **{"WWW-Authenticate": "Bearer"},
    )


def _same(given: str | None, token: str) -> bool:
    """Whether it is the token, in a time that does not tell how much of it is right."""
    return given is not None and hmac.compare_digest(given.encode(), token.encode())


def _entered(request: Request, path: str, cookie: str, token: str) -> Response:
    from flask import Response
    from markupsafe import escape

    href = escape("/" + path.lstrip("/\\"))  # //host would be another site
    response = Response(ENTER.format(href=href), mimetype="text/html")
    response.set_cookie(cookie, token, httponly=True, secure=request.is_secure, samesite="Strict", path="/")
    return response


def _is_from_elsewhere(request: Request) -> bool:
    """Whether another site's page asks: a POST of another origin, or anything but a link that is followed.

    Another port of this machine is the same site to a browser, and not this server.
    """
    origin = request.headers.get("Origin")
    if request.method == "POST" and origin is not None and urlsplit(origin).netloc != request.host:
        return True
    followed = request.method != "POST" and request.headers.get("Sec-Fetch-Mode") == "navigate"
    return request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site") and not followed


def _writes() -> bool:
    """Whether the address that is asked for is a route of `add_writing`."""
    from flask import current_app, request

    return request.path in current_app.extensions.get(_WRITING, ())


def _limit() -> Callable[..., bool]:
    """``too_many(n, what, address)``: whether this is more than the n-th request within a minute, which it counts."""
    from limits import RateLimitItemPerMinute
    from limits.storage import MemoryStorage
    from limits.strategies import SlidingWindowCounterRateLimiter

    limiter = SlidingWindowCounterRateLimiter(MemoryStorage())

    def too_many(n: int, what: str, address: str | None) -> bool:
        return not limiter.hit(RateLimitItemPerMinute(n), what, address or "")

    return too_many


def _name(host: str) -> str:
    """The name of a Host header without its port, and without the brackets of an address of version 6."""
    name = host.rpartition(":")[0] if not host.endswith("]") and ":" in host else host
    return name.removeprefix("[").removesuffix("]")


def _wait() -> Response:
    return _said("Too many requests; ask again in a minute.", 429, **{"Retry-After": "60"})


def _said(text: str, status: int, **more: str) -> Response:
    """One line, as JSON under /api and where a script of the pages asks."""
    from flask import Response, jsonify, request

    response: Response = (
        jsonify({"error": text})
        if request.path.startswith("/api/") or _writes()
        else Response(f"{text}\n", mimetype="text/plain")
    )
    response.status_code = status
    response.headers.update(more)
    return response
