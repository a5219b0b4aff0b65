"""Driver events in words, where a source names them by a code; a name of another form stays as it is."""

from __future__ import annotations

import re

SEGMENTS = (
    "A gain or loss is of a segment that GDSC finds changed in many cancers, with the cancer genes in it."
)
"""What such an event is."""
_MUTATED = re.compile(r"(?P<gene>[^\s(]+)_mut")
_SEGMENTS = re.compile(
    r"(?P<kind>gain|loss)_(?P<first>cnaPANCAN\d+)(?:_\((?P<genes>[^()]*)\))?(?P<others>(?:, .+)?)"
)
_SEGMENT = re.compile(r", (?:gain|loss)_(cnaPANCAN\d+)")


def in_words(events: str | None) -> str:
    """Events of one gene, as ``BRAF mutated`` or ``loss of cnaPANCAN210 with FAT1, IRF2``.

    Parameters
    ----------
    events
        As the store has them, several with ``; `` between them; None if the source names none.
    """
    return "; ".join(_one(event) for event in (events or "").split("; "))


def has_segment(events: str | None) -> bool:
    """Whether one of the events is a gain or a loss of a segment of GDSC."""
    return any(_SEGMENTS.fullmatch(event) for event in (events or "").split("; "))


def _one(event: str) -> str:
    if found := _MUTATED.fullmatch(event):
        return f"{found['gene']} mutated"
    if found := _SEGMENTS.fullmatch(event):
        segments = " and ".join([found["first"], *_SEGMENT.findall(found["others"])])
        genes = ", ".join((found["genes"] or "").split(","))
        return f"{found['kind']} of {segments}{f' with {genes}' if genes else ''}"
    return event
