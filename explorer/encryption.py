"""Encrypts what the explorer sends and receives (TLS), by a certificate of the user's own."""

from __future__ import annotations

import os
import socket
import ssl
import stat
from pathlib import Path
from typing import Any

from cheroot.errors import FatalSSLAlert
from cheroot.ssl.builtin import BuiltinSSLAdapter

from pharmagraph.kg.errors import InputError

_OUT_OF_TIME = {9: "is not valid yet", 10: "has expired"}
"""``X509_V_ERR_CERT_NOT_YET_VALID`` and ``X509_V_ERR_CERT_HAS_EXPIRED`` of OpenSSL."""


class Connection(ssl.SSLSocket):
    """A connection that agrees on its encryption when it is first read, and ends when that fails.

    cheroot would log the error with its traceback and send an answer, for which the handshake would begin again.
    """

    def recv_into(self, buffer: Any, nbytes: int | None = None, flags: int = 0) -> int:
        """As that of a socket.

        Raises
        ------
        FatalSSLAlert
            If the other side breaks the protocol, or says nothing for too long before encryption is agreed on.
        """
        try:
            if self.version() is None:
                self.do_handshake()
        except (OSError, ValueError) as error:  # ValueError: closed meanwhile
            raise FatalSSLAlert from error
        try:
            return super().recv_into(buffer, nbytes, flags)
        except ssl.SSLError as error:
            raise FatalSSLAlert from error

    def send(self, data: Any, flags: int = 0) -> int:
        """As that of a socket; errors as `recv_into`."""
        try:
            return super().send(data, flags)
        except ssl.SSLError as error:
            raise FatalSSLAlert from error


class Encryption(BuiltinSSLAdapter):  # type: ignore[misc, unused-ignore]
    """Encrypts each connection when its first request is read.

    cheroot's own adapter agrees on the encryption where connections are accepted, so that a client that says nothing
    would keep all others out.

    Parameters
    ----------
    certificate
        PEM file of the certificate, with the intermediate ones after it.
    key
        PEM file of its private key, without a password. Both may be one file.

    Raises
    ------
    InputError
        If a file cannot be read, is no such file or not in PEM form, the key is not the certificate's, it has a
        password, others may read it, or the certificate's time is over or has not come.
    """

    def __init__(self, certificate: Path, key: Path) -> None:
        _check(certificate, key)
        super().__init__(str(certificate), str(key))
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.context.sslsocket_class = Connection
        _require_in_time(self.context, certificate)

    def wrap(self, sock: socket.socket) -> tuple[ssl.SSLSocket, dict[str, str]]:
        """The connection, encrypted from its first byte, and what a request on it is told."""
        try:
            encrypted = self.context.wrap_socket(sock, server_side=True, do_handshake_on_connect=False)
        except OSError as error:  # the client has gone
            raise FatalSSLAlert from error
        return encrypted, {"wsgi.url_scheme": "https", "HTTPS": "on"}


def _check(certificate: Path, key: Path) -> None:
    _require_part(certificate, "certificate", b"CERTIFICATE-----", "x509")
    mode = _require_part(key, "key", b"PRIVATE KEY-----", "pkey")
    if os.name == "posix" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise InputError(f"others may read the key in {key}; take their right: chmod 600 {key}")

    def asked() -> str:
        raise InputError(
            f"the key in {key} has a password; write one without: openssl pkey -in {key} -out FILE"
        )

    try:
        ssl.create_default_context(ssl.Purpose.CLIENT_AUTH).load_cert_chain(certificate, key, asked)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            raise InputError(
                f"the key in {key} is not that of the first certificate in {certificate}; give the key that belongs to "
                "it, and intermediate certificates after it"
            ) from None
        reason = (error.reason or "").replace("_", " ").lower()
        raise InputError(
            f"{certificate} and {key} are no certificate and its key in PEM form ({reason or 'not PEM'}); "
            "look at them: openssl x509 -in CERTIFICATE -text"
        ) from None


def _require_part(file: Path, holds: str, mark: bytes, reads: str) -> int:
    """Refuse what is no file that has a part in PEM form; the file's mode."""
    try:
        mode = file.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):  # opening a pipe would wait for its other end
            raise InputError(f"{file} is no file, so it holds no {holds}; give a PEM file")
        content = file.read_bytes()
    except (OSError, ValueError) as error:  # ValueError: a zero byte in the name
        raise InputError(
            f"cannot read the {holds} in {file}: {getattr(error, 'strerror', error)}; give a PEM file"
        ) from None
    if mark not in content:
        raise InputError(
            f"{file} holds no {holds} in PEM form; of a DER file: openssl {reads} -inform DER -in {file} -out FILE"
        )
    return mode


def _require_in_time(context: ssl.SSLContext, certificate: Path) -> None:
    """Refuse a certificate that clients will refuse by its dates: a client that trusts it is tried, in memory."""
    client_context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    client_context.check_hostname = False
    client_context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    client_context.load_verify_locations(certificate)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = client_context.wrap_bio(to_client, to_server)
    server = context.wrap_bio(to_server, to_client, server_side=True)
    for side in (client, server, client):
        try:
            side.do_handshake()
        except ssl.SSLWantReadError:
            continue
        except ssl.SSLCertVerificationError as error:
            if error.verify_code in _OUT_OF_TIME:
                raise InputError(
                    f"the certificate in {certificate} {_OUT_OF_TIME[error.verify_code]}, so every client would refuse "
                    f"it; make a new one, or set this machine's clock. Its dates: openssl x509 -in {certificate} -dates"
                ) from None
            return
