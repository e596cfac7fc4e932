"""Admission webhooks without which no pod can be created, and the Services behind them."""

from dataclasses import dataclass

from components.operations.selectors import Object


@dataclass(frozen=True, kw_only=True)
class Webhook:
    """One webhook that a Service of the cluster answers."""

    name: str
    kind: str
    namespace: str
    service: str


def _concerns_new_pods(rule: Object) -> bool:
    return (
        bool({"CREATE", "*"} & set(rule.get("operations") or []))
        and bool({"", "*"} & set(rule.get("apiGroups") or []))
        and bool({"pods", "*", "*/*"} & set(rule.get("resources") or []))
    )


def required_for_pods(configuration: Object, *, kind: str) -> list[Webhook]:
    """Those of a configuration in the API's JSON that must answer before a pod is created."""
    found = []
    for each in configuration.get("webhooks") or []:
        service = (each.get("clientConfig") or {}).get("service")
        fails = (each.get("failurePolicy") or "Fail") == "Fail"
        if service and fails and any(map(_concerns_new_pods, each.get("rules") or [])):
            place = {"namespace": service["namespace"], "service": service["name"]}
            found.append(Webhook(name=each["name"], kind=kind, **place))
    return found
