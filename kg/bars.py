"""Signed bars in a terminal of any width and encoding: parts of a sum to both sides of an axis."""

from __future__ import annotations

from collections.abc import Sequence

from pharmagraph.kg.terminal import GAP, one_line, padded, width_of, wrapped

LEAST = 11
"""Narrowest bars: five signs on each side of the axis, where the parts are to both sides."""
_BLOCKS, _ASCII = ("█", "▌", "▐", "│"), ("#", "", "", "|")
"""A whole sign, half a sign at the right end and at the left end, and the axis."""


def lines(
    parts: Sequence[tuple[str, float]], total: tuple[str, float], width: int, encoding: str
) -> list[str]:
    """A line a part with its number and its bar, and the sum below a rule.

    Parameters
    ----------
    parts
        Name and value of each; the bars are in proportion to the largest.
    total
        Name and value of the sum.
    width
        Of the terminal in characters. Where names and bars do not fit side by side, a name takes several lines.
    encoding
        Of the stream: blocks where it has them, else ``#``.
    """
    signs = _BLOCKS if _holds(encoding, "".join(_BLOCKS)) else _ASCII
    largest = max((abs(value) for _, value in parts), default=0.0)
    decimals = 3 if max(largest, abs(total[1])) >= 0.1 else 5
    rows = [(one_line(name), f"{value + 0.0:+.{decimals}f}", value) for name, value in (*parts, total)]
    numbers = max(width_of(number) for _, number, _ in rows)
    longest = max(width_of(name) for name, _, _ in rows)
    names = max(min(longest, width - numbers - LEAST - 2 * len(GAP)), 1)
    room = max(width - names - numbers - 2 * len(GAP), LEAST)
    left, right = _sides([value for _, value in parts], room - 1)
    found = []
    for at, (name, number, value) in enumerate(rows):
        first, *others = wrapped(name, names)
        of_sum = at == len(parts)
        drawn = "" if of_sum or not largest else _bar(value / largest, left, right, signs)
        if of_sum:
            found.append("─" * min(width, names + len(GAP) + numbers))
        found.append(
            f"{padded(first, names, right=False)}{GAP}{padded(number, numbers, right=True)}{GAP}{drawn}".rstrip()
        )
        found += others
    return found


def _sides(values: Sequence[float], room: int) -> tuple[int, int]:
    """Signs to the left and to the right of the axis; a side on which nothing is has none."""
    negative, positive = any(v < 0 for v in values), any(v > 0 for v in values)
    if negative and positive:
        return room // 2, room // 2
    return (room, 0) if negative else (0, room)


def _bar(share: float, left: int, right: int, signs: tuple[str, str, str, str]) -> str:
    whole, at_right, at_left, axis = signs
    halves = round(2 * abs(share) * (left if share < 0 else right))
    full, half = divmod(halves, 2)
    if not at_right:  # no half signs: half a sign or more is one
        full, half = full + half, 0
    if share < 0:
        return (at_left * half + whole * full).rjust(left) + axis
    return " " * left + axis + whole * full + at_right * half


def _holds(encoding: str, text: str) -> bool:
    try:
        text.encode(encoding)
    except (LookupError, UnicodeEncodeError):
        return False
    return True
