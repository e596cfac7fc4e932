import base64
from ipaddress import IPv4Address
from pathlib import Path

import yaml
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from scripts.lab.cluster.pki import Authority, kubeconfig


def test_a_client_carries_its_user_and_groups_and_is_signed_by_the_authority() -> None:
    authority = Authority.create("test authority")
    client = x509.load_pem_x509_certificate(
        authority.client("system:node:worker-1", groups=["system:nodes"]).certificate
    )
    subject = {attribute.oid._name: attribute.value for attribute in client.subject}
    assert subject == {"commonName": "system:node:worker-1", "organizationName": "system:nodes"}
    client.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pair.certificate))


def test_a_server_is_valid_for_its_names_and_addresses() -> None:
    pair = Authority.create("test authority").server("api", names=["kubernetes"], addresses=[IPv4Address("10.96.0.1")])
    names = (
        x509.load_pem_x509_certificate(pair.certificate)
        .extensions.get_extension_for_class(x509.SubjectAlternativeName)
        .value
    )
    assert names.get_values_for_type(x509.DNSName) == ["kubernetes"]
    assert names.get_values_for_type(x509.IPAddress) == [IPv4Address("10.96.0.1")]


def test_an_authority_that_was_kept_goes_on_signing(tmp_path: Path) -> None:
    authority = Authority.create("test authority")
    authority.pair.write(tmp_path, "ca")
    assert (tmp_path / "ca.key").stat().st_mode & 0o777 == 0o600
    certificate = x509.load_pem_x509_certificate(Authority.load(tmp_path, "ca").client("somebody").certificate)
    public = x509.load_pem_x509_certificate(authority.pair.certificate).public_key()
    assert isinstance(public, ec.EllipticCurvePublicKey)
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.pair.certificate))


def test_a_kubeconfig_is_complete_in_itself() -> None:
    authority = Authority.create("test authority")
    text = kubeconfig(
        server="https://127.0.0.1:1", authority=authority.pair.certificate, client=authority.client("somebody")
    )
    parsed = yaml.safe_load(text)
    (cluster,) = parsed["clusters"]
    assert base64.b64decode(cluster["cluster"]["certificate-authority-data"]) == authority.pair.certificate
    assert parsed["current-context"] == parsed["contexts"][0]["name"]
