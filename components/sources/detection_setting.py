"""Access to the setting of Calico's address detection, which depends on how Calico was installed."""

from typing import Protocol

from components.operations.cluster_api.api import Cluster


class Way(Protocol):
    """Access to the setting, which depends on how Calico was installed; families are 4 and 6."""

    @property
    def title(self) -> str:
        """The object that holds the setting."""

    @property
    def daemon_set(self) -> tuple[str, str]:
        """Namespace and name of Calico's agents."""

    def change(self, cluster: Cluster, families: tuple[int, ...]) -> bool:
        """Set it and record the old value in the same request; False if that was done already."""

    def undo(self, cluster: Cluster) -> bool:
        """Restore the recorded value and delete the record; False if nothing was recorded."""
