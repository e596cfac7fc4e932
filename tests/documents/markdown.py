"""The repository's Markdown files, their links, and the anchors of their headings as GitHub makes them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]

_FENCE = re.compile(r"^(```|~~~).*?^\1", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]*`")
_LINK = re.compile(r"\]\(([^)\s]+)\)|(?:href|src|srcset)=\"([^\"]+)\"")
_HEADING = re.compile(r"^#{1,6} +(.+?) *#*$", re.MULTILINE)
_BUILT = ("dist", "build")


@dataclass(frozen=True)
class Link:
    """A link to a place in this repository."""

    file: Path
    target: str
    root: Path = ROOT

    @property
    def path(self) -> Path:
        """The file that it leads to."""
        name = self.target.partition("#")[0]
        return (self.file.parent / name).resolve() if name else self.file

    @property
    def anchor(self) -> str:
        """The heading that it leads to; empty for the file as a whole."""
        return self.target.partition("#")[2]

    def fault(self) -> str:
        """One line that says why it leads nowhere; empty if it leads somewhere."""
        where = self.file.relative_to(self.root)
        if not self.path.exists():
            return f"{where}: there is no {self.target}"
        if self.anchor and self.anchor not in anchors(self.path.read_text()):
            return f"{where}: {self.target} has no such heading"
        return ""


def documents(root: Path = ROOT) -> list[Path]:
    """Every Markdown file of the repository; none of what tools keep or build in it."""
    return sorted(path for path in root.rglob("*.md") if not any(map(_apart, path.relative_to(root).parts[:-1])))


def _apart(folder: str) -> bool:
    return folder in _BUILT or (folder.startswith(".") and folder != ".github")


def links(file: Path, *, root: Path = ROOT) -> Iterator[Link]:
    """Links to files here; none of what leads to other machines, and nothing that stands in code."""
    text = _CODE.sub("", _FENCE.sub("", file.read_text()))
    for found in _LINK.finditer(text):
        target = found[1] or found[2]
        if not re.match(r"[a-z]+:", target):
            yield Link(file, target, root)


def anchors(text: str) -> set[str]:
    """The anchors of all headings: small letters, no punctuation, hyphens for blanks, numbers for repetitions."""
    made: dict[str, int] = {}
    found = set()
    for heading in _HEADING.findall(_FENCE.sub("", text)):
        slug = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        seen = made.get(slug, 0)
        made[slug] = seen + 1
        found.add(f"{slug}-{seen}" if seen else slug)
    return found
