"""The base class of all dynamic providers: config and cluster, a diff by inputs, and errors without stack traces.

A provider's module imports no cluster client at its top: every run of the engine loads it, mostly only for a diff.
"""

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import Config, ConfigureRequest, DiffResult, ResourceProvider

from components.providers.shared import engine_process

if TYPE_CHECKING:
    from components.providers.shared.config_and_cluster import Work

# The engine shows an error's own text; the server's stack trace would hide it.
logging.getLogger("grpc._server").setLevel(logging.CRITICAL)

Properties = dict[str, Any]


class ClusterProvider(ResourceProvider):
    """A provider that acts on the cluster of the stack's config.

    Options are read from the config when they are needed and never kept in state, so that a changed option is no
    update of nodes migrated long ago. `meaningful` names the inputs whose change is an update, `replacing` those whose
    change is a replacement; a change of an `identifying` one is a replacement too, but only if both values are known.
    """

    serialize_as_secret_always = False
    meaningful: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    identifying: tuple[str, ...] = ()
    _settings: Config

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the stack's config for later, and prepare the engine's process for a wave."""
        engine_process.prepare()
        self._settings = req.config

    def __getstate__(self) -> dict[str, Any]:
        """An empty state, so that the stack's state holds nothing but the class's name."""
        return {}

    @cached_property
    def work(self) -> "Work":
        """The config and the cluster for an operation."""
        from components.providers.shared.config_and_cluster import Work

        return Work(self._settings)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """A change is a change of a meaningful input; code and options do not count."""
        changed = [key for key in (*self.meaningful, *self.replacing) if _olds.get(key) != _news.get(key)]
        pairs = {key: (_olds.get(key), _news.get(key)) for key in self.identifying}
        others = [key for key, (old, new) in pairs.items() if old and new and old != new]
        replaces = [*(key for key in changed if key in self.replacing), *others]
        return DiffResult(changes=bool(changed or others), replaces=replaces)


def results(inputs: Mapping[str, Any], outcome: Mapping[str, Any]) -> Properties:
    """The inputs together with the outcome, as kept in state."""
    return {**{key: value for key, value in inputs.items() if not key.startswith("__")}, **outcome}
