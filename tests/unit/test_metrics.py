"""Who watches a metric watches one that is emitted, and what is emitted is told with unit and meaning."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from tests.helpers.lakes import load, records, settings, write

from loglode import metrics, operations

MONITORING = Path(__file__).resolve().parents[2] / "terraform" / "modules" / "monitoring"


def watched() -> set[str]:
    """Names of the pipeline's own metrics in alarms and dashboards."""
    alarms = yaml.safe_load((MONITORING / "alarms.yaml").read_text(encoding="utf-8")).values()
    boards = (MONITORING / "dashboard.tf").read_text(encoding="utf-8")
    (shown,) = re.findall(r"^  shown +=  *\[([^]]*)\]", boards, re.MULTILINE)
    return {alarm["metric"] for alarm in alarms if alarm["of"] == "lake"} | set(re.findall(r'"(\w+)"', shown))


def test_alarms_and_dashboards_watch_metrics_that_are_emitted() -> None:
    assert len(watched()) >= 6
    assert watched() <= metrics.EMITTED
    variables = (MONITORING / "variables.tf").read_text(encoding="utf-8")
    (space,) = re.findall(r'variable "metric_namespace" \{[^}]*default\s*=\s*"(\w+)"', variables)
    assert space == metrics.NAMESPACE
    alarms = (MONITORING / "main.tf").read_text(encoding="utf-8")
    assert re.search(r"loglode\s*=\s*\{ " + r", ".join(f"{d} = [^,}}]+" for d in metrics.DIMENSIONS), alarms)


def test_the_pipeline_module_names_the_service_that_is_emitted() -> None:
    pipeline = (MONITORING.parent / "pipeline" / "main.tf").read_text(encoding="utf-8")
    assert re.search(rf'^\s+service\s+= "{metrics.SERVICE}"$', pipeline, re.MULTILINE)


def test_the_embedded_format() -> None:
    line = metrics.embedded(
        {"LinesRead": 3, "RefusedShare": 0.5}, service="transform", lake="s3://lake", timestamp_ms=1
    )
    assert line == {
        "_aws": {
            "Timestamp": 1,
            "CloudWatchMetrics": [
                {
                    "Namespace": "Loglode",
                    "Dimensions": [["service", "lake"]],
                    "Metrics": [
                        {"Name": "LinesRead", "Unit": "Count"},
                        {"Name": "RefusedShare", "Unit": "None"},
                    ],
                }
            ],
        },
        "service": "transform",
        "lake": "s3://lake",
        "LinesRead": 3,
        "RefusedShare": 0.5,
    }
    with pytest.raises(KeyError):
        metrics.embedded({"batch_id": 1}, service="transform", lake="s3://lake", timestamp_ms=1)


def test_open_metrics_are_read_by_their_own_reader() -> None:
    values = {metric.name: 0.5 for metric in metrics.METRICS}
    lake = 'a "lake"\\\n# EOF'
    text = metrics.open_metrics(values, lake=lake)
    families = list(text_string_to_metric_families(text))  # type: ignore[no-untyped-call]
    assert len(families) == len(metrics.METRICS)
    assert {sample.labels["lake"] for family in families for sample in family.samples} == {lake}
    assert {sample.value for family in families for sample in family.samples} == {0.5}


def test_a_lakes_figures(tmp_path: Path) -> None:
    load(tmp_path / "lake", write(tmp_path / "one.json", [*records(3), "broken"]))
    found = operations.measurements(settings(tmp_path / "lake"))
    assert found.keys() == metrics.BY_NAME.keys()
    assert (found["LinesRead"], found["RefusedShare"], found["SiteRequests"]) == (4, 0.25, 3)
