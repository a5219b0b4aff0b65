"""Chooses the implementation of attention by device, float type and what this machine can build."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from pharmagraph.kg.errors import ShapeError
from pharmagraph.model.kernels import reference
from pharmagraph.model.kernels.build import BuildError
from pharmagraph.model.kernels.csr import Csr
from pharmagraph.model.kernels.dropout import Dropout
from pharmagraph.model.kernels.library import ENVIRONMENT, library
from pharmagraph.model.kernels.relation import Relation


class Attend(Protocol):
    """The signature of every implementation; the arguments are those of :func:`attend`."""

    def __call__(
        self,
        relations: Sequence[Relation],
        *,
        negative_slope: float,
        dropout: Dropout,
        shared_softmax: bool,
        attention: bool,
    ) -> tuple[Tensor, list[Tensor]]: ...


@dataclass(frozen=True)
class Implementation:
    """An implementation of attention, and the reason for choosing it."""

    name: str
    attend: Attend
    reason: str


def attend(
    relations: Sequence[Relation],
    *,
    negative_slope: float = 0.2,
    dropout: Dropout = Dropout(),
    shared_softmax: bool = False,
    attention: bool = True,
    implementation: str | None = None,
) -> tuple[Tensor, list[Tensor]]:
    """GATv2 attention of all relations into one kind of destination, summed over relations.

    Parameters
    ----------
    relations
        At least one; all have the same destinations, heads and channels.
    negative_slope
        Slope of the LeakyReLU in the score.
    dropout
        Determines which coefficients are dropped, after the softmax.
    shared_softmax
        One softmax over a destination's edges of all relations; otherwise one for each relation.
    attention
        Return the attention, too, which costs a pass over the edges.
    implementation
        ``"reference"``, ``"numba"``, ``"cpu"`` or ``"cuda"``; by default the best for the device.

    Returns
    -------
    out
        ``(n_dst, heads, channels)``; zeros where no edge arrives.
    attention
        For each relation ``(n_edges, heads)`` in order of edge id, before dropout; no rows unless ``attention``.

    Raises
    ------
    ShapeError
        If an argument does not fit; the message names it.
    ValueError
        If an argument has NaN or infinite values that enter a score.
    """
    if not relations:
        raise ShapeError("relations is empty: give at least one relation.")
    kind = relations[0].att.device.type
    if torch.is_autocast_enabled(kind):  # projections are of half precision then; kernels hold float32
        with torch.autocast(kind, enabled=False):
            return attend(
                [relation.projected_as(relation.att.dtype) for relation in relations],
                negative_slope=negative_slope, dropout=dropout, shared_softmax=shared_softmax,
                attention=attention, implementation=implementation,
            )  # fmt: skip
    for k, relation in enumerate(relations):
        relation.check(f"relations[{k}]")
        if relation.x_dst.dtype != relations[0].x_dst.dtype:
            raise ShapeError(
                f"relations[{k}]: x_dst holds {relation.x_dst.dtype}, that of the first relation "
                f"{relations[0].x_dst.dtype}: give one type."
            )
        if relation.x_dst.device != relations[0].x_dst.device:
            raise ShapeError(
                f"relations[{k}]: x_dst is on {relation.x_dst.device}, that of the first relation on "
                f"{relations[0].x_dst.device}: give one device."
            )
        if relation.x_dst.shape != relations[0].x_dst.shape:
            raise ShapeError(
                f"relations[{k}]: x_dst has shape {tuple(relation.x_dst.shape)}, "
                f"that of the first relation {tuple(relations[0].x_dst.shape)}: destinations are shared."
            )
    chosen = choose(relations[0].x_dst, implementation)
    return chosen.attend(
        relations,
        negative_slope=negative_slope,
        dropout=dropout,
        shared_softmax=shared_softmax,
        attention=attention,
    )


def choose(x: Tensor, name: str | None = None) -> Implementation:
    """The implementation for the device and type of `x`, or the one that is called `name`."""
    if name is not None:
        return _named(name)
    if x.dtype is not torch.float32:
        return Implementation(
            "reference", reference.attend, f"the compiled kernels hold float32, not {x.dtype}"
        )
    if x.device.type == "cuda":
        return _named("cuda")
    if x.device.type != "cpu":
        return Implementation("reference", reference.attend, f"there is no kernel for {x.device.type}")
    return for_cpu()


@functools.lru_cache(maxsize=1)
def for_cpu() -> Implementation:
    """The fastest implementation that works on this processor; warns once if it is not the C++ kernel."""
    forced = os.environ.get(ENVIRONMENT)
    if forced:
        chosen = _named(forced)
        return Implementation(forced, chosen.attend, f"{ENVIRONMENT} is set")
    refused = []
    for name in ("cpu", "numba"):
        try:
            chosen = _named(name)
        except (BuildError, ImportError) as error:
            refused.append(f"{name}: {error}")
            continue
        break
    else:
        chosen = _named("reference")
    if refused:
        reason = "; ".join(refused)
        warnings.warn(
            f"attention runs on the slower {chosen.name} kernel ({reason})", RuntimeWarning, stacklevel=2
        )
        return Implementation(chosen.name, chosen.attend, reason)
    return chosen


def status() -> dict[str, str]:
    """The implementation for each kind of device on this machine, and the reason.

    Returns
    -------
    dict
        ``"cpu"`` and ``"cuda"``, each as ``"implementation: reason"``.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the returned text has the reason
        chosen = for_cpu()
    cuda = "cuda: Triton" if torch.cuda.is_available() else "none: no GPU that torch can use"
    return {"cpu": f"{chosen.name}: {chosen.reason}", "cuda": cuda}


def warm() -> dict[str, str]:
    """Build, load and run all implementations for this machine once, so that no later run waits; returns `status`."""
    devices = ["cpu", *(["cuda"] if torch.cuda.is_available() else [])]
    for device in devices:
        graph = Csr.from_edges(torch.tensor([0], device=device), torch.tensor([0], device=device), 1, 1)
        x = torch.ones(1, 1, 1, device=device, requires_grad=True)
        out, _ = attend([Relation(graph, x, x, torch.ones(1, 1, device=device))])
        out.sum().backward()
    return status()


@functools.cache
def _named(name: str) -> Implementation:
    if name == "reference":
        return Implementation(name, reference.attend, "plain torch")
    if name == "cpu":
        from pharmagraph.model.kernels import cpu

        loaded = library()
        return Implementation(name, cpu.attend, f"{loaded.path.name}, {loaded.lanes} lanes")
    if name == "numba":
        from pharmagraph.model.kernels import cpu_numba

        return Implementation(name, cpu_numba.attend, "compiled by numba")
    if name == "cuda":
        from pharmagraph.model.kernels import cuda

        return Implementation(name, cuda.attend, "Triton")
    raise ValueError(f'implementation is "{name}": give "reference", "numba", "cpu" or "cuda".')
