"""Write docs/cost.md: what a month costs, with the arithmetic. Change a price or a figure here and run it."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

import yaml

from loglode.metrics import EMITTED

TARGET = Path(__file__).with_name("cost.md")
ALARMS = Path(__file__).parents[1] / "terraform" / "modules" / "monitoring" / "alarms.yaml"
DAYS = 30
# Public list prices, us-east-1, USD, without free tiers and discounts.
PRICES = {
    "Lambda arm64, GB-second": 0.0000133334,
    "Lambda, request": 0.20 / 1e6,
    "Lambda, temporary disk beyond 512 MB, GB-second": 0.0000000309,
    "Glue G.1X, worker-hour (4 vCPU)": 0.44,
    "Step Functions standard, transition": 0.025 / 1e3,
    "S3 standard, GB-month": 0.023,
    "S3 standard-IA, GB-month": 0.0125,
    "S3 Glacier Instant Retrieval, GB-month": 0.004,
    "S3, PUT or LIST": 0.005 / 1e3,
    "S3, GET": 0.0004 / 1e3,
    "SQS, request": 0.40 / 1e6,
    "CloudWatch, alarm of one metric": 0.10,
    "CloudWatch, metric": 0.30,
    "CloudWatch, logs taken in, GB": 0.50,
    "X-Ray, trace": 5 / 1e6,
    "Secrets Manager, secret": 0.40,
    "ECR, GB-month": 0.10,
}
# Measured, benchmarks/RESULTS.md: CPU microseconds an event, and bytes of 300,000 generated events.
EVENT_BYTES = 430
LOAD_US, GOLD_US = 9.0, 2.5
GZIP, SILVER, GOLD = 0.124, 0.095, 0.015
# Spark's speed as a share of the embedded engine's (15.4 s and 119 s for the same events), and the
# processors of a worker that Glue leaves: docs/engines.md.
SPARK_SHARE, WORKER_VCPU = 15.4 / 119, 3
# Measured: the function's steps on one object in a process of its own, over HTTP; peaks by VmHWM.
BATCH = {
    "stored_mb": 106, "lines_mb": 860, "events": 2_000_000, "silver_peak_mb": 754, "gold_peak_mb": 651, "cpu_s": 39,
}  # fmt: skip
# Assumed.
LAMBDA_GB, LAMBDA_VCPU, LAMBDA_DISK_GB, FIXED_SECONDS = 3008 / 1024, 3008 / 1769, 3.5, 4.0
GLUE_FIXED_HOURS = 2 * 1.5 / 60  # two workers, a minute and a half until they work
TRANSITIONS, TRACES, LOG_GB, MESSAGES = 7, 4, 30e-6, 6
# Measured: requests of a batch on the emulator, from one checkpoint of the logs to the next on average.
PUTS, LISTS, GETS = 28, 118, 942
SECRETS, IMAGE_GB = 1, 0.5
# Glue's own metrics of the two jobs, as far as CloudWatch bills them: assumed.
GLUE_METRICS = 6
KEPT_DAYS = 365
# How long a replaced file of gold can be had back: `maintain --keep-hours` and the bucket's gold_noncurrent_days.
REPLACED_DAYS_TABLE, REPLACED_DAYS_BUCKET = 7, 2


@dataclass(frozen=True)
class Month:
    """A month of one way to work; costs by service in USD."""

    title: str
    costs: dict[str, float]
    cpu_hours: float

    @property
    def total(self) -> float:
        return sum(self.costs.values())


def month(gb: float, runs: int, *, is_glue: bool) -> Month:
    """`gb` a day in `runs` batches; each brings its lines to silver and the day, half full, to gold again."""
    events = gb * 1e9 / EVENT_BYTES
    cpu = (events * LOAD_US + runs * events / 2 * GOLD_US) / 1e6
    p = PRICES
    costs = {"Lambda": 0.0, "Glue": 0.0}
    if is_glue:
        workers = cpu / SPARK_SHARE / WORKER_VCPU / 3600 + runs * 2 * GLUE_FIXED_HOURS
        costs["Glue"] = DAYS * workers * p["Glue G.1X, worker-hour (4 vCPU)"]
    else:
        seconds = cpu / LAMBDA_VCPU + runs * FIXED_SECONDS
        each = LAMBDA_GB * p["Lambda arm64, GB-second"]
        each += LAMBDA_DISK_GB * p["Lambda, temporary disk beyond 512 MB, GB-second"]
        costs["Lambda"] = DAYS * (seconds * each + runs * 4 * p["Lambda, request"])
    costs["Step Functions"] = DAYS * runs * TRANSITIONS * p["Step Functions standard, transition"]
    costs["S3 requests"] = DAYS * runs * ((PUTS + LISTS) * p["S3, PUT or LIST"] + GETS * p["S3, GET"])
    costs["S3 storage"] = storage(gb)
    costs["S3, old files of gold"] = replaced(gb, runs)
    costs["SQS, X-Ray, logs"] = (
        DAYS
        * runs
        * (
            MESSAGES * p["SQS, request"]
            + TRACES * p["X-Ray, trace"]
            + LOG_GB * p["CloudWatch, logs taken in, GB"]
        )
    )
    costs["Alarms, metrics, secret, image"] = idle()
    how = f"{runs} runs of Glue a day" if is_glue else f"{runs} batches a day in Lambda"
    return Month(f"{gb:g} GB, {how}", costs, cpu / 3600)


def storage(gb: float) -> float:
    """What lies there after a year, for a month: raw logs cool down, tables stay warm."""
    p, raw = PRICES, gb * GZIP
    cooled = raw * (30 * p["S3 standard, GB-month"] + 60 * p["S3 standard-IA, GB-month"])
    cooled += raw * (KEPT_DAYS - 90) * p["S3 Glacier Instant Retrieval, GB-month"]
    return cooled + gb * (SILVER + GOLD) * KEPT_DAYS * p["S3 standard, GB-month"]


def replaced(gb: float, runs: int) -> float:
    """Gold's files that batches replaced: each writes the day, half full, anew; upkeep and bucket keep the old."""
    return (
        runs * (REPLACED_DAYS_TABLE + REPLACED_DAYS_BUCKET) * gb * GOLD / 2 * PRICES["S3 standard, GB-month"]
    )


