"""Checks of Cilium's Helm release: an interrupted operation, or a release that is not in the stack's state."""

from collections.abc import Iterator
from datetime import UTC, datetime

from components.checks.framework.check import check
from components.checks.framework.context import Context
from components.checks.framework.finding import Found, Severity
from components.names import RELEASE
from components.operations.objects.helm_release import ReleaseRecord
from stacks.strategies import Milestone

_DONE = ("deployed", "superseded")


def _where(record: ReleaseRecord) -> str:
    age = f", {(datetime.now(UTC) - record.changed).total_seconds():.0f} s ago" if record.changed else ""
    return f"{record.kind} {record.namespace}/{record.object_name} says '{record.status}'{age}"


def _forget(record: ReleaseRecord) -> str:
    return f"`kubectl -n {record.namespace} delete {record.kind.lower()} {record.object_name}`"


@check(
    id="helm-operation",
    title="No Helm operation on Cilium's release was interrupted",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "Helm refuses an upgrade beside one that is pending (`another operation is in progress`), and a refresh takes "
        "the pending revision's values for those that are live: the next `pulumi up` then upgrades nothing"
    ),
    remedy="have Helm forget the revision that was cut off",
    gate=True,
)
def helm_operation(context: Context) -> Iterator[Found]:
    """Findings about the newest revision of the release, if Helm did not record its success."""
    if not context.config.reaches(Milestone.BOTH_NETWORKS):
        return  # a pending release can be uninstalled
    record = context.snapshot.release
    if record is None:
        if context.snapshot.cilium_config is not None:
            namespace = context.config.cilium.namespace
            yield Found(
                evidence=f"Cilium is installed, and no revision of release {namespace}/{RELEASE} is in Secrets or "
                "ConfigMaps: whether Helm's last operation came to its end is not known",
                remedy=f"look yourself: `helm -n {namespace} history {RELEASE}` with the HELM_DRIVER that you use",
                severity=Severity.WARNING,
            )
    elif record.pending:
        yield Found(
            evidence=f"{_where(record)}: an operation of Helm on release {record.title} was cut off, or still goes on",
            remedy=f"once no other run or helm works on it: {_forget(record)}; if a `pulumi refresh` ran since it was "
            "cut off, run `pulumi refresh` again after that",
        )
    elif record.status == "failed":
        yield Found(
            evidence=f"{_where(record)}: Helm's last operation on release {record.title} failed",
            remedy="the next `pulumi up` repeats it; if a `pulumi refresh` ran since it failed, nothing does until you "
            f"run {_forget(record)} and `pulumi refresh`",
            severity=Severity.WARNING,
        )
    elif record.status.startswith("uninstall"):
        yield Found(
            evidence=f"{_where(record)}: release {record.title} is on its way out, or was cut off there",
            remedy=f"`helm -n {record.namespace} uninstall {record.name}`, then `pulumi refresh`",
        )
    elif record.status not in _DONE:
        yield Found(
            evidence=f"{_where(record)}, which is no state of a release that this program knows",
            remedy=f"look what Helm has: `helm -n {record.namespace} history {record.name}`",
        )


@check(
    id="release-known",
    title="Cilium's release is in the stack's state",
    severity=Severity.BLOCKER,
    guards=Milestone.BOTH_NETWORKS,
    why=(
        "Helm refuses to install a release that exists (`cannot re-use a name that is still in use`): so it is after a "
        "stack's state was lost, or a run was killed before the engine noted what Helm had installed"
    ),
    remedy="import it",
    gate=True,
)
def release_known(context: Context) -> Iterator[Found]:
    """A finding about an installed release that is not in the stack's state."""
    record, known = context.snapshot.release, context.state.releases if context.state else None
    if record is None or known is None or record.pending or not context.config.reaches(Milestone.BOTH_NETWORKS):
        return
    if record.title not in known:
        whose = "" if context.snapshot.record is not None else ", and no record of this program is on the cluster"
        yield Found(
            evidence=f"Helm release {record.title} is installed ('{record.status}', revision {record.revision}), and "
            f"this stack's state does not hold it{whose}",
            remedy=f"`pulumi import kubernetes:helm.sh/v3:Release {RELEASE} {record.title} --generate-code=false "
            "--protect=false`, which changes nothing on the cluster; the next preview shows what becomes of it",
        )
