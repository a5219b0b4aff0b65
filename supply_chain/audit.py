"""Asks a database of vulnerabilities about every package in the lock.

    python -m supply_chain.audit [--required]

Exit code 1 where a package has a known vulnerability that `ACCEPTED` does not list. Where the database cannot be
reached, that is said, and is an error only with ``--required``: pip-audit itself ends well where it could look up
nothing.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

LOCK = Path(__file__).resolve().parent.parent / "requirements.lock"
SECONDS = 240
ACCEPTED: Mapping[str, str] = {}
"""Id of a vulnerability → why it does no harm here."""

Answer = tuple[int, str, str]
"""Exit code, standard output, standard error of pip-audit."""


def ask(lock: Path = LOCK) -> Answer:
    """What pip-audit says of a lock; packages are looked up and not installed."""
    words = [sys.executable, "-m", "pip_audit", "--requirement", str(lock), "--no-deps", "--disable-pip"]
    try:
        done = subprocess.run(
            [*words, "--format", "json", "--progress-spinner", "off", "--timeout", "10"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
        )
    except subprocess.TimeoutExpired:
        return 1, "", f"no answer within {SECONDS} s"
    return done.returncode, done.stdout, done.stderr


def judged(answer: Answer) -> tuple[str, bool | None]:
    """What an answer means.

    Returns
    -------
    str
        For the user, in one or more lines.
    bool or None
        Whether the packages are free of known vulnerabilities; None where that could not be asked.
    """
    code, out, err = answer
    try:
        packages: list[dict[str, Any]] = json.loads(out)["dependencies"]
    except (ValueError, KeyError, TypeError):
        last = (err.strip().splitlines() or [f"pip-audit ended with {code}"])[-1]
        return f"NOT AUDITED: the database of vulnerabilities was not reached ({last})", None
    skipped = [p["name"] for p in packages if "skip_reason" in p]
    known = len(packages) - len(skipped)
    if not known:
        return f"NOT AUDITED: the database of vulnerabilities knew none of {len(packages)} packages", None
    found = [
        (p["name"], p["version"], v["id"], ", ".join(v.get("fix_versions", [])) or "none")
        for p in packages
        for v in p.get("vulns", [])
        if v["id"] not in ACCEPTED
    ]
    lines = [f"{name} {version}: {id_}, mended in {mended}" for name, version, id_, mended in found]
    lines.append(f"{known} packages audited, {len(found)} known vulnerabilities")
    if skipped:
        lines.append(f"NOT AUDITED: {len(skipped)} that the database does not know: {', '.join(skipped)}")
    return "\n".join(lines), not found


def main(asked: Callable[[], Answer] = ask) -> int:
    """Print what was found; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--required", action="store_true", help="an audit that cannot be made is an error")
    required = parser.parse_args().required
    said, sound = judged(asked())
    print(said)
    return int(required if sound is None else not sound)


if __name__ == "__main__":
    sys.exit(main())
