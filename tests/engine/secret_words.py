"""A distinctive word in every setting that may be a secret, and the places where none of them may be found."""

import base64
import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import yaml

from components.names import NAMESPACE, NODES_NAMESPACE
from components.operations.cluster_api.api import Cluster
from components.probe import KEY_ENTRY, KEY_SECRET
from scripts.lab.session import Session
from scripts.lab.simulated.control_plane import ControlPlane
from tests.operations.gates.web_server import Web

_URL, _USER = "hush-url-word", "olga"
_WORDS = {
    "cilium.values.authentication.mutual.spire.install.server.dataStorage.storageClass": "hush-value-word",
    "cilium.finalValues.podAnnotations.credential": "hush-final-word",
    "acknowledge.clocks": "hush-reason-word",
}
_KUBECONFIG = "hush-kubeconfig-word"


@dataclass(frozen=True)
class SecretWords:
    """The stack whose config has them."""

    stack: Session
    words: dict[str, str]

    @classmethod
    def put_into(cls, stack: Session, plane: ControlPlane, gate: str) -> "SecretWords":
        """As an operator would set them; `gate` is the address of an alert source that asks for a password."""
        kubeconfig = yaml.safe_load(plane.kubeconfig.read_text())
        kubeconfig["users"][0]["user"]["token"] = _KUBECONFIG  # beside the certificate, which is what counts
        settings = {**_WORDS, "gates.prometheusUrl": gate.replace("//", f"//{_USER}:{_URL}@")}
        for path, value in settings.items():
            stack.pulumi("config", "set", "--secret", "--path", path, value)
        stack.pulumi("config", "set", "--secret", "kubernetes:kubeconfig", json.dumps(kubeconfig))
        stack.environment.pop("KUBECONFIG")
        key = kubeconfig["users"][0]["user"]["client-key-data"]
        encoded = base64.b64encode(f"{_USER}:{_URL}".encode()).decode()
        words = {**_WORDS, "url": _URL, "as sent": encoded, "kubeconfig": _KUBECONFIG, "key": key[60:120]}
        return cls(stack=stack, words=words)

    def found(self, cluster: Cluster) -> list[str]:
        """Where one of them is in the clear: the state, all that the engine said so far, its logs, our records.

        The key that the probes sign with is one more.
        """
        secret = cluster.get(f"/api/v1/namespaces/{NAMESPACE}/secrets/{KEY_SECRET}")
        self.words["probes' key"] = base64.b64decode(secret["data"][KEY_ENTRY]).decode()
        texts = {
            "state": self.stack.pulumi("stack", "export").output,
            "outputs": self.stack.pulumi("stack", "output", "--json").output,
            "history": self.stack.pulumi("stack", "history", "--json").output,
            "preview": self.stack.pulumi("preview", "--diff", "--non-interactive", check=False).output,
            "records": json.dumps(_objects(cluster)),
            "file": self.stack.config.read_text(),
            **{f"`{run.command}`": run.command + run.output for run in self.stack.runs},
            **{str(file): file.read_text() for file in (self.stack.folder / "logs").iterdir()},
        }
        return sorted({f"{name} in {where}" for where, text in texts.items() for name in self._in(text)})

    def sent_to(self, web: Web) -> bool:
        """True if each question to the alert source came with the password."""
        return set(web.authorizations) == {f"Basic {self.words['as sent']}"}

    def _in(self, text: str) -> Iterator[str]:
        readable = "\n".join([text, *_decoded(text)])
        for name, word in self.words.items():
            if word in readable:
                yield name


def _decoded(text: str) -> Iterator[str]:
    """Texts that are in another as base64: a provider's pickled code among it."""
    for blob in re.findall(r"[A-Za-z0-9+/]{24,}={0,2}", text):
        yield base64.b64decode(blob[: len(blob) // 4 * 4] + "==", validate=False).decode(errors="replace")


def _objects(cluster: Cluster) -> list[Any]:
    """The objects that we write into the cluster."""
    kinds = (
        f"namespaces/{NAMESPACE}/configmaps",
        "nodes",
        "events",
        f"namespaces/{NAMESPACE}/pods",
        f"namespaces/{NODES_NAMESPACE}/pods",
    )
    return [cluster.list(f"/api/v1/{kind}") for kind in kinds]
