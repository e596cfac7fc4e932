"""The cache of renderings: a chart is rendered anew where anything differs that it is made of."""

from pathlib import Path

import pytest

from scripts.lab.kubernetes_plugin.helm.rendering_cache import Rendering, kept


@pytest.fixture
def chart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PULUMI_HOME", str(tmp_path / "home"))
    folder = tmp_path / "chart"
    folder.mkdir()
    (folder / "Chart.yaml").write_text("name: example")
    return folder


def _kept(chart: Path | str, renderer: "Renderer", *flags: str, values: int = 1) -> Rendering:
    command = ["template", "cilium", str(chart), *flags]
    return kept(renderer, chart=str(chart), command=command, namespace="kube-system", values={"a": values})


class Renderer:
    """Renders the checksums that it is given, one after the other, the last one for ever."""

    def __init__(self, *checksums: str) -> None:
        self._left = iter(checksums)
        self._last = ""
        self.times = 0

    def __call__(self) -> Rendering:
        self.times += 1
        self._last = next(self._left, self._last)
        return Rendering(checksum=self._last, names={"v1/Pod": ["one"]})


def test_what_never_differs_is_rendered_twice_and_then_known(chart: Path) -> None:
    renderer = Renderer("same")
    said = [_kept(chart, renderer) for _ in range(4)]
    assert said == [Rendering(checksum="same", names={"v1/Pod": ["one"]})] * 4
    assert renderer.times == 2


def test_what_differs_each_time_goes_on_to_differ(chart: Path) -> None:
    renderer = Renderer("first", "second")
    said = [_kept(chart, renderer).checksum for _ in range(5)]
    assert renderer.times == 2
    assert len(set(said)) == 5


@pytest.mark.parametrize("change", ["values", "chart", "flags", "half"])
def test_another_rendering_is_not_taken_for_it(chart: Path, change: str) -> None:
    renderer = Renderer("same")
    for _ in range(2):
        _kept(chart, renderer)
    if change == "chart":
        (chart / "values.yaml").write_text("a: 2")
    if change == "half":
        (file,) = (chart.parent / "home" / "rendered").iterdir()
        file.write_text(file.read_text()[:20])
    flags = ["--include-crds"] if change == "flags" else []
    _kept(chart, renderer, *flags, values=2 if change == "values" else 1)
    assert renderer.times == 3


def test_a_chart_from_elsewhere_is_always_rendered(chart: Path) -> None:
    renderer = Renderer("same")
    for _ in range(3):
        _kept(f"oci://{chart}", renderer)
    assert renderer.times == 3
