"""Calico's own objects and the rights that they take: with its manifests, with its operator, and under Canal."""

from dataclasses import replace

from components.operations.rights.permission_table import KEEP_AND_WAIT, Place
from components.operations.rights.source_rights import SourceRights
from components.operations.source_registry import OwnObjects
from components.sources.calico.objects import (
    NATIVE,
    OLD,
    OPERATOR,
    OPERATORS_NAMESPACE,
    READ_OF_NATIVE,
    STAGED,
    keeps_natively,
    read_calico,
    read_kinds,
)

OWN_OBJECTS = OwnObjects(
    kinds=lambda cluster, daemon_sets: read_kinds(cluster, native=keeps_natively(daemon_sets)),
    read=lambda cluster, daemon_sets: read_calico(cluster, native=keeps_natively(daemon_sets)),
)
RIGHTS = SourceRights(
    kinds=((OLD, "*"), (NATIVE, " ".join(READ_OF_NATIVE))),
    policies=tuple((group, "networkpolicies globalnetworkpolicies", KEEP_AND_WAIT) for group in (OLD, NATIVE)),
    removal=(
        (Place.EVERYWHERE, ("apiextensions.k8s.io", "customresourcedefinitions", "list delete")),
        *((Place.EVERYWHERE, (group, " ".join(STAGED), "list")) for group in (OLD, NATIVE)),
    ),
)
RIGHTS_OF_MANIFESTS = replace(RIGHTS, preparation=((Place.SOURCE, ("apps", "daemonsets", "patch")),))
RIGHTS_OF_OPERATOR = replace(
    RIGHTS,
    kinds=(*RIGHTS.kinds, (OPERATOR, "*")),
    preparation=((Place.EVERYWHERE, (OPERATOR, "installations", "get patch")),),
    removal=(
        *RIGHTS.removal,
        (Place.EVERYWHERE, (OPERATOR, "installations", "get delete")),
        (Place.EVERYWHERE, (OPERATOR, "apiservers goldmanes whiskers", "delete")),
        (Place.OPERATOR, ("apps", "deployments", "get list delete")),
        (Place.OPERATOR, ("apps", "daemonsets statefulsets", "list")),
        (Place.OPERATOR, ("", "serviceaccounts", "delete")),
    ),
    operators_namespace=OPERATORS_NAMESPACE,
)
