"""The picture of the program's layers: each may use those below it."""

from dataclasses import dataclass

from tests.documents.svg import arrow, box, picture, text


@dataclass(frozen=True)
class Part:
    """A folder or file of the program, and one line that is true of all in it."""

    path: str
    words: str


LAYERS: tuple[tuple[Part, ...], ...] = (
    (Part("__main__.py", "config and cluster make a plan, the plan is declared"),
     Part("scripts/check", "and plan, watch, report: the same on demand")),
    (Part("components/strategies/hybrid/phases.py", "a strategy's resources by phase; beside them, a turn's recipe"),),
    (Part("components/phases", "a component resource for each phase"),),
    (Part("components/providers", "create, update, delete around an operation"),
     Part("components/plan.py", "config, cluster and findings as one record")),
    (Part("components/checks", "what is looked at before anything changes, with why and remedy"),),
    (Part("components/sources", "what is known of each old CNI"),),
    (Part("components/operations", "what a run reads and does on the cluster, by its API alone"),),
    (Part("components/probe", "the pods that keep traffic going, and the budget that it is held to"),),
    (Part("stacks", "pure planning: typed config, phases, network, values, policies; no cluster, no engine"),),
)  # fmt: skip
_WIDTH, _ROW, _GAP = 800, 52, 12


def layers() -> str:
    """The picture."""
    inner, shapes = _WIDTH - 60, list[str]()
    for row, parts in enumerate(LAYERS):
        x, y = 20.0, 20 + row * (_ROW + _GAP)
        for part in parts:
            width = (inner - 12 * (len(parts) - 1)) / len(parts)
            look = "both" if part.path == "stacks" else "new" if row == 0 else "plain"
            shapes += [
                box(x, y, width, _ROW, look=look),
                text(x + 12, y + 22, part.path, look="title"),
                text(x + 12, y + 41, part.words, look="small"),
            ]
            x += width + 12
    bottom = 20 + len(LAYERS) * (_ROW + _GAP) - _GAP
    shapes.append(arrow((_WIDTH - 22, 24), (_WIDTH - 22, bottom)))
    shapes.append(text(20, bottom + 24, "Each uses what is below it, and nothing above it.", look="faint"))
    return picture(_WIDTH, bottom + 40, title="The layers of the program, each using those below it", shapes=shapes)
