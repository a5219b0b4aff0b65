"""The version of the code, which is recorded with every run and every figure."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path


def git_fingerprint() -> str:
    """Commit of the code, with ``+changes`` if files were changed since; outside a checkout the package's version."""
    here = Path(__file__).resolve().parent
    try:
        commit = _git(here, "rev-parse", "--short=12", "HEAD")
        return commit + ("+changes" if _git(here, "status", "--porcelain", "--untracked-files=no") else "")
    except (OSError, subprocess.SubprocessError):
        from importlib.metadata import version

        return f"pharmagraph {version('pharmagraph')}"


def _git(folder: Path, *arguments: str) -> str:
    environment = {**os.environ, "GIT_OPTIONAL_LOCKS": "0"}
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=10,
        env=environment,
    )
    return done.stdout.strip()
