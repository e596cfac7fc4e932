"""The files of docs/monitoring agree with the probe and with the dashboard's program."""

import json
import re

from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.cog.plugins import register_default_plugins
from grafana_foundation_sdk.models.dashboard import Dashboard

from components.probe import LABELS, NAMESPACE, container
from components.probe.in_pod.records.ledger import Ledger
from components.probe.in_pod.records.metrics import metrics
from scripts.monitoring.dashboard import dashboard
from tests.monitoring.documents import DASHBOARD, FOLDER, POD_MONITOR, SCRAPE, read, walk

_PANELS_WITHOUT_QUERIES = {"row"}


def test_the_dashboard_is_up_to_date() -> None:
    assert DASHBOARD.read_text() == dashboard(), "write it with `python -m scripts.monitoring`"


def test_grafanas_own_types_read_the_dashboard_and_lose_nothing() -> None:
    register_default_plugins()
    document = read(DASHBOARD)
    again = json.loads(JSONEncoder().encode(Dashboard.from_json(document)))
    assert again == document
    assert {"row", "stat", "timeseries", "table", "heatmap"} == {panel["type"] for panel in document["panels"]}


def test_the_dashboard_can_be_imported_anywhere() -> None:
    document = read(DASHBOARD)
    assert [each["name"] for each in document["templating"]["list"]] == ["datasource", "namespace", "node"]
    sources = [each["datasource"] for each in walk(document) if "datasource" in each and each.get("type") != "row"]
    assert {(source["type"], source["uid"]) for source in sources} == {("prometheus", "${datasource}")}
    assert "id" not in document


def test_panels_have_queries_and_places_of_their_own() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in read(DASHBOARD)["panels"]:
        place = panel["gridPos"]
        cells = {(place["x"] + right, place["y"] + down) for right in range(place["w"]) for down in range(place["h"])}
        assert max(x for x, _ in cells) < 24, panel["title"]
        assert not cells & taken, panel["title"]
        taken |= cells
        if panel["type"] not in _PANELS_WITHOUT_QUERIES:
            letters = [target["refId"] for target in panel["targets"]]
            assert all(letters), panel["title"]
            assert len(set(letters)) == len(letters) > 0, panel["title"]
            assert panel["description"], panel["title"]
        if panel["type"] == "timeseries":
            assert panel["options"]["legend"]["showLegend"], panel["title"]
            assert panel["fieldConfig"]["defaults"]["custom"].get("stacking", {"group": "A"})["group"], panel["title"]


def test_the_pod_monitor_selects_what_the_scrape_config_does() -> None:
    monitor, (job,) = read(POD_MONITOR), read(SCRAPE)["scrape_configs"]
    assert monitor["metadata"]["namespace"] == NAMESPACE
    assert monitor["spec"]["selector"]["matchLabels"] == LABELS
    (discovery,) = job["kubernetes_sd_configs"]
    assert discovery["namespaces"]["names"] == [NAMESPACE]
    assert dict(pair.split("=") for pair in discovery["selectors"][0]["label"].split(",")) == LABELS
    (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
    ports = {port["name"] for port in container()["ports"]}  # type: ignore[attr-defined]
    assert endpoint["port"] in ports
    assert endpoint["interval"] == job["scrape_interval"]
    relabelled = [{key: step[key] for key in ("sourceLabels", "targetLabel")} for step in endpoint["relabelings"]]
    ours = {step.get("target_label"): step["source_labels"] for step in job["relabel_configs"]}
    assert relabelled == [{"sourceLabels": ours["node"], "targetLabel": "node"}]


def test_the_readme_names_every_metric_and_every_file() -> None:
    text = (FOLDER / "README.md").read_text()
    _, _, table = text.partition("## The metrics")
    told = re.findall(r"^# TYPE (\S+)", metrics(Ledger(pod="p", node="n", address="10.0.0.1", run="1-a")), re.MULTILINE)
    assert sorted(re.findall(r"`((?:cni_probe|process)_\w+)`", table)) == sorted(told)
    linked = set(re.findall(r"\]\((\S+)\)", text))
    assert linked == {path.name for path in FOLDER.iterdir()} - {"README.md"}
