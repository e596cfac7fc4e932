"""The parts of a cluster that the stack's config names, and which are read in more detail."""

from collections.abc import Sequence
from dataclasses import dataclass

from components.operations.dry_run import Trial
from components.operations.rights.chart_rights import Rows
from stacks.notation.objects import ObjectName
from stacks.sections.cilium import SECRETS_NAMESPACE


@dataclass(frozen=True, kw_only=True)
class Focus:
    """The parts of a cluster that the stack's config names, and which are read in more detail.

    `required` are workloads that must be ready, as `KIND NAMESPACE/NAME`; `removals` are objects that phase `cleanup`
    removes, and `cleanup` is whether the config asks for it; `secrets_namespace` is Cilium's second one. `trial` are
    this program's pods to try in a dry run; `moving` are nodes to be drained, or drained already. `ipsec_secret` is the
    Secret of Cilium's keys if it uses IPsec; `policies_beside` whether policies are added to the old engine's own;
    `chart` are further rights for objects that Cilium's chart makes by its values.
    """

    required: Sequence[str] = ()
    removals: Sequence[ObjectName] = ()
    cleanup: bool = False
    secrets_namespace: str = SECRETS_NAMESPACE
    trial: Trial | None = None
    moving: Sequence[str] = ()
    ipsec_secret: str = ""
    policies_beside: bool = False
    chart: Rows = ()


ALL_ALIKE = Focus()
