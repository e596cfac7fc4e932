"""The picture of a node's turn: its steps, the switch between its halves, and the way back."""

from tests.documents.svg import arrow, box, picture, text

BEFORE = (("cordon", "no new pods"), ("drain", "pods evicted"), ("label", "selects Cilium"))
AFTER = (
    ("agent", "re-created"),
    ("recycle", "or reboot"),
    ("verify", "both networks"),
    ("uncordon", "open again"),
)
_WIDTH, _BOX, _STEP = 860, 104, 116


def a_nodes_turn() -> str:
    """The picture."""
    shapes, y = list[str](), 66
    switch = 20 + len(BEFORE) * _STEP + 4
    for number, (name, words) in enumerate((*BEFORE, *AFTER)):
        x = 20 + number * _STEP + (16 if number >= len(BEFORE) else 0)
        shapes += [
            box(x, y, _BOX, 58, look="old" if number < len(BEFORE) else "new"),
            text(x + _BOX / 2, y + 25, name, look="title middle"),
            text(x + _BOX / 2, y + 44, words, look="small middle"),
        ]
        if number not in (len(BEFORE) - 1, len(BEFORE) + len(AFTER) - 1):
            shapes.append(arrow((x + _BOX, y + 29), (x + _STEP - 1, y + 29)))
    end = 20 + 16 + (len(BEFORE) + len(AFTER)) * _STEP - 12
    shapes += [
        arrow((switch + 2, 36), (switch + 2, y + 78), look="strong", headed=False),
        text(switch + 2, 26, "the switch: the CNI conf changes hands", look="title middle"),
        text(20, y - 14, "new pods get the old network", look="faint"),
        text(end, y - 14, "new pods get Cilium's network", look="faint end"),
        arrow((end, y + 104), (20, y + 104)),
        text(_WIDTH / 2, y + 128, "The way back: empty the node, take the label off, give the old CNI its conf again.",
             look="faint middle"),
    ]  # fmt: skip
    return picture(_WIDTH, y + 146, title="The seven steps of a node's turn, three before the switch and four after it",
                   shapes=shapes)  # fmt: skip
