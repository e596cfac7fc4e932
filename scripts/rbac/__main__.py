"""Prints the roles for a cluster, or writes `docs/rbac`: `python -m scripts.rbac --source canal --home kube-system`."""

import argparse
from pathlib import Path

import yaml

from components.sources import SOURCES
from scripts.rbac.roles import Recipient, roles
from stacks.strategies import DEFAULT

FOLDER = Path(__file__).parents[2] / "docs" / "rbac"
_HEAD = (
    "# Rights of phase `{phase}`, beyond those of the phases before. "
    "Written by `.venv/bin/python -m scripts.rbac --write`.\n"
)
_API = "rbac.authorization.k8s.io"


def documents(recipient: Recipient) -> dict[str, str]:
    """The text of each phase's file, by its name; a phase that needs nothing more has none."""
    found = {phase.name: roles(phase, recipient) for phase in DEFAULT.phases}
    return {
        f"{phase}.yaml": _HEAD.format(phase=phase) + yaml.safe_dump_all(each, sort_keys=False)
        for phase, each in found.items()
        if each
    }


def _subject(text: str) -> dict[str, str]:
    """Parse `User:NAME`, `Group:NAME` or `ServiceAccount:NAMESPACE/NAME`."""
    kind, _, name = text.partition(":")
    if kind == "ServiceAccount" and "/" in name:
        space, _, name = name.partition("/")
        return {"kind": kind, "namespace": space, "name": name}
    if kind in ("User", "Group") and name:
        return {"kind": kind, "apiGroup": _API, "name": name}
    raise argparse.ArgumentTypeError(f"'{text}' is not User:NAME, Group:NAME or ServiceAccount:NAMESPACE/NAME")


def main() -> None:
    """Print every phase's roles for the cluster that the options describe, or write those of docs/rbac."""
    usual = Recipient.in_documents()
    parser = argparse.ArgumentParser(
        prog=".venv/bin/python -m scripts.rbac", description="roles for a migration, phase by phase"
    )
    parser.add_argument("--subject", type=_subject, default=usual.subject, help="who gets them, such as User:alice")
    parser.add_argument("--source", default=usual.source, choices=list(SOURCES), help="the old CNI")
    parser.add_argument("--home", default=usual.home, help="the old CNI's namespace")
    parser.add_argument("--cilium-namespace", default=usual.cilium_namespace)
    parser.add_argument("--secrets-namespace", default=usual.secrets_namespace)
    parser.add_argument("--phase", choices=DEFAULT.names, help="this phase alone")
    parser.add_argument("--write", action="store_true", help=f"write {FOLDER.relative_to(FOLDER.parents[1])}")
    asked = parser.parse_args()
    if asked.write:
        FOLDER.mkdir(exist_ok=True)
        for name, text in documents(usual).items():
            (FOLDER / name).write_text(text)
        return
    recipient = Recipient(
        subject=asked.subject, source=asked.source, home=asked.home, cilium_namespace=asked.cilium_namespace,
        secrets_namespace=asked.secrets_namespace,
    )  # fmt: skip
    for name, text in documents(recipient).items():
        if asked.phase is None or name == f"{asked.phase}.yaml":
            print("---\n" + text, end="")


if __name__ == "__main__":
    main()
