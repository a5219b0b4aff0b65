"""Pickles are read by an allow-list: data yes, code no."""

from __future__ import annotations

import os
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from pharmagraph.ingest.pickles import loads
from pharmagraph.kg.errors import DownloadError


class _Calls:
    def __init__(self, function: object, *arguments: object) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self.call


def test_torch_tensors_become_arrays_of_the_same_numbers() -> None:
    tensors = {"A": torch.randn(7), "B": torch.arange(5), "C": torch.randn(2, 3, dtype=torch.float64)}
    read = loads(pickle.dumps(tensors), file="x.pkl")
    for name, tensor in tensors.items():
        np.testing.assert_array_equal(read[name], tensor.numpy())


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s),
        max_leaves=20,
    )
)
def test_plain_data_is_read_as_it_is(value: object) -> None:
    assert loads(pickle.dumps(value), file="x.pkl") == value


def test_ordered_dictionaries_are_data() -> None:
    assert loads(pickle.dumps(OrderedDict(a=1)), file="x.pkl") == {"a": 1}


def test_a_pickle_that_calls_the_shell_is_refused_and_not_run(tmp_path: Path) -> None:
    trace = tmp_path / "ran"
    content = pickle.dumps({"A": _Calls(os.system, f"touch {trace}")})
    with pytest.raises(DownloadError, match=r"x\.pkl asks for posix\.system") as caught:
        loads(content, file="x.pkl")
    assert "\n" not in str(caught.value)
    assert not trace.exists()


@pytest.mark.parametrize("function", [eval, exec, getattr, __import__, np.load, torch.load])
def test_nothing_but_the_list_is_called(function: object) -> None:
    with pytest.raises(DownloadError, match="asks for"):
        loads(pickle.dumps(_Calls(function, "1")), file="x.pkl")


def test_the_pickle_inside_a_tensor_is_refused_too(tmp_path: Path) -> None:
    """torch's own loader would read the inner pickle without any list."""
    trace = tmp_path / "ran"
    inner = pickle.dumps(_Calls(os.system, f"touch {trace}"))
    outer = pickle.dumps(_Calls(torch.storage._load_from_bytes, inner))
    with pytest.raises(DownloadError, match=r"posix\.system"):
        loads(outer, file="x.pkl")
    assert not trace.exists()


@given(st.integers(0, 400))
def test_a_pickle_cut_short_is_one_line(length: int) -> None:
    whole = pickle.dumps({"A": torch.ones(64), "B": ["text"] * 50})
    with pytest.raises(DownloadError) as caught:
        loads(whole[: min(length, len(whole) - 1)], file="x.pkl")
    assert "\n" not in str(caught.value)
