"""A real mail server on this machine, for tests: it takes, refuses or hangs as it is told."""

import asyncio
import socket
import ssl
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from ipaddress import ip_address
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

USER, PASSWORD = "erfaring", "hemmelig nok"


class Box:
    """What the server does with mail, and the mails it took over."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.was_encrypted: list[bool] = []
        self.refuse_receiver = self.refuse_text = ""
        self.hang_at = ""

    async def handle_RCPT(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list
    ) -> str:
        if self.hang_at == "receiver":
            await asyncio.sleep(5)
        if self.refuse_receiver:
            return self.refuse_receiver
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(  # noqa: N802 - the name that aiosmtpd calls
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        if self.hang_at == "text":
            await asyncio.sleep(5)
        if self.refuse_text:
            return self.refuse_text
        self.mails.append(message_from_bytes(envelope.content, policy=policy.default))
        self.was_encrypted.append(server.transport.get_extra_info("sslcontext") is not None)
        return "250 taken over"


@contextmanager
def running(box: Box, **options: object) -> Iterator[int]:
    """Run a server that does as ``box`` says; yield its port."""
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop(no_assert=True)


def knows(server: object, session: object, envelope: object, way: str, given: object) -> AuthResult:
    """Let one account in."""
    is_right = isinstance(given, LoginPassword) and given == LoginPassword(
        USER.encode(), PASSWORD.encode()
    )
    return AuthResult(success=is_right)


def free_port() -> int:
    with closing(socket.socket()) as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def certificate(folder: Path) -> tuple[Path, ssl.SSLContext]:
    """Return a new certificate of 127.0.0.1, and what a server needs to show it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    address = x509.IPAddress(ip_address("127.0.0.1"))
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([address]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    place, key_place = folder / "server.pem", folder / "server.key"
    place.write_bytes(signed.public_bytes(serialization.Encoding.PEM))
    key_place.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(place, key_place)
    return place, context
