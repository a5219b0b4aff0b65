"""The loaded C++ library, which sorts edges, drops numbers and runs the kernels; it is called with tensors."""

from __future__ import annotations

import ctypes
import functools
import os
from ctypes import c_float, c_int32, c_int64, c_uint32, c_void_p

import torch
from torch import Tensor

from pharmagraph.model.kernels.build import BuildError, load_library

ENVIRONMENT = "PHARMAGRAPH_KERNELS"
"""Environment variable that overrides the choice for tensors on the CPU: cpu, numba or reference."""


class Library:
    """The compiled functions, called with tensors.

    Parameters
    ----------
    variant
        Kind of processor for which the library is compiled; by default this machine's.
    """

    def __init__(self, variant: str | None = None) -> None:
        self.functions, self.path = load_library(variant)
        self.functions.new_plan.restype = c_void_p
        self.functions.sort_csr.restype = c_int64
        self.lanes = int(self.functions.vector_lanes())

    def sort_csr(self, src: Tensor, dst: Tensor, n_src: int, n_dst: int) -> tuple[Tensor, ...] | int:
        """The arrays of a `Csr` in the order of its fields; if an edge is out of range, its position instead."""
        arrays = [
            torch.empty(n, dtype=torch.int32) for n in (n_dst + 1, len(src), len(src), len(src), n_src + 1)
        ]
        pointers = [c_void_p(t.data_ptr()) for t in (src, dst)]
        sizes = c_int64(n_src), c_int64(n_dst)
        bad = self.functions.sort_csr(
            c_int64(len(src)), *pointers, *sizes, *(c_void_p(t.data_ptr()) for t in arrays)
        )
        return int(bad) if bad >= 0 else tuple(arrays)

    def drop(self, x: Tensor, *, key: int, threshold: int, scale: float) -> Tensor:
        """Set numbers of a contiguous float32 ``x`` to zero and scale the others; the same key drops the same ones."""
        out = torch.empty_like(x)
        self.functions.dropout(
            c_int64(x.numel()), c_void_p(x.data_ptr()), c_void_p(out.data_ptr()), c_uint32(key),
            c_uint32(threshold), c_float(scale), c_int32(torch.get_num_threads()),
        )  # fmt: skip
        return out

    def call(self, name: str, problem: ctypes.Structure) -> None:
        """Run `forward` or `backward` on a `struct Problem` of cpu/problem.h."""
        getattr(self.functions, name)(ctypes.byref(problem))


@functools.cache
def library(variant: str | None = None) -> Library:
    """The library for one kind of machine, built and loaded once.

    Raises
    ------
    BuildError
        If there is no compiler, or it fails.
    """
    return Library(variant)


@functools.cache
def compiled() -> Library | None:
    """The library, or None if it cannot be built or the environment chooses another implementation."""
    if os.environ.get(ENVIRONMENT, "cpu") not in {"cpu", ""}:
        return None
    try:
        return library()
    except BuildError:
        return None
