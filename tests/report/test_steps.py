"""Steps of any name in the legend and in the pictures: the report has no list of its own."""

import re
from datetime import timedelta

from scripts.report.charts import steps, timeline
from scripts.report.charts.spans import spans
from scripts.report.model import Report, Step, Turn, TurnState
from scripts.report.page import to_html
from tests.report.samples import START, clean


def report(*turns: tuple[str, ...]) -> Report:
    """A turn after the other, of steps that last ten seconds each."""
    made = []
    for number, names in enumerate(turns):
        starts = [START + timedelta(seconds=100 * number + 10 * place) for place in range(len(names))]
        own = tuple(
            Step(name=name, start=start, end=start + timedelta(seconds=10))
            for name, start in zip(names, starts, strict=True)
        )
        made.append(Turn(node=f"worker-{number + 1}", wave=number, state=TurnState.DONE, steps=own))
    return clean().model_copy(update={"turns": tuple(made), "measurement": None})


def test_a_legend_has_every_step_after_the_one_that_it_follows() -> None:
    found = steps.used(report(("cordon", "drain", "agent", "uncordon"), ("cordon", "agent", "lunch", "uncordon")))
    assert found == ["cordon", "drain", "agent", "lunch", "uncordon"]
    assert steps.used(report(("z", "a"), ("a", "z"))) == ["z", "a"]


def test_steps_without_a_colour_of_their_own_share_one_in_legend_and_picture() -> None:
    made = report(("drain", "lunch", "dinner; } body { x"))
    page = to_html(made)
    swatches = re.findall(r'swatch (step-[\w-]+)"></span>([^<]*)<', page)
    assert swatches == [("step-drain", "drain"), (steps.OTHER, "lunch"), (steps.OTHER, "dinner; } body { x")]
    assert f".swatch.{steps.OTHER}{{" in page
    (span,) = spans(made.happened())
    assert timeline.timeline(made, span).count(f'fill="var(--{steps.OTHER})"') == 2


def test_every_step_of_a_turn_has_a_colour_of_its_own() -> None:
    assert {"cordon", "drain", "agent", "restore", "reboot", "recycle", "verify", "watch"} <= steps.COLOURED
