"""The templates of this program's own pods, to which the stack's `pods` settings are applied here."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from stacks.config import StackConfig
from stacks.sections.pods import PodSettings

Manifest = dict[str, Any]
_ANYWHERE = {"operator": "Exists"}


@dataclass(frozen=True, kw_only=True)
class OurPods:
    """The factory of all of our pods, with their common image and settings."""

    image: str
    settings: PodSettings = field(default_factory=PodSettings)

    @classmethod
    def of(cls, config: StackConfig) -> "OurPods":
        """The factory for a stack's config."""
        return cls(image=config.image, settings=config.pods)

    def template(
        self, container: Mapping[str, Any], *, labels: Mapping[str, str], annotations: Mapping[str, str] | None = None,
        everywhere: bool, **spec: Any,
    ) -> Manifest:  # fmt: skip
        """A pod template around one container, which gets its image here.

        A pod that must run on a given node (`everywhere`) tolerates all taints; another has the settings' tolerations.
        """
        given = self.settings
        metadata: Manifest = {"labels": {**given.labels, **labels}}
        if notes := {**given.annotations, **(annotations or {})}:
            metadata["annotations"] = notes
        optional = {
            "nodeSelector": dict(given.node_selector),
            "priorityClassName": given.priority_class,
            "imagePullSecrets": [{"name": name} for name in given.pull_secrets],
            "tolerations": [_ANYWHERE] if everywhere else [each.manifest for each in given.tolerations],
        }
        return {
            "metadata": metadata,
            "spec": {
                "automountServiceAccountToken": False,
                **{key: value for key, value in optional.items() if value},
                "containers": [self._container(container)],
                **spec,
            },
        }

    def pod(
        self, name: str, container: Mapping[str, Any], *, namespace: str, node: str, labels: Mapping[str, str],
        **spec: Any,
    ) -> Manifest:  # fmt: skip
        """A pod that runs once, on the given node, and is deleted without grace period."""
        template = self.template(
            container, labels=labels, everywhere=True, nodeName=node, restartPolicy="Never",
            terminationGracePeriodSeconds=0, **spec,
        )  # fmt: skip
        metadata = {"name": name, "namespace": namespace, **template["metadata"]}
        return {"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": template["spec"]}

    def _container(self, container: Mapping[str, Any]) -> Manifest:
        own, given = container.get("resources") or {}, self.settings.resources
        resources = {
            part: amounts
            for part, set_here in (("requests", given.requests), ("limits", given.limits))
            if (amounts := {**own.get(part, {}), **set_here})
        }
        made = {**container, "image": self.image, "imagePullPolicy": "IfNotPresent"}
        return {**made, "resources": resources} if resources else made
