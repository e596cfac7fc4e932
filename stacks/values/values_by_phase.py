"""Both sets of values side by side, each value with its reason."""

from dataclasses import dataclass
from typing import Any

from stacks.settle import Cilium
from stacks.values.chosen_values import final_method, migration_method
from stacks.values.merged_values import final_values, migration_values
from stacks.values.tree import leaves

_OWN = "set in cilium.values"
_OWN_FINAL = "set in cilium.finalValues"


@dataclass(frozen=True, kw_only=True)
class ToldValue:
    """One value while both networks run, and once Cilium is alone; None if it is not set."""

    path: str
    migration: Any
    final: Any
    migration_reason: str
    final_reason: str

    @property
    def changes(self) -> bool:
        """True if phase `finalize` changes it."""
        return bool(self.migration != self.final)


def told_values(cilium: Cilium) -> list[ToldValue]:
    """Every value of either set, in the order in which the program sets them; the user's own last."""
    migration, final = dict(leaves(migration_values(cilium))), dict(leaves(final_values(cilium)))
    own, own_final = dict(leaves(cilium.values)), dict(leaves(cilium.final_values))
    ours = {each.path: each for each in migration_method(cilium)}
    ours_final = {each.path: each for each in final_method(cilium)}

    def why(path: str, *, alone: bool) -> str:
        if alone and path in own_final:
            return _OWN_FINAL
        if path in own:
            return _OWN
        setting = (ours_final if alone else ours).get(path)
        return setting.reason if setting else ""

    return [
        ToldValue(
            path=path,
            migration=migration.get(path),
            final=final.get(path),
            migration_reason=why(path, alone=False) if path in migration else "",
            final_reason=why(path, alone=True) if path in final else "",
        )
        for path in dict.fromkeys((*ours, *ours_final, *migration, *final))
        if path in migration or path in final
    ]