def watching() -> tuple[int, int]:
    """(alarms as CloudWatch bills them, metrics): an alarm on an expected value counts as three."""
    declared = yaml.safe_load(ALARMS.read_text("utf-8")).values()
    billed = sum(3 if alarm.get("unit") == "deviations" else 1 for alarm in declared)
    counted = sum(alarm["of"].endswith("_log") for alarm in declared)
    return billed, len(EMITTED) + counted + GLUE_METRICS


def idle() -> float:
    """A month in which nothing arrives."""
    p = PRICES
    alarms, metrics = watching()
    watch = alarms * p["CloudWatch, alarm of one metric"] + metrics * p["CloudWatch, metric"]
    return watch + SECRETS * p["Secrets Manager, secret"] + IMAGE_GB * p["ECR, GB-month"]


def upkeep() -> float:
    """A month of daily upkeep that finds nothing to do."""
    return DAYS * FIXED_SECONDS * LAMBDA_GB * PRICES["Lambda arm64, GB-second"]


def batch_usd() -> float:
    """The measured batch in Lambda: its CPU, and what each of its four calls costs beside."""
    seconds = BATCH["cpu_s"] / LAMBDA_VCPU + FIXED_SECONDS
    each = LAMBDA_GB * PRICES["Lambda arm64, GB-second"]
    each += LAMBDA_DISK_GB * PRICES["Lambda, temporary disk beyond 512 MB, GB-second"]
    return seconds * each + 4 * PRICES["Lambda, request"]


CASES = (
    month(1, 288, is_glue=False),
    month(10, 288, is_glue=False),
    month(100, 288, is_glue=False),
    month(100, 24, is_glue=True),
    month(1000, 24, is_glue=True),
)


