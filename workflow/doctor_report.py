"""The doctor's findings as a file that can be shared: no name of a user or machine, no secret, no place.

What is written is put through `without_private`, which knows what is private here and what a place looks like.
"""

from __future__ import annotations

import getpass
import importlib.metadata
import json
import os
import platform
import re
import socket
import sys
import tempfile
from collections.abc import Iterable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from pharmagraph.workflow.doctor import Finding

SECRET = re.compile(r"PASSW|TOKEN|SECRET|KEY|CREDENTIAL|USERNAME|AUTH", re.IGNORECASE)
"""Names of variables of the environment whose values are never written."""
ADDRESS = re.compile(r"\b([a-z][a-z0-9+.-]*://)[^\s\"',;]*")
PLACE = re.compile(r"(?<![\w.<~])(?:<private>)?(?:[A-Za-z]:\\|~|\.\.)?[/\\][^\s\"',;:)]*")
SHORTEST = 3
"""Characters of a private word that is looked for within other words; a shorter one only as a whole word."""


def report(findings: Iterable[Finding], environment: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Findings, versions of all packages, and names of the variables that are set, without what is private."""
    private = private_words(environment)
    packages = {
        str(one.metadata["Name"]): one.version
        for one in importlib.metadata.distributions()
        if one.metadata["Name"]
    }
    return {
        "pharmagraph": importlib.metadata.version("pharmagraph"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}",
        "findings": [
            {name: without_private(text, private) for name, text in found.row().items()} for found in findings
        ],
        "set": sorted(
            name for name in environment if name.startswith(("PHARMAGRAPH_", "NEO4J_", "OMP_", "OTEL_"))
        ),
        "packages": dict(sorted(packages.items(), key=lambda pair: pair[0].casefold())),
    }


def write(file: Path, findings: Iterable[Finding]) -> None:
    """Write the report as JSON."""
    from pharmagraph.kg.folders import whole

    with whole(file) as place:
        place.write_text(json.dumps(report(findings), indent=1) + "\n", encoding="utf-8")


def private_words(environment: Mapping[str, str] = os.environ) -> list[str]:
    """Names of the user and of the machine, values of secrets, and known places, the longest first."""
    from platformdirs import user_cache_path

    found = {value for name, value in environment.items() if SECRET.search(name)}
    found |= {
        environment.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "HOSTNAME", "COMPUTERNAME")
    }
    name = socket.gethostname()
    found |= {name, name.partition(".")[0], platform.node(), Path.home().name}
    with suppress(KeyError, OSError):  # a user without a name, as in containers
        found.add(getpass.getuser())
    # places that are known, since one may have spaces; others are told by what they look like
    known = {
        Path.home(),
        Path.cwd(),
        Path(tempfile.gettempdir()),
        Path(sys.prefix),
        user_cache_path("pharmagraph"),
    }
    found |= {str(place) for place in known if len(place.parts) > 1}
    values = (part for value in environment.values() for part in value.split(os.pathsep))
    found |= {value for value in values if value.startswith("/") and len(Path(value).parts) > 1}
    return sorted((word for word in found if word), key=len, reverse=True)


def without_private(text: str, private: Iterable[str]) -> str:
    """A text in which addresses, places and private words are replaced."""
    text = ADDRESS.sub(r"\1<address>", text)
    for word in private:
        pattern = re.escape(word) if len(word) > SHORTEST else rf"(?<!\w){re.escape(word)}(?!\w)"
        text = re.sub(pattern, "<private>", text, flags=re.IGNORECASE)
    return PLACE.sub("<place>", text)
