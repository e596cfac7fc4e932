"""The reports of demos outlive the next demo and the lab."""

from pathlib import Path

from scripts.lab.lab import Lab
from scripts.lab.reports import KEPT, REPORTS, as_latest, new_folder, remove_all_but_reports


def run(base: Path, text: str) -> Path:
    folder = new_folder(base)
    (folder / "report.html").write_text(text)
    as_latest(folder, base=base)
    return folder / "report.html"


def test_a_second_run_leaves_the_first_ones_report_where_it_was_said_to_be(tmp_path: Path) -> None:
    first, second = run(tmp_path, "first"), run(tmp_path, "second")
    assert (first.read_text(), second.read_text()) == ("first", "second")
    assert (tmp_path / "report.html").read_text() == "second"


def test_the_newest_are_kept_and_no_more(tmp_path: Path) -> None:
    pages = [run(tmp_path, str(number)) for number in range(KEPT + 3)]
    assert [page.exists() for page in pages] == [False] * 3 + [True] * KEPT
    assert len(list((tmp_path / REPORTS).iterdir())) == KEPT


def test_a_lab_that_is_cleaned_leaves_reports_alone(tmp_path: Path) -> None:
    page = run(tmp_path, "kept")
    (tmp_path / "nodes" / "worker-1").mkdir(parents=True)
    (tmp_path / "layout.json").write_text("{}")
    remove_all_but_reports(tmp_path)
    assert [each.name for each in tmp_path.iterdir()] == [REPORTS]
    assert page.read_text() == "kept"


def test_a_folder_without_reports_goes(tmp_path: Path) -> None:
    lab = tmp_path / "lab"
    (lab / "logs").mkdir(parents=True)
    remove_all_but_reports(lab)
    assert not lab.exists()
    Lab(lab).clean()
    remove_all_but_reports(lab)
