"""Write docs/observability.md: how to observe a lake, with metrics and logs from the code that writes them."""

from __future__ import annotations

from pathlib import Path

from loglode.logs import FORM_VARIABLE, KEYS, LEVEL_VARIABLE, LEVELS
from loglode.metrics import DIMENSIONS, METRICS, NAMESPACE

TARGET = Path(__file__).with_name("observability.md")
_HEAD = f"""# Observability

Made by `docs/build_observability.py`.

| question | where |
| --- | --- |
| is it healthy? | `loglode status`, `loglode status --metrics`; on AWS the dashboard and alarms ([runbook](runbook.md)) |
| can I trust this number? | `loglode verify` (row counts), `loglode quality` (rules, volume, delay and drift, by day) |
| what happened to this table? | `loglode history TABLE`, `loglode query --as-of TIME` |
| where does it come from? | `loglode lineage TABLE.COLUMN`, and OpenLineage events for other systems ([lineage](lineage.md)) |
| which batch was it? | a correlation id: in the functions' logs, the execution's input, the jobs' arguments, `runs.correlation_id`, the commits of silver and gold, OpenLineage events |

```sh
loglode status --metrics --lake lake > lake.prom   # OpenMetrics, for a node exporter's text files
loglode quality --lake lake
```

Schema drift is reported by field name. Below the top level, Loglode lists only names that the contract looks for. Every other object
counts as one field, and a key that looks like a token appears as `(other)`, because clients can choose keys. Days without
lines between two other days appear with 0 lines. Site metrics are those of the newest day up to today.

`quality` shows rejected lines as they were at load time. `loglode status` and `daily_metrics.quarantined_lines` also count what a
replay released since. On the command line, a run above the gate's limit prints a warning and continues to gold. The state
machine stops it.

## Metrics

`loglode status --metrics` prints the metrics of the whole lake, with names such as `loglode_lines_read_total`. Run it on a schedule
and alarm on the age of `loglode_last_load_timestamp_seconds`: a lake that is no longer loaded otherwise looks healthy.

On AWS, functions write the metrics of each batch in CloudWatch's embedded metric format, in the namespace `{NAMESPACE}`, with
the dimensions {" and ".join(f"`{name}`" for name in DIMENSIONS)}. The quality gate writes those of `bronze_to_silver`, and the
last step writes those of `silver_to_gold`, for both engines.

| metric | unit | of | meaning | in the lake |
| --- | --- | --- | --- | --- |
"""
_LOGS = f"""
## Logs

The command line, functions, Glue jobs and Spark tasks write the same messages with the same keys to standard error. Results go
to standard output. Functions and jobs write JSON from level INFO. A terminal gets text from level WARNING. Change this with
`--log-format json` and `--log-level debug|info|warning|error`, or with `{FORM_VARIABLE}` and `{LEVEL_VARIABLE}`. JSON starts at
INFO. `{LEVEL_VARIABLE}` also sets the level of functions (`log_level` in Terraform).

```sh
loglode run logs --lake lake --log-format json  # a JSON object a line, on standard error
```

Log messages contain no text of log lines, no address and no secret. They contain names of objects, which the writers of objects
choose, so control characters are escaped and values end after 2,000 characters.

| key | type | meaning |
| --- | --- | --- |
"""
_LEVELS = """
Keys without a value are left out, but for {always}.

| level | says |
| --- | --- |
"""
_TAIL = """
Everything that happened to a batch, in functions and jobs (CloudWatch Logs Insights, over the groups of
both functions and of the jobs):

```text
fields @timestamp, service, step, message, table, version, counts.lines_read
| filter correlation_id = "1f6a..." | sort @timestamp
```

A Glue job also prints its result as one JSON object to standard output, and ends with one line when it fails.

## OpenLineage events against the official schemas

The tests hold every event of real runs against schemas made from the official client's classes. Where
`LOGLODE_OPENLINEAGE_SPEC` names a folder with the official JSON schemas (`spec` of a checkout of
OpenLineage/OpenLineage: `OpenLineage.json` and `facets/*.json`), each event, and each facet by the file that its
`_schemaURL` names, is held against those too; without it that part is skipped and says so.

```text
LOGLODE_OPENLINEAGE_SPEC=OpenLineage/spec python -m pytest -rs tests/lake/test_openlineage.py
```
"""


def text() -> str:
    """The whole page."""
    rows = [
        f"| `{m.name}` | {m.unit} | {m.step}{' (not on AWS)' if m.is_local else ''} | {m.description} | {m.source} |\n"
        for m in METRICS
    ]
    keys = [f"| `{key.name}` | {key.type} | {key.description} |\n" for key in KEYS]
    always = ", ".join(f"`{key.name}`" for key in KEYS if key.is_always)
    levels = [f"| {level.upper()} | {meaning} |\n" for level, meaning in LEVELS.items()]
    logs = _LOGS + "".join(keys) + _LEVELS.format(always=always) + "".join(levels)
    return _HEAD + "".join(rows) + logs + _TAIL


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
