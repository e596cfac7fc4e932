"""Rights that the migration from one particular CNI needs besides those that every migration needs."""

from dataclasses import dataclass

from components.operations.rights.chart_rights import Rows
from components.operations.rights.permission_table import Row


@dataclass(frozen=True, kw_only=True)
class SourceRights:
    """The rights for one old CNI; all of them empty for one that has no kinds of its own.

    `kinds` are (group, resources) of its own objects that are read, `*` where only the cluster tells which it serves.
    `policies` keep policies of its own kinds beside those that users wrote. `preparation` moves its address detection,
    `removal` takes its objects away, those of `operators_namespace` among them.
    """

    kinds: tuple[tuple[str, str], ...] = ()
    policies: tuple[Row, ...] = ()
    preparation: Rows = ()
    removal: Rows = ()
    operators_namespace: str = ""


NO_RIGHTS = SourceRights()
