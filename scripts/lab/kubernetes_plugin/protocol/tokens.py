"""Pulumi's identifiers (type tokens, URNs, ids) and the Kubernetes kinds that they stand for."""

from dataclasses import dataclass

from scripts.lab.kubernetes_plugin.errors import PluginError

RELEASE_TOKEN = "kubernetes:helm.sh/v3:Release"  # noqa: S105 (a type's name, not a password)
_PATCH = "Patch"


@dataclass(frozen=True)
class Kind:
    """One kind of one API group and version; the core group is the empty string."""

    group: str
    version: str
    name: str

    @property
    def api_version(self) -> str:
        """The text of an object's apiVersion."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @staticmethod
    def of(api_version: str, name: str) -> "Kind":
        """The kind of an object with this apiVersion and kind."""
        group, _, version = api_version.rpartition("/")
        return Kind("" if group == "core" else group, version, name)


@dataclass(frozen=True)
class ResourceType:
    """A Pulumi type of this plugin: a kind, and whether it only patches existing objects."""

    kind: Kind
    is_patch: bool


def parse_token(token: str) -> ResourceType:
    """Parse a type token such as `kubernetes:apps/v1:DaemonSetPatch`."""
    package, _, rest = token.partition(":")
    module, _, name = rest.partition(":")
    if package != "kubernetes" or "/" not in module or not name:
        raise PluginError(f"type {token} is not of this plugin; its types look like kubernetes:apps/v1:Deployment")
    is_patch = name.endswith(_PATCH) and name != _PATCH
    return ResourceType(Kind.of(module, name.removesuffix(_PATCH) if is_patch else name), is_patch)


def type_of(urn: str) -> str:
    """The type token in a URN; a component's type before a `$` does not count."""
    return urn.split("::")[2].rpartition("$")[2]


def name_of(urn: str) -> str:
    """The resource's own name in a URN."""
    return urn.split("::", 3)[3]


def split_id(object_id: str) -> tuple[str, str]:
    """The namespace (empty if there is none) and name in an id."""
    namespace, _, name = object_id.rpartition("/")
    if not name:
        raise PluginError(f"id {object_id!r} names no object; give namespace/name, or name alone")
    return namespace, name


def join_id(namespace: str, name: str) -> str:
    """The id of an object."""
    return f"{namespace}/{name}" if namespace else name
