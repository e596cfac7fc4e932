"""`docs/known-clusters.md`, of the clusters that the tests try: `python -m tests.sources.document` writes it."""

from components.sources.distributions.distribution import Distribution, always
from components.sources.distributions.recognition import DISTRIBUTIONS
from scripts.lab.paths import CHECKOUT
from tests.sources.clusters import CLUSTERS
from tests.sources.making_clusters import SourceCluster

FILE = CHECKOUT / "docs" / "known-clusters.md"
_HEAD = """# Known clusters

Clusters that the program recognises, refuses or warns about. Each line of the first table is a cluster that the tests
build on a real API server from published manifests; each distribution of the second is recognised by its marks.
The ids are those of the checks in [checks.md](checks.md). Written by `make docs`; CI compares.
"""
_OLD = """
## Old CNIs

| cluster | taken for | said |
|---|---|---|
"""
_OF_DISTRIBUTIONS = """
## Distributions

| distribution | recognised by | said |
|---|---|---|
"""
_TOLD = ("kind", "encapsulation", "udp_port", "pod_networks", "dataplane", "autodetection", "mtu")


def document() -> str:
    """The whole document."""
    clusters = (f"| {_name(each)} | {_taken_for(each)} | {_said(each)} |\n" for each in CLUSTERS)
    distributions = (
        f"| {each.name} | {' or '.join(each.marks.told)} | {_of_distribution(each)} |\n" for each in DISTRIBUTIONS
    )
    return "".join((_HEAD, _OLD, *clusters, _OF_DISTRIBUTIONS, *distributions))


def _name(cluster: SourceCluster) -> str:
    return cluster.name.replace("-", " ")


def _taken_for(cluster: SourceCluster) -> str:
    if cluster.refused:
        return ""
    found = [f"{key.replace('_', ' ')} {_words(cluster.told[key])}" for key in _TOLD if cluster.told.get(key)]
    return ", ".join(found) or _name(cluster).partition(" ")[0]


def _words(value: object) -> str:
    return " and ".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _said(cluster: SourceCluster) -> str:
    if cluster.refused:
        return f"refused: {cluster.refused}"
    blocked, others = sorted(cluster.blockers), sorted(cluster.findings - cluster.blockers)
    parts = [f"{what} by `{'`, `'.join(ids)}`" for what, ids in (("refused", blocked), ("told", others)) if ids]
    return "; ".join(parts) or "nothing: it can be migrated as it is"


def _of_distribution(distribution: Distribution) -> str:
    own = "" if distribution.brings is always else " where it runs a CNI of its own"
    if distribution.refused:
        return f"refused{own}: {distribution.refused}"
    if distribution.unsure:
        return f"warned of: {distribution.switch_off}"
    return distribution.switch_off or "nothing: it applies its CNI once, when the cluster is made"


if __name__ == "__main__":
    FILE.write_text(document())
