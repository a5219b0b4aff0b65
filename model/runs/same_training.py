"""Requires that the ranks of a training have the same data, options and program."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from pharmagraph.model import ranks

_IN_WORDS = {
    "data_fingerprint": "graph", "git_fingerprint": "commit of pharmagraph", "config": "preset or option of it",
    "torch": "version of torch",
}  # fmt: skip
_MAY_DIFFER = {"kernels", "device"}
"""Processors and compilers of machines may differ: weights are the same on all ranks after each step."""


def require_same_training(what: Mapping[str, Any]) -> None:
    """Go on where this rank and all others are about to train the same.

    Parameters
    ----------
    what
        All that the fits depend on; it becomes JSON.

    Raises
    ------
    ModelError
        On rank 0, where another rank has something else, or could not begin.
    ServedError
        On every other rank then.
    """
    said = {"version of pharmagraph": version("pharmagraph")}
    for name, value in what.items():
        if name not in _MAY_DIFFER:
            said[_IN_WORDS.get(name, name)] = _short(value)
    ranks.require_alike(said)


def _short(value: Any) -> str:
    """A version, a number or a word as it is; a digest of anything else."""
    if isinstance(value, dict | list) or len(str(value)) > 24:
        return hashlib.sha256(json.dumps(value, sort_keys=True, default=str).encode()).hexdigest()[:12]
    return str(value)
