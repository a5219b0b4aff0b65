"""Tells requests of the explorer's own pages from those that a page elsewhere makes a browser send."""

from __future__ import annotations

from typing import Any

HEADER = "X-Pharmagraph"
"""A header that no form of another site can send; its script would have to ask first, and is refused."""


def refusal(request: Any, *, writes: bool) -> str:
    """Why a request is not answered; empty where it comes from a page of this server.

    Parameters
    ----------
    request
        Flask's.
    writes
        Whether it changes or keeps anything, so that it has to say where it comes from.
    """
    if request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
        return "This is answered only to the explorer's own pages."
    if not writes:
        return ""
    origin = request.headers.get("Origin")
    if request.headers.get(HEADER) != "1" or (origin is not None and origin != request.host_url.rstrip("/")):
        return "This is answered only to the explorer's own pages."
    return ""
