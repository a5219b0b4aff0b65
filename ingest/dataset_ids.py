"""What the id of a dataset may be: it stands in commands, messages and the name of a file of rejected rows."""

from __future__ import annotations

from pharmagraph.kg.errors import InputError, shortened

LONGEST = 200
"""Characters of an id."""


def fault(id_: str) -> str:
    """What is wrong with an id, as the end of a sentence that begins with it; empty if nothing is."""
    if not id_.strip():
        return "is empty"
    if len(id_) > LONGEST:
        return f"has {len(id_):,} characters, and {LONGEST} are allowed"
    odd = next((sign for sign in id_ if not sign.isprintable()), None)
    return f"holds U+{ord(odd):04X}, which is not printed" if odd is not None else ""


def require(id_: str) -> None:
    """Refuse an id, which may be the name of a file or a folder.

    Raises
    ------
    InputError
        With what is wrong and the option that gives another.
    """
    if reason := fault(id_):
        raise InputError(f'the dataset\'s name "{shortened(id_)}" {reason}; give another: --name NAME')
