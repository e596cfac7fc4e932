"""Writes docs/pictures: `python -m tests.documents.pictures`."""

from tests.documents.layers import layers
from tests.documents.markdown import ROOT
from tests.documents.run_picture import a_run
from tests.documents.turn_picture import a_nodes_turn

FOLDER = ROOT / "docs" / "pictures"
PICTURES = {"layers.svg": layers, "a-nodes-turn.svg": a_nodes_turn, "a-run.svg": a_run}

if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name, draw in PICTURES.items():
        (FOLDER / name).write_text(draw())
