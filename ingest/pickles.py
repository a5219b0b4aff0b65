"""Reads pickles with an allow-list: plain containers, and tensors as NumPy arrays, without torch.

A pickle can name any function to be called while it is read. Here a name that is not on the list stops the reading
before anything is called. Tensors saved by torch contain further pickles, which are read by the same rule.
"""

from __future__ import annotations

import io
import pickle  # nosec B403 # read with an allow-list (above)
import struct
from collections import OrderedDict
from collections.abc import Callable
from typing import Any

import numpy as np
import numpy.typing as npt

from pharmagraph.kg.errors import DownloadError

_MAGIC = 0x1950A86A20F9469CFC6C
_DTYPES = {"FloatStorage": "<f4", "DoubleStorage": "<f8", "LongStorage": "<i8", "IntStorage": "<i4"}


class _StorageType(str):
    """The name of a torch storage class, which stands in for the class."""


class _RefusedError(pickle.UnpicklingError):
    pass


class _AllowListUnpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        allowed = _ALLOWED.get((module, name))
        if allowed is not None:
            return allowed
        if module == "torch" and name in _DTYPES:
            return _StorageType(name)
        raise _RefusedError(f"{module}.{name}")

    def persistent_load(self, pid: Any) -> Any:
        return pid


def loads(content: bytes, *, file: str) -> Any:
    """Read a pickle.

    Parameters
    ----------
    content
        The file's bytes.
    file
        The file's name, for messages.

    Returns
    -------
    object
        Made of dict, list, tuple, str, int, float, bool, None and NumPy arrays.

    Raises
    ------
    DownloadError
        If the pickle names a class that is not on the list, or is truncated.
    """
    try:
        return _AllowListUnpickler(io.BytesIO(content)).load()
    except _RefusedError as error:
        raise DownloadError(
            f"{file} asks for {error}, which no data file needs; it was not run. "
            "Do not use this file: fetch the package again"
        ) from None
    except (
        pickle.UnpicklingError,
        EOFError,
        struct.error,
        ValueError,
        TypeError,
        IndexError,
        KeyError,
        AttributeError,
        MemoryError,
        OverflowError,
    ) as error:
        raise DownloadError(
            f"{file} is cut short or damaged ({str(error) or type(error).__name__}); fetch the package again"
        ) from error


def _storage(content: bytes) -> npt.NDArray[Any]:
    """The single storage of a file in torch's format before 1.6: four pickles, the keys, then the numbers."""
    stream = io.BytesIO(content)
    if _AllowListUnpickler(stream).load() != _MAGIC:
        raise ValueError("not a torch storage")
    _AllowListUnpickler(stream).load()  # version of the format
    machine = _AllowListUnpickler(stream).load()
    if not machine.get("little_endian"):
        raise ValueError("big-endian storage")
    _, type_, key, _, length, *_ = _AllowListUnpickler(stream).load()
    if _AllowListUnpickler(stream).load() != [key]:
        raise ValueError("more than one storage")
    (stored,) = struct.unpack("<q", stream.read(8))
    dtype = np.dtype(_DTYPES[type_])
    rest = stream.read()
    if stored != length or len(rest) != length * dtype.itemsize:
        raise ValueError(f"{len(rest)} bytes where {length} numbers are announced")
    return np.frombuffer(rest, dtype)


def _tensor(
    storage: npt.NDArray[Any], offset: int, size: tuple[int, ...], stride: tuple[int, ...], *_: Any
) -> npt.NDArray[Any]:
    array = storage[offset : offset + int(np.prod(size))].reshape(size)
    if tuple(s // array.itemsize for s in array.strides) != tuple(stride):
        raise ValueError("a tensor that is not stored in order")
    return array


_ALLOWED: dict[tuple[str, str], Callable[..., Any]] = {
    ("collections", "OrderedDict"): OrderedDict,
    ("torch._utils", "_rebuild_tensor_v2"): _tensor,
    ("torch.storage", "_load_from_bytes"): _storage,
}
