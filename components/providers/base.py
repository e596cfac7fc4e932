"""The base of all dynamic providers: access to its work, a diff by inputs, and errors without stack traces.

A provider's module imports nothing of the cluster at its top: each engine run loads it, most of them only to compare.
"""

import logging
from collections.abc import Mapping
from functools import cached_property
from typing import TYPE_CHECKING, Any

from pulumi.dynamic import Config, ConfigureRequest, DiffResult, ResourceProvider

from components.providers import engine_process

if TYPE_CHECKING:
    from components.providers.work import Work

# The engine shows an error's own text; the server's stack trace beside it would bury that.
logging.getLogger("grpc._server").setLevel(logging.CRITICAL)

Properties = dict[str, Any]


class ClusterProvider(ResourceProvider):
    """A provider that acts on the cluster of the stack's config.

    Options are read from the config when they are needed and never kept in state, so that changing one shows no
    update of nodes that have long been migrated. `meaningful` names the inputs whose change is an update, `replacing`
    those whose change begins anew; `identifying` ones do so too, but only where both sides are known.
    """

    serialize_as_secret_always = False
    meaningful: tuple[str, ...] = ()
    replacing: tuple[str, ...] = ()
    identifying: tuple[str, ...] = ()
    _settings: Config

    def configure(self, req: ConfigureRequest) -> None:
        """Keep the stack's config for later, and make the engine's process fit for a wave."""
        engine_process.prepare()
        self._settings = req.config

    def __getstate__(self) -> dict[str, Any]:
        """Nothing is kept with the class's name in state."""
        return {}

    @cached_property
    def work(self) -> "Work":
        """The config and the cluster, for an operation that needs them."""
        from components.providers.work import Work

        return Work(self._settings)

    def diff(self, _id: str, _olds: Properties, _news: Properties) -> DiffResult:
        """Only a meaningful input is a change; code and options are not."""
        changed = [key for key in (*self.meaningful, *self.replacing) if _olds.get(key) != _news.get(key)]
        pairs = {key: (_olds.get(key), _news.get(key)) for key in self.identifying}
        others = [key for key, (old, new) in pairs.items() if old and new and old != new]
        replaces = [*(key for key in changed if key in self.replacing), *others]
        return DiffResult(changes=bool(changed or others), replaces=replaces)


def results(inputs: Mapping[str, Any], outcome: Mapping[str, Any]) -> Properties:
    """What is kept in state: the inputs and what came of them."""
    return {**{key: value for key, value in inputs.items() if not key.startswith("__")}, **outcome}
