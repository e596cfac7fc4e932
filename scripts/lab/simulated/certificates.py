"""Certificates and keys of one control plane, from its own authority: created at the first start, valid for a year."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

_VALID_FOR = datetime.timedelta(days=365)


@dataclass(frozen=True)
class Pair:
    """The files of one key; `certificate` holds only the public key if no certificate is needed."""

    certificate: Path
    key: Path


@dataclass(frozen=True)
class Certificates:
    """The key pairs with which the programs of a control plane authenticate."""

    authority: Path
    server: Pair
    admin: Pair
    service_accounts: Pair


def _write_key(key: ec.EllipticCurvePrivateKey, file: Path) -> None:
    file.touch(mode=0o600)
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
        )
    )


class _Authority:
    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulated-control-plane")])
        self.file = folder / "authority.crt"
        certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self._key, hashes.SHA256())
        )
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, subject: x509.Name, key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        # Valid from an hour ago, as a virtual machine's clock may jump.
        begin = datetime.datetime.now(datetime.UTC) - datetime.timedelta(hours=1)
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(begin)
            .not_valid_after(begin + _VALID_FOR)
        )

    def issue(self, name: str, *, organization: str = "", hosts: tuple[str, ...] = ()) -> Pair:
        """Issue a key and certificate: for the server if `hosts` are given, else for a client."""
        pair = Pair(self._folder / f"{name}.crt", self._folder / f"{name}.key")
        key = ec.generate_private_key(ec.SECP256R1())
        subject = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
        if organization:
            subject.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
        usage = ExtendedKeyUsageOID.SERVER_AUTH if hosts else ExtendedKeyUsageOID.CLIENT_AUTH
        builder = self._builder(x509.Name(subject), key.public_key()).add_extension(
            x509.ExtendedKeyUsage([usage]), critical=False
        )
        if hosts:
            names = [x509.IPAddress(ipaddress.ip_address(h)) if h[0].isdigit() else x509.DNSName(h) for h in hosts]
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self._key, hashes.SHA256())
        pair.certificate.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        _write_key(key, pair.key)
        return pair


def _service_account_key(folder: Path) -> Pair:
    pair = Pair(folder / "service-accounts.pub", folder / "service-accounts.key")
    key = ec.generate_private_key(ec.SECP256R1())
    _write_key(key, pair.key)
    public = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    pair.certificate.write_bytes(public)
    return pair


def make_certificates(folder: Path, *, service_address: str) -> Certificates:
    """Create every certificate and key in `folder`; `service_address` is the API server's cluster IP."""
    folder.mkdir(parents=True, exist_ok=True)
    authority = _Authority(folder)
    hosts = ("127.0.0.1", "localhost", service_address, "kubernetes", "kubernetes.default", "kubernetes.default.svc")
    return Certificates(
        authority=authority.file,
        server=authority.issue("kube-apiserver", hosts=hosts),
        admin=authority.issue("admin", organization="system:masters"),
        service_accounts=_service_account_key(folder),
    )


def read_certificates(folder: Path) -> Certificates:
    """Read the certificates that `make_certificates` wrote to `folder`."""

    def pair(name: str, *, public: str = "crt") -> Pair:
        return Pair(folder / f"{name}.{public}", folder / f"{name}.key")

    return Certificates(
        authority=folder / "authority.crt",
        server=pair("kube-apiserver"),
        admin=pair("admin"),
        service_accounts=pair("service-accounts", public="pub"),
    )
