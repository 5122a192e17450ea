"""Names, units and meanings of the pipeline's metrics: the one list that all who emit or watch them share.

On AWS they leave as lines in CloudWatch's embedded metric format, with the dimensions `service` and `lake`
and no other: an id as a dimension would make a metric of its own, to be paid for, of every batch.
Format: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch_Embedded_Metric_Format_Specification.html
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

NAMESPACE = "Loglode"
DIMENSIONS = ("service", "lake")
# One name for functions and jobs, because the alarms watch one.
SERVICE = "transform"


class Unit(StrEnum):
    """Units of CloudWatch that are used; NONE for shares from 0 to 1."""

    COUNT = "Count"
    SECONDS = "Seconds"
    MILLISECONDS = "Milliseconds"
    NONE = "None"


class Step(StrEnum):
    """What emits a metric: a load of bronze into silver, or an update of gold."""

    SILVER = "bronze_to_silver"
    GOLD = "silver_to_gold"


@dataclass(frozen=True, slots=True)
class Metric:
    """One metric; `source` is where a lake's own tables hold the same figure. A local one is told by `status`
    alone: CloudWatch keeps the time of each value, and so needs no value that is a time."""

    name: str
    unit: Unit
    step: Step
    source: str
    description: str
    is_local: bool = False


_NEWEST = "of the newest day of gold up to today"
METRICS = (
    Metric("BatchesLoaded", Unit.COUNT, Step.SILVER, "runs, rows", "Batches committed to silver."),
    Metric("LinesRead", Unit.COUNT, Step.SILVER, "runs.lines_read", "Lines read."),
    Metric("LinesQuarantined", Unit.COUNT, Step.SILVER, "runs.lines_quarantined",
           "Lines refused by loads, those among them that a replay took back."),
    Metric("RefusedShare", Unit.NONE, Step.SILVER, "pipeline_metrics.refused_share",
           "Lines refused / lines read of a load, 0 to 1."),
    Metric("Duplicates", Unit.COUNT, Step.SILVER, "runs.duplicates",
           "Lines whose event silver held already."),
    Metric("BlankLines", Unit.COUNT, Step.SILVER, "runs.blank_lines", "Lines without text."),
    Metric("RowsSilver", Unit.COUNT, Step.SILVER, "runs.rows_silver",
           "Rows added to silver, by loads and replays."),
    Metric("LastLoadTimestampSeconds", Unit.SECONDS, Step.SILVER, "runs.finished_at",
           "Time of the last load's commit, since 1970.", is_local=True),
    Metric("LastGoldTimestampSeconds", Unit.SECONDS, Step.GOLD, "pipeline_metrics",
           "Start of the last gold run, since 1970: where it is before the last load, gold is behind.",
           is_local=True),
    Metric("BronzeToGoldSeconds", Unit.SECONDS, Step.GOLD, "pipeline_metrics.bronze_to_gold_seconds",
           "Start of a batch to the start of the gold run that counted it, the longest of the run."),
    Metric("FreshnessSeconds", Unit.SECONDS, Step.GOLD, "pipeline_metrics.freshness_seconds",
           "Time the oldest object was written to the start of the gold run that counted it, the longest."),
    Metric("SiteRequests", Unit.COUNT, Step.GOLD, "daily_metrics.requests", f"Requests {_NEWEST}."),
    Metric("SiteErrorRate", Unit.NONE, Step.GOLD, "daily_metrics.error_rate",
           f"Requests answered with 4xx or 5xx / requests, 0 to 1, {_NEWEST}."),
    Metric("SiteResponseTimeP95", Unit.MILLISECONDS, Step.GOLD, "daily_metrics.p95_response_time_ms",
           f"95th percentile of the response time {_NEWEST}."),
)  # fmt: skip
BY_NAME = {metric.name: metric for metric in METRICS}
# What CloudWatch gets.
EMITTED = frozenset(metric.name for metric in METRICS if not metric.is_local)


def embedded(values: Mapping[str, float], *, service: str, lake: str, timestamp_ms: int) -> dict[str, Any]:
    """One line of the embedded metric format, as an object. Raises KeyError for an unknown metric."""
    wanted = [{"Name": name, "Unit": str(BY_NAME[name].unit)} for name in values]
    directive = {"Namespace": NAMESPACE, "Dimensions": [list(DIMENSIONS)], "Metrics": wanted}
    return {
        "_aws": {"Timestamp": timestamp_ms, "CloudWatchMetrics": [directive]},
        "service": service,
        "lake": lake,
        **values,
    }


def open_metrics(values: Mapping[str, float], *, lake: str) -> str:
    """The values as OpenMetrics text, which Prometheus and its kind read.

    Format: https://github.com/prometheus/OpenMetrics/blob/main/specification/OpenMetrics.md
    """
    label = lake.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
    lines = []
    for metric in METRICS:
        if metric.name not in values:
            continue
        is_sum = metric.step == Step.SILVER and metric.unit == Unit.COUNT
        name = "loglode_" + re.sub(r"(?<!^)(?=[A-Z])", "_", metric.name).lower()
        lines += [
            f"# TYPE {name} {'counter' if is_sum else 'gauge'}",
            f"# HELP {name} {metric.description}",
            f'{name}{"_total" if is_sum else ""}{{lake="{label}"}} {values[metric.name]:.15g}',
        ]
    return "\n".join([*lines, "# EOF", ""])
