"""Text inside XML and HTML: what has to be escaped there, and characters that XML does not allow at all."""

from __future__ import annotations

import re

REPLACEMENT = "\N{REPLACEMENT CHARACTER}"
"""Stands for a character that XML 1.0 does not allow, such as a vertical tab."""

_NOT_ALLOWED = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")  # XML 1.0, production 2
_PLAIN = re.compile(r"[\w .,:;/()+-]*")
_ESCAPES = str.maketrans(
    {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "\t": "&#9;", "\n": "&#10;", "\r": "&#13;"}
)  # readers turn line ends and tabs of attributes into blanks, unless they are escaped


def is_allowed(text: str) -> bool:
    """Whether XML 1.0 allows every character."""
    return _NOT_ALLOWED.search(text) is None


def allowed(text: str) -> str:
    """The text with `REPLACEMENT` for each character that XML does not allow."""
    return _NOT_ALLOWED.sub(REPLACEMENT, text)


def escaped(text: str) -> str:
    """The text as content or quoted attribute of an XML element."""
    if text.isascii() and _PLAIN.fullmatch(text):  # as nearly all are
        return text
    return allowed(text).translate(_ESCAPES)
