"""Write docs/observability.md: what a lake tells of itself, its metrics from the code that emits them."""

from __future__ import annotations

from pathlib import Path

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

## Metrics

On AWS they leave as lines in CloudWatch's embedded metric format, in the name space `{NAMESPACE}`, with the dimensions
{" and ".join(f"`{name}`" for name in DIMENSIONS)}: those of `bronze_to_silver` at the quality gate, those of
`silver_to_gold` at the end, whichever engine did the work. `status --metrics` tells the same of the whole lake, with
names such as `loglode_lines_read_total`.

| metric | unit | of | meaning | in the lake |
| --- | --- | --- | --- | --- |
"""
_TAIL = """
## Logs

The functions write JSON by AWS Lambda Powertools: `timestamp`, `level`, `service`, `correlation_id`, `message`, and
`step`, `batch_id`, `result` (counts) when a step is done. No line of a log that is mined, no address and no secret is
in them; objects are named by URI. The Glue jobs print one JSON object when they are done, one line when they fail.
"""


def text() -> str:
    """The whole page."""
    rows = [f"| `{m.name}` | {m.unit} | {m.step} | {m.description} | {m.source} |\n" for m in METRICS]
    return _HEAD + "".join(rows) + _TAIL


if __name__ == "__main__":
    TARGET.write_text(text(), encoding="utf-8")
