"""Webhooks that must answer before a pod can be created."""

from typing import Any

import pytest

from components.operations.objects.webhooks import required_for_pods

RULE: dict[str, Any] = {"operations": ["CREATE"], "apiGroups": [""], "resources": ["pods"]}
OURS: dict[str, Any] = {
    "name": "pods.example.com", "clientConfig": {"service": {"namespace": "shop", "name": "hook"}}, "rules": [RULE],
}  # fmt: skip


@pytest.mark.parametrize(
    ("changes", "required"),
    [
        ({}, True),
        ({"failurePolicy": "Fail"}, True),
        ({"failurePolicy": "Ignore"}, False),
        ({"clientConfig": {"url": "https://elsewhere"}}, False),
        ({"rules": []}, False),
        ({"rules": [{**RULE, "operations": ["*"], "apiGroups": ["*"], "resources": ["*/*"]}]}, True),
        ({"rules": [{**RULE, "operations": ["UPDATE"]}]}, False),
        ({"rules": [{**RULE, "apiGroups": ["apps"]}]}, False),
        ({"rules": [{**RULE, "resources": ["pods/exec"]}]}, False),
        ({"rules": [{**RULE, "resources": ["services"]}, RULE]}, True),
    ],
    ids=str,
)
def test_which_they_are(changes: dict[str, Any], required: bool) -> None:
    found = required_for_pods({"webhooks": [{**OURS, **changes}]}, kind="ValidatingWebhookConfiguration")
    assert [(each.name, each.namespace, each.service) for each in found] == (
        [("pods.example.com", "shop", "hook")] if required else []
    )
