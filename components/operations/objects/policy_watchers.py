"""ServiceAccounts with an explicit right to watch network policies, which every policy engine has."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from components.operations.cluster_api.errors import Object
from components.operations.objects.other_policies import has_other_matters

Account = tuple[str, str]
_POLICIES = re.compile(r"(?<!multi-)networkpolic|policyendpoints")
_WATCHING = {"watch", "*"}


def role_that_watches(item: Object) -> str | None:
    """The name of a ClusterRole with that right; None for others, and for those with rights on every resource."""
    for rule in item.get("rules") or []:
        named = any(_POLICIES.search(each) for each in rule.get("resources") or [])
        groups = rule.get("apiGroups") or []
        if groups and all(map(has_other_matters, groups)):
            continue
        if named and _WATCHING.intersection(rule.get("verbs") or []):
            return str(item["metadata"]["name"])
    return None


def bound_accounts(item: Object) -> tuple[str, tuple[Account, ...]]:
    """(name of the ClusterRole, ServiceAccounts) of a ClusterRoleBinding."""
    subjects = item.get("subjects") or []
    accounts = [(each.get("namespace", ""), each["name"]) for each in subjects if each["kind"] == "ServiceAccount"]
    return item["roleRef"]["name"], tuple(accounts)


def watchers(roles: Iterable[str | None], bindings: Iterable[tuple[str, tuple[Account, ...]]]) -> frozenset[Account]:
    """(namespace, name) of each ServiceAccount with such a role."""
    wanted = {each for each in roles if each}
    return frozenset(account for role, accounts in bindings if role in wanted for account in accounts)


def account_of(daemon_set: Mapping[str, Any]) -> Account:
    """The ServiceAccount that a DaemonSet's pods run under."""
    spec = daemon_set["spec"]["template"]["spec"]
    return daemon_set["metadata"]["namespace"], spec.get("serviceAccountName") or "default"
