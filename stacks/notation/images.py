"""Names of container images: parses them, and maps them to another registry."""

import re
from dataclasses import dataclass

# Python 3.13.14 on Debian trixie for every platform: the index that Docker's official images list for this tag.
DEFAULT = "python:3.13-slim@sha256:9662417aace5ae7b8e2609cce472b72a8958e134ba372808abe9cc1a0c0125e6"
_HUB, _OFFICIAL = "docker.io", "library"
_HOST = r"(?:localhost|[A-Za-z0-9-]+(?:\.[A-Za-z0-9-]+)+|[A-Za-z0-9-]+(?=:\d)|\[[0-9A-Fa-f:]+\])(?::\d{1,5})?"
_PART = r"[a-z0-9]+(?:(?:\.|_{1,2}|-+)[a-z0-9]+)*"
_REFERENCE = re.compile(
    rf"(?:(?P<host>{_HOST})/)?(?P<path>{_PART}(?:/{_PART})*)(?::(?P<tag>\w[\w.-]{{0,127}}))?"
    r"(?:@(?P<digest>sha256:[0-9a-f]{64}))?"
)
REGISTRY = rf"(?:{_HOST}(?:/{_PART})*)?"


@dataclass(frozen=True, kw_only=True)
class Image:
    """A parsed image name; `host` and `path` are filled in for a short name as container runtimes do."""

    host: str
    path: str
    tag: str
    digest: str

    @classmethod
    def read(cls, name: str) -> "Image":
        """Parse a name; raises ValueError for one that no container runtime would accept."""
        found = _REFERENCE.fullmatch(name)
        if found is None:
            raise ValueError(
                f"'{name}' is not an image such as python:3.13-slim or HOST/PATH:TAG@sha256:DIGEST (the path in lower "
                "case, 64 digits of a digest)"
            )
        host, path = found["host"] or _HUB, found["path"]
        if host == _HUB and "/" not in path:
            path = f"{_OFFICIAL}/{path}"
        return cls(host=host, path=path, tag=found["tag"] or "", digest=found["digest"] or "")

    @property
    def name(self) -> str:
        """The whole name."""
        return f"{self.host}/{self._rest}"

    def within(self, registry: str) -> str:
        """The name of the same image in another registry, or a folder of one, which keeps its path."""
        return f"{registry}/{self._rest}"

    @property
    def _rest(self) -> str:
        return self.path + (f":{self.tag}" if self.tag else "") + (f"@{self.digest}" if self.digest else "")


def placed(name: str, *, registry: str) -> str:
    """The image name that pods use: in `registry` if one is given, else as it was written."""
    return Image.read(name).within(registry) if registry else name
