"""Certificates of HTTPS listeners: made here, signed by themselves, kept with the state. Keys are never logged."""

from datetime import datetime, timedelta
from hashlib import blake2b
from pathlib import Path

from emulator.balancer.door import Certificate
from emulator.clock import Clock

_VALID = timedelta(days=3650)


class Certificates:
    """Makes each certificate once.

    Args:
        folder: where they are kept.
        clock: tells from when they are valid.

    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        self._folder, self._clock = folder, clock
        self._made: dict[str, Certificate] = {}

    def of(self, name: str) -> Certificate:
        """The certificate for a load balancer's DNS name (and `localhost`)."""
        if name not in self._made:
            file = self._folder / f"{blake2b(name.encode(), digest_size=8).hexdigest()}.pem"
            if not file.exists():
                self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
                made = make_certificate(name, self._clock.now())
                file.touch(mode=0o600)
                file.write_text(made.key + made.certificate)
            key, mark, certificate = file.read_text().partition("-----BEGIN CERTIFICATE-----")
            self._made[name] = Certificate(mark + certificate, key)
        return self._made[name]


def make_certificate(name: str, now: datetime, *, rsa: bool = False) -> Certificate:
    """A certificate for a name (and `localhost`), signed by itself; its key is an elliptic one unless `rsa`."""
    from cryptography import x509  # noqa: PLC0415 - most servers have no HTTPS listener
    from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key as generate_rsa_key  # noqa: PLC0415
    from cryptography.hazmat.primitives.hashes import SHA256  # noqa: PLC0415
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        Encoding,
        NoEncryption,
        PrivateFormat,
    )
    from cryptography.x509.oid import NameOID  # noqa: PLC0415

    key = generate_rsa_key(65537, 2048) if rsa else generate_private_key(SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name[:64])])
    names = x509.SubjectAlternativeName([x509.DNSName(name), x509.DNSName("localhost")])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + _VALID)
        .add_extension(names, critical=False)
        .sign(key, SHA256())
    )
    pem = certificate.public_bytes(Encoding.PEM).decode()
    return Certificate(pem, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode())
