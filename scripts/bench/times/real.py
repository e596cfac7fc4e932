"""Measures every preview and `up` of the demo on the real lab."""

from dataclasses import dataclass, field

from scripts.bench.times.cost import Cost, measure
from scripts.lab import demo
from scripts.lab.session import Run, Session

_MEASURED = ("preview", "up")


@dataclass
class MeasuredSession(Session):
    """A session that records the cost of its commands, labelled with the last setting made."""

    costs: list[Cost] = field(default_factory=list)
    _last: str = ""

    def pulumi(self, *words: str, check: bool = True, quiet: bool = False, with_stack: bool = True) -> Run:
        """Run the command, and record its cost."""
        runs: list[Run] = []

        def run() -> None:
            runs.append(Session.pulumi(self, *words, check=check, quiet=quiet, with_stack=with_stack))

        if words[0] in _MEASURED:
            self.costs.append(measure(f"{self._last}: {words[0]}", run, environment=self.environment))
        else:
            if words[:2] == ("config", "set"):
                self._last = words[-1]
            run()
        return runs[0]


def demo_costs(*, nodes: int = 3) -> list[Cost]:
    """The costs of each preview and `up` of a demo, in order."""
    made: list[MeasuredSession] = []

    def start(**options: object) -> Session:
        session = MeasuredSession.start(**options)  # type: ignore[arg-type]
        assert isinstance(session, MeasuredSession)
        made.append(session)
        return session

    demo.run_demo(nodes=nodes, source="flannel", restart="recycle", keep=False, start=start)
    return made[0].costs
