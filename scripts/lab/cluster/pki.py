"""Certificates: the cluster's own authority, and the key pairs that it signs."""

import base64
import datetime
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Self

import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID_DAYS = 3650


@dataclass(frozen=True)
class KeyPair:
    """A certificate with its private key, both as PEM."""

    certificate: bytes
    key: bytes

    def write(self, folder: Path, name: str) -> None:
        """Write `NAME.crt` and `NAME.key`; only the owner may read the key."""
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.crt").write_bytes(self.certificate)
        write_private(folder / f"{name}.key", self.key)


def write_private(path: Path, content: bytes) -> None:
    """Write a file that only its owner may read, from its creation on."""
    path.unlink(missing_ok=True)
    path.touch(mode=0o600)
    path.write_bytes(content)


def new_key() -> ec.EllipticCurvePrivateKey:
    """A fresh private key."""
    return ec.generate_private_key(ec.SECP256R1())


def key_pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    """The private key as PEM, in the format that every component reads."""
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )


def service_account_keys() -> tuple[bytes, bytes]:
    """The private and the public half of the key that signs the tokens of service accounts."""
    key = new_key()
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    return key_pem(key), public


class Authority:
    """A certificate authority; `pair` is its own certificate and key."""

    def __init__(self, pair: KeyPair) -> None:
        self.pair = pair
        self._certificate = x509.load_pem_x509_certificate(pair.certificate)
        key = serialization.load_pem_private_key(pair.key, password=None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key

    @classmethod
    def create(cls, common_name: str) -> Self:
        """A new, self-signed authority."""
        key = new_key()
        name = _name(common_name, ())
        certificate = (
            _builder(subject=name, issuer=name, public_key=key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        return cls(KeyPair(certificate.public_bytes(serialization.Encoding.PEM), key_pem(key)))

    @classmethod
    def load(cls, folder: Path, name: str) -> Self:
        """Load the authority that `KeyPair.write` saved."""
        return cls(KeyPair((folder / f"{name}.crt").read_bytes(), (folder / f"{name}.key").read_bytes()))

    def client(self, user: str, *, groups: Iterable[str] = ()) -> KeyPair:
        """A key pair that authenticates `user`, a member of these groups, to the API server."""
        return self._issue(_name(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH, alternatives=[])

    def server(self, common_name: str, *, names: Iterable[str] = (), addresses: Iterable[IPv4Address] = ()) -> KeyPair:
        """A key pair for a server with these names and addresses."""
        alternatives: list[x509.GeneralName] = [x509.DNSName(name) for name in names]
        alternatives += [x509.IPAddress(address) for address in addresses]
        return self._issue(_name(common_name, ()), ExtendedKeyUsageOID.SERVER_AUTH, alternatives=alternatives)

    def _issue(
        self, subject: x509.Name, purpose: x509.ObjectIdentifier, *, alternatives: list[x509.GeneralName]
    ) -> KeyPair:
        key = new_key()
        builder = (
            _builder(subject=subject, issuer=self._certificate.subject, public_key=key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False)
        )
        if alternatives:
            builder = builder.add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        return KeyPair(certificate.public_bytes(serialization.Encoding.PEM), key_pem(key))


def _name(common_name: str, organizations: Iterable[str]) -> x509.Name:
    return x509.Name(
        [
            *(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization) for organization in organizations),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def _builder(
    *, subject: x509.Name, issuer: x509.Name, public_key: ec.EllipticCurvePublicKey
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        # A machine whose clock is slightly behind must still accept it.
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=_VALID_DAYS))
    )


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=True,
        content_commitment=False,
        key_encipherment=not signs_certificates,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def kubeconfig(*, server: str, authority: bytes, client: KeyPair, name: str = "lab") -> str:
    """A kubeconfig with everything embedded, so that the file alone is enough."""

    def encoded(content: bytes) -> str:
        return base64.b64encode(content).decode()

    return yaml.safe_dump(
        {
            "apiVersion": "v1",
            "kind": "Config",
            "clusters": [
                {"name": name, "cluster": {"server": server, "certificate-authority-data": encoded(authority)}}
            ],
            "users": [
                {
                    "name": name,
                    "user": {
                        "client-certificate-data": encoded(client.certificate),
                        "client-key-data": encoded(client.key),
                    },
                }
            ],
            "contexts": [{"name": name, "context": {"cluster": name, "user": name}}],
            "current-context": name,
        }
    )
