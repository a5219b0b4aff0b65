"""A command typed in this process: what `cli.main` prints and its exit code, without the seconds that imports take.

It is for tests of what a command does. What a process does of its own (imports, signals, the environment) needs one.
"""

from __future__ import annotations

import io
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from pharmagraph import cli


def typed(
    *words: str,
    cwd: Path | None = None,
    encoding: str = "utf-8",
    environment: Mapping[str, str] | None = None,
) -> subprocess.CompletedProcess[str]:
    """Run the words after `cli` in a folder, on streams of an encoding that refuse what it does not have."""
    on_terminate = signal.getsignal(signal.SIGTERM)
    streams = {
        name: io.TextIOWrapper(io.BytesIO(), encoding=encoding, write_through=True)
        for name in ("stdout", "stderr")
    }
    code: object = 0
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "argv", ["cli", *words])
        patch.chdir(cwd or Path.cwd())
        for name, value in (environment or {}).items():
            patch.setenv(name, value)
        for name, stream in streams.items():
            patch.setattr(sys, name, stream)
        try:
            cli.main()
        except SystemExit as end:
            code = end.code or 0
        finally:
            signal.signal(signal.SIGTERM, on_terminate)
    assert isinstance(code, int), code  # a text would be an error message of Python's own
    out, err = (stream.buffer.getvalue().decode(encoding) for stream in streams.values())  # type: ignore[attr-defined]
    return subprocess.CompletedProcess([*words], code, out, err)
