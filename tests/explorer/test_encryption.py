"""`cli serve --certificate --key`: what is sent is encrypted, and a client that says nothing keeps nobody out."""

from __future__ import annotations

import datetime
import http.client
import json
import logging
import os
import re
import socket
import ssl
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from threading import Thread

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from playwright.sync_api import Browser, expect

from pharmagraph.explorer.encryption import Encryption
from pharmagraph.explorer.server import THREADS, end, make_server
from pharmagraph.kg.errors import InputError
from tests.explorer.conftest import PATIENCE, Served
from tests.faults.conftest import command, one_line

pytestmark = pytest.mark.once

TOKEN = "0123456789abcdefghijABCDEFGHIJ-_0123456789x"


def made_certificate(
    folder: Path, password: bytes | None = None, *, days: tuple[int, int] = (-1, 1)
) -> tuple[Path, Path]:
    """Files of a certificate for ``localhost`` that signs itself, and of its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now + datetime.timedelta(days=days[0]))
        .not_valid_after(now + datetime.timedelta(days=days[1]))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    files = folder / "certificate.pem", folder / "key.pem"
    files[0].write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    hidden = serialization.BestAvailableEncryption(password) if password else serialization.NoEncryption()
    files[1].touch(0o600)
    files[1].write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, hidden)
    )
    return files


@pytest.fixture(scope="module")
def pair(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """A certificate and its key."""
    return made_certificate(tmp_path_factory.mktemp("certificate"))


@pytest.fixture(scope="module")
def port(small: str, pair: tuple[Path, Path]) -> Iterator[int]:
    """The port of an explorer that encrypts and asks for a token."""
    with Served(small, token=TOKEN, encrypted_by=pair) as url:
        yield int(url.rpartition(":")[2])


def asked(
    port: int, path: str, certificate: Path, **headers: str
) -> tuple[int, str, http.client.HTTPMessage]:
    """Status, text and headers of an answer to a client that trusts the certificate."""
    trusting = ssl.create_default_context(cafile=str(certificate))
    connection = http.client.HTTPSConnection("localhost", port, timeout=30, context=trusting)
    connection.request("GET", path, headers=headers)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, text, answer.headers


def test_a_client_that_trusts_the_certificate_is_answered(port: int, pair: tuple[Path, Path]) -> None:
    status, text, _ = asked(port, "/api/describe", pair[0], Authorization=f"Bearer {TOKEN}")
    assert status == 200 and json.loads(text)
    status, _, headers = asked(port, f"/?token={TOKEN}", pair[0])
    assert status == 200 and "; Secure" in str(headers["Set-Cookie"])


def test_nothing_can_be_read_without_encryption(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
        client.sendall(f"GET /?token={TOKEN} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        got = b""
        try:
            while block := client.recv(4096):
                got += block
        except ConnectionResetError:
            pass
    assert b"pharmagraph" not in got and b"200 OK" not in got


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion:DeprecationWarning")
def test_a_client_of_an_old_kind_of_encryption_is_refused(port: int) -> None:
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    with (
        socket.create_connection(("127.0.0.1", port), timeout=30) as client,
        pytest.raises((ssl.SSLError, ConnectionError)),
    ):
        old.wrap_socket(client).sendall(b"GET / HTTP/1.1\r\n\r\n")


def test_clients_that_say_nothing_keep_nobody_out(port: int, pair: tuple[Path, Path]) -> None:
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(5)]
    assert asked(port, "/api/nowhere", pair[0], Authorization=f"Bearer {TOKEN}")[0] == 404
    for client in silent:
        client.close()


def test_a_browser_shows_a_page(port: int, browser: Browser) -> None:
    context = browser.new_context(ignore_https_errors=True)
    page = context.new_page()
    page.goto(f"https://localhost:{port}/?token={TOKEN}", timeout=PATIENCE)
    expect(page.get_by_role("searchbox").or_(page.locator("input")).first).to_be_visible()
    assert page.url == f"https://localhost:{port}/"
    context.close()


def test_the_command_prints_an_address_of_https(small: str, pair: tuple[Path, Path]) -> None:
    words = ["serve", "--store", small, "--port", "0", "--no-browser"]
    files = ["--certificate", str(pair[0]), "--key", str(pair[1])]
    with subprocess.Popen(
        [sys.executable, "-m", "pharmagraph.cli", *words, *files], stdout=subprocess.PIPE, text=True
    ) as served:
        assert served.stdout is not None
        line = served.stdout.readline()
        assert line.startswith("https://127.0.0.1:"), line
        port = int(line.split("/")[2].rpartition(":")[2])
        assert asked(port, "/api/describe", pair[0])[0] == 200
        served.terminate()
        assert served.wait(30) == 143


def test_files_that_cannot_be_used_are_one_line(tmp_path: Path, small: str, pair: tuple[Path, Path]) -> None:
    def said(certificate: Path | None, key: Path | None) -> str:
        words = ["serve", "--store", small, "--port", "0", "--no-browser"]
        words += [] if certificate is None else ["--certificate", str(certificate)]
        words += [] if key is None else ["--key", str(key)]
        return one_line(command(*words))

    certificate, key = pair
    other = made_certificate(tmp_path / "other")
    hidden = made_certificate(tmp_path / "hidden", b"a password")
    text = tmp_path / "text.pem"
    text.write_text("no certificate")
    text.chmod(0o600)
    assert "belong together" in said(certificate, None)
    assert "belong together" in said(None, key)
    assert "cannot read the key" in said(certificate, tmp_path / "none.pem")
    assert "is not that of the first certificate" in said(certificate, other[1])
    assert "has a password" in said(*hidden)
    assert "PEM" in said(text, key)
    readable = tmp_path / "readable.pem"
    readable.write_bytes(key.read_bytes())
    readable.chmod(0o644)
    assert "chmod 600" in said(certificate, readable)


def test_a_pipe_a_der_file_and_a_certificate_whose_time_is_over_are_refused(
    tmp_path: Path, pair: tuple[Path, Path]
) -> None:
    certificate, key = pair
    os.mkfifo(tmp_path / "pipe", 0o600)
    der = tmp_path / "certificate.der"
    der.write_bytes(
        x509.load_pem_x509_certificate(certificate.read_bytes()).public_bytes(serialization.Encoding.DER)
    )
    past = made_certificate(tmp_path / "past", days=(-9, -2))
    future = made_certificate(tmp_path / "future", days=(2, 9))
    for files, said in (
        ((tmp_path / "pipe", key), "pipe is no file"),  # opening it would wait for ever
        ((certificate, tmp_path / "pipe"), "pipe is no file"),
        ((tmp_path, key), "Is a directory"),
        ((der, key), f"openssl x509 -inform DER -in {der}"),
        ((key, certificate), "holds no certificate in PEM form"),
        (past, "has expired"),
        (future, "is not valid yet"),
    ):
        with pytest.raises(InputError, match=re.escape(said)) as error:
            Encryption(*files)
        assert "\n" not in str(error.value)


def test_links_and_one_file_for_both_are_taken(tmp_path: Path, pair: tuple[Path, Path]) -> None:
    both = tmp_path / "both.pem"
    both.touch(0o600)
    both.write_bytes(pair[0].read_bytes() + pair[1].read_bytes())
    link = tmp_path / "link.pem"
    link.symlink_to(both)
    Encryption(both, link)


def test_clients_that_break_the_protocol_are_not_told_of(
    port: int, pair: tuple[Path, Path], caplog: pytest.LogCaptureFixture
) -> None:
    """Each was a traceback of 60 lines on standard error, so that a scan of ports could fill a disk."""
    for sent in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", bytes(600)):
        for at_once in (False, True):
            with socket.create_connection(("127.0.0.1", port), timeout=30) as client:
                client.sendall(sent)
                if at_once:  # it has gone before it is accepted
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                else:
                    with suppress(OSError):  # refused already
                        client.shutdown(socket.SHUT_WR)
                        client.recv(100)
    assert asked(port, "/api/nowhere", pair[0], Authorization=f"Bearer {TOKEN}")[0] == 404
    assert not [one for one in caplog.records if one.levelno > logging.INFO]


def test_clients_in_the_midst_of_a_handshake_are_not_waited_for_at_the_end(
    small: str, pair: tuple[Path, Path]
) -> None:
    """Those behind the first 32 were given 10 seconds each after the signal."""
    server = make_server(small, 0, encrypted_by=pair)
    serving = Thread(target=server.serve)
    serving.start()
    clients = [socket.create_connection(server.bind_addr) for _ in range(2 * THREADS)]
    for client in clients:
        client.sendall(b"\x16\x03\x01")
    until = time.monotonic() + 30
    while server.requests.qsize < 8 and time.monotonic() < until:
        time.sleep(0.05)
    server.shutdown_timeout = 0.1
    end(server)
    serving.join(30)
    assert not serving.is_alive() and server.requests.qsize == 0
    for client in clients:
        client.close()