def text() -> str:
    """The whole page."""
    rows = [[service, *(f"{case.costs[service]:,.2f}" for case in CASES)] for service in CASES[0].costs]
    rows.append(["**a month, USD**", *(f"**{case.total:,.2f}**" for case in CASES)])
    per_gb = [f"{case.total / (float(case.title.split()[0]) * DAYS):.4f}" for case in CASES]
    rows.append(["a GB of raw logs", *per_gb])
    lambda_gb = (
        1e9 / EVENT_BYTES * LOAD_US / 1e6 / LAMBDA_VCPU * LAMBDA_GB * PRICES["Lambda arm64, GB-second"]
    )
    least = 2 / 60 * PRICES["Glue G.1X, worker-hour (4 vCPU)"]
    events = 10e9 / EVENT_BYTES
    parts = [
        *(
            "# What it costs",
            "",
            "Made by `docs/build_cost.py`; a test keeps it current. GB are raw JSON lines,",
        ),
        *("uncompressed, a day; they lie in bronze compressed.", "", "## A month", ""),
        *table(["service", *(case.title for case in CASES)], rows),
        *("", "An idle month: **no compute for data**, and "),
    ]
    parts[-1] += (
        f"{idle():.2f} USD for alarms, metrics, the secret and the image; what is stored costs on. Maintenance looks"
    )
    parts[-1] += f" at the lake once a day, {upkeep():.3f} USD a month; `upkeep_schedule` says when."
    parts += [
        "",
        "Athena comes on top, 5 USD for each TB that questions scan; a question to gold scans megabytes.",
        "",
    ]
    parts += ["## What drives it", ""]
    parts += [
        f"- Loading a GB takes {1e9 / EVENT_BYTES / 1e6:.2f} M events x {LOAD_US} µs of CPU ="
        f" {1e3 / EVENT_BYTES * LOAD_US:.1f} s. In Lambda that is {lambda_gb:.5f} USD a GB; the least that one run of"
        f" Glue costs (two workers, one minute) is {least:.4f} USD: {least / lambda_gb:.0f} GB in Lambda.",
        f"- A batch of {BATCH['stored_mb']} MB, gzipped ({BATCH['lines_mb']} MB, {BATCH['events'] / 1e6:g} M lines, one object), takes"
        f" {BATCH['silver_peak_mb']} MB of memory at its peak on the way to silver and {BATCH['gold_peak_mb']} MB to gold,"
        f" {BATCH['cpu_s']} s of CPU in all: {batch_usd():.5f} USD in Lambda, {batch_usd() / BATCH['lines_mb'] * 1e3:.5f} USD a"
        f" GB of lines with start and gold; Glue's minimum for its two jobs is {2 * least:.4f} USD.",
        "- **Gold merges a batch into what its tables hold**, so a batch pays for its own rows, for a fixed part, and for"
        " writing the day's sessions again. Only Spark, and runs after a replay, a restore or a killed run, compute"
        " whole days. The figures of this page still count whole days for every batch, so those of Lambda are upper"
        f" bounds: with 10 GB a day and 288 batches {288 * events / 2 * GOLD_US / 1e6 / 3600:.1f} CPU-hours a day for"
        f" gold at most, {events * LOAD_US / 1e6 / 3600:.2f} for loading. Fewer, larger batches are cheaper; fresher ones dearer."
        " The two columns of 100 GB show it.",
        f"- From {900 * LAMBDA_VCPU / GOLD_US * EVENT_BYTES / 1e3:.0f} GB a day a whole day of gold takes more than"
        " the 15 minutes of Lambda. Above that, where whole days are computed, Glue takes over batch by batch. There, switch the"
        " trigger's event source mapping off and start `bronze_silver` and `silver_gold` on a schedule, with Glue's"
        " bookmark: a processor of Glue does less than one of Lambda, so it pays only because the day is counted again"
        " a few times instead of hundreds of times. Four runs a day instead of 24 cost"
        f" {month(1000, 4, is_glue=True).costs['Glue']:,.0f} instead of {CASES[-1].costs['Glue']:,.0f} USD of Glue at 1000 GB.",
        "- Storage wins in the end: tables are kept in S3 standard for as long as they are asked.",
        *(
            "",
            "## Prices",
            "",
            "Public list prices, us-east-1, as last known on 2026-11-23; free tiers left out.",
            "",
        ),
        *table(
            ["what", "USD"],
            [[name, f"{price:.10f}".rstrip("0").rstrip(".")] for name, price in PRICES.items()],
        ),
        *("", "## Quantities", "", "| quantity | value | from |", "|---|---|---|"),
        f"| bytes of an event | {EVENT_BYTES} | measured, generated logs |",
        f"| compressed, silver, gold: share of raw bytes | {GZIP}, {SILVER}, {GOLD} | measured, 300,000 events |",
        f"| CPU of an event: loading, gold | {LOAD_US} µs, {GOLD_US} µs | measured, benchmarks/RESULTS.md |",
        f"| Lambda | {LAMBDA_GB:.2f} GB, {LAMBDA_VCPU:.2f} vCPU | as Terraform sets it; a vCPU as fast as measured: assumed |",
        f"| a batch in Lambda beside its CPU | {FIXED_SECONDS:g} s | assumed |",
        f"| Spark's speed as a share of the embedded engine's | {SPARK_SHARE:.2f} | measured, benchmarks/RESULTS.md |",
        f"| processors of a worker of Glue that are left for it | {WORKER_VCPU} of 4 | assumed |",
        f"| a batch: PUT, LIST, GET or HEAD | {PUTS}, {LISTS}, {GETS} | measured on the emulator, 20 batches |",
        f"| a batch: transitions, traces | {TRANSITIONS}, {TRACES} | counted from the code, rounded up |",
        f"| kept for | {KEPT_DAYS} days | assumed |",
        *(
            "",
            "Seconds were measured on two shared cores, not on AWS: the first bill decides. The month's budget",
        ),
        "in Terraform alerts at 80 % of the limit.",
    ]
    return "\n".join(parts) + "\n"


def table(columns: list[str], rows: list[list[str]]) -> list[str]:
    """A Markdown table."""
    lines = [f"| {' | '.join(columns)} |", f"|{'---|' * len(columns)}"]
    return lines + [f"| {' | '.join(row)} |" for row in rows]


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
    sys.stdout.write(f"{TARGET}\n")
