"""The token that a browser or a program needs where the explorer is served beyond this machine.

It is never taken from the command line, which every user of the machine can read.
"""

from __future__ import annotations

import ipaddress
import os
import secrets
import stat
from collections.abc import Mapping
from pathlib import Path

from pharmagraph.kg.errors import InputError

VARIABLE = "PHARMAGRAPH_TOKEN"
BYTES = 32
"""Random bytes of a token that is made; written with 43 letters, digits, ``-`` and ``_``."""
SHORTEST = 32
"""Characters that a token of the user's own has at least."""


def is_loopback(host: str) -> bool:
    """True for an address or name that only this machine reaches."""
    if host.casefold() == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def token_for(
    host: str, *, new: bool = False, file: Path | None = None, environment: Mapping[str, str] = os.environ
) -> str | None:
    """The token to ask for at an address; None where none is asked for.

    Parameters
    ----------
    host
        Where the explorer is to be served. Beyond loopback a token is required.
    new
        Make one of `BYTES` random bytes.
    file
        Holds the token; it comes before the variable.
    environment
        ``PHARMAGRAPH_TOKEN`` is read from it.

    Raises
    ------
    InputError
        If there is none and one is required, it is too short or has other signs, or others may read its file.
    """
    given = environment.get(VARIABLE)
    if new and (file or given):
        raise InputError(f"a new token is asked for, and {file or VARIABLE} has one; leave one of them out")
    if new:
        return secrets.token_urlsafe(BYTES)
    if file is not None:
        return _checked(_read(file), str(file))
    if given:
        return _checked(given.strip(), VARIABLE)
    if is_loopback(host):
        return None
    raise InputError(
        f"{host} is reached from other machines, so a token is needed: --new-token makes one, "
        f"--token-file FILE or {VARIABLE} holds yours"
    )


def _read(file: Path) -> str:
    try:
        mode = file.stat().st_mode
        text = file.read_text(encoding="ascii").strip()
    except UnicodeDecodeError:
        raise InputError(f"{file} holds no token; make one: cli serve --new-token") from None
    except OSError as error:
        raise InputError(f"cannot read the token in {file}: {error.strerror}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"others may read the token in {file}; take their right: chmod 600 {file}")
    return text


def _checked(token: str, where: str) -> str:
    """The token, where it can stand in an address and a header as it is; errors do not repeat it."""
    if len(token) < SHORTEST or not all(c.isascii() and (c.isalnum() or c in "-_.~") for c in token):
        raise InputError(
            f"the token in {where} needs {SHORTEST} or more letters, digits, - and _; "
            'make one: python -c "import secrets; print(secrets.token_urlsafe(32))"'
        )
    return token
