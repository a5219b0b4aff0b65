"""Packages that a library would load at once, though nobody needs them here."""

from __future__ import annotations

import importlib
import os
import subprocess
import sys

import pytest

from pharmagraph.kg.left_out import left_out

NAME = "this"
"""A module of Python that nothing else imports."""


def test_a_package_is_absent_within_and_there_afterwards(capsys: pytest.CaptureFixture[str]) -> None:
    sys.modules.pop(NAME, None)
    with left_out(NAME), pytest.raises(ImportError):
        importlib.import_module(NAME)
    assert importlib.import_module(NAME) is sys.modules[NAME]


def test_a_package_that_is_loaded_stays(capsys: pytest.CaptureFixture[str]) -> None:
    loaded = importlib.import_module(NAME)
    with left_out(NAME):
        assert importlib.import_module(NAME) is loaded
    assert sys.modules[NAME] is loaded


def test_a_package_is_back_after_an_error() -> None:
    sys.modules.pop(NAME, None)
    with pytest.raises(KeyError), left_out(NAME):
        raise KeyError
    assert NAME not in sys.modules


def test_a_store_on_a_server_loads_no_pandas() -> None:
    code = (
        "import sys, pharmagraph as pg\n"
        "try: pg.open_store('bolt://127.0.0.1:1')\n"
        "except pg.errors.StoreUnavailableError: print(sorted({'neo4j', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={**os.environ, "NEO4J_PASSWORD": "none-is-needed"},
    )
    assert done.stdout.strip() == "['neo4j']"
