"""Encrypts what the explorer sends and receives (TLS), by a certificate of the user's own."""

from __future__ import annotations

import os
import socket
import ssl
import stat
from pathlib import Path
from typing import TYPE_CHECKING

from cheroot.ssl.builtin import BuiltinSSLAdapter

from pharmagraph.kg.errors import InputError

if TYPE_CHECKING:
    from ssl import SSLSocket


class Encryption(BuiltinSSLAdapter):  # type: ignore[misc, unused-ignore]
    """Encrypts each connection when its first request is read.

    cheroot's own adapter agrees on the encryption where connections are accepted, so that a client that says nothing
    would keep all others out.

    Parameters
    ----------
    certificate
        PEM file of the certificate, with the intermediate ones after it.
    key
        PEM file of its private key, without a password.

    Raises
    ------
    InputError
        If a file cannot be read, the key is not the certificate's, it has a password, or others may read it.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        _check(certificate, key)
        super().__init__(str(certificate), str(key))
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2

    def wrap(self, sock: socket.socket) -> tuple[SSLSocket, dict[str, str]]:
        """The connection, encrypted from its first byte, and what a request on it is told."""
        encrypted = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        return encrypted, {"wsgi.url_scheme": "https", "HTTPS": "on"}


def _check(certificate: Path, key: Path) -> None:
    for file, holds in ((certificate, "certificate"), (key, "key")):
        try:
            with file.open("rb") as opened:
                mode = os.fstat(opened.fileno()).st_mode
        except OSError as error:
            raise InputError(f"cannot read the {holds} in {file}: {error.strerror}") from None
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"others may read the key in {key}; take their right: chmod 600 {key}")

    def asked() -> str:
        raise InputError(
            f"the key in {key} has a password; write one without: openssl pkey -in {key} -out FILE"
        )

    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, asked)
    except ssl.SSLError as error:
        reason = (error.reason or "").replace("_", " ").lower()
        raise InputError(
            f"{certificate} and {key} are no certificate and its key in PEM form ({reason or 'not PEM'})"
        ) from None
