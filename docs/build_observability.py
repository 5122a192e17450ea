"""Write docs/observability.md: what a lake tells of itself, its metrics and logs from the code that makes them."""

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
| can I trust this number? | `loglode verify` (the books), `loglode quality` (rules, volume, delay and drift, by day) |
| what happened to this table? | `loglode history TABLE`, `loglode query --as-of TIME` |
| where does it come from? | `loglode lineage TABLE.COLUMN`, and OpenLineage events for other systems ([lineage](lineage.md)) |
| which batch was it? | a correlation id: in the functions' logs, the execution's input, the jobs' arguments, `runs.correlation_id`, the commits of silver and gold, OpenLineage events |

```sh
loglode status --metrics --lake lake > lake.prom   # OpenMetrics, for a node exporter's text files
loglode quality --lake lake
```

Drift is told by names of fields. Below the top only names that the contract looks for are told apart: other objects are
one field each, and what looks like a token is `(other)`, since keys come from strangers. Days without a line between two
others are told with 0 lines; site metrics are those of the newest day up to today.

Quality is told as it was when lines were loaded: what a replay has taken out of quarantine since, `loglode status` and
`daily_metrics.quarantined_lines` show. On the command line a run above the gate's limit is warned of and goes on to
gold; the state machine stops it.

## Metrics

`loglode status --metrics` prints them of the lake as it stands; run it on a schedule and alarm on the age of
`loglode_last_load_timestamp_seconds`: a lake that nobody loads any more looks as healthy as on its last day.

On AWS they leave as lines in CloudWatch's embedded metric format, in the name space `{NAMESPACE}`, with the dimensions
{" and ".join(f"`{name}`" for name in DIMENSIONS)}: those of `bronze_to_silver` at the quality gate, those of
`silver_to_gold` at the end, whichever engine did the work. `status --metrics` tells the same of the whole lake, with
names such as `loglode_lines_read_total`.

| metric | unit | of | meaning | in the lake |
| --- | --- | --- | --- | --- |
"""
_LOGS = f"""
## Logs

The command line, the functions, the Glue jobs and Spark's tasks say the same things with the same keys, on standard
error; results go to standard output. Functions and jobs write JSON from INFO up. On a terminal it is text from WARNING
up; `--log-format json` and `--log-level debug|info|warning|error` (`{FORM_VARIABLE}`, `{LEVEL_VARIABLE}`) ask for
other, and JSON begins at INFO. `{LEVEL_VARIABLE}` is the functions' level too (`log_level` in Terraform).

```sh
loglode run logs --lake lake --log-format json  # a JSON object a line, on standard error
```

No text of a line that is mined, no address and no secret is in any of them. Names of objects are: whoever writes
objects chooses them, so control characters come as escapes, and values end after 2,000 characters.

| key | type | meaning |
| --- | --- | --- |
"""
_LEVELS = """
Keys without a value are left out, but for {always}.

| level | says |
| --- | --- |
"""
_TAIL = """
Everything that happened to a batch, whichever function or job did it (CloudWatch Logs Insights, over the groups of
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
