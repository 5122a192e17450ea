"""How a file would be read: its format, how sure that is, what its first lines say, and what is missing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

import pyarrow as pa

from loglode.contract import Contract, load_contract
from loglode.engines.duckdb.explain import records
from loglode.errors import UsageError
from loglode.formats import FORMATS, Format, Head, look, own_format, scored
from loglode.formats.base import NO_TEXT
from loglode.formats.written import example
from loglode.silver.explained import explained_statement
from loglode.sources import discover
from loglode.sources.lines import SCHEMA, LineReader

_SAMPLE_BYTES: Final = 1 << 16
_MOST_LINES: Final = 1_000  # that are looked at to count reasons
# What the numbers of gold need, and what to do where a source lacks it.
_WANTED: Final = {
    "client_ip": "log the client's address: without it there are no visitors and no sessions",
    "user_agent": "log the user agent: without it, bots cannot be distinguished from people",
    "response_time_ms": "log the duration: without it there are no response times",
    "host": "log the host, if several sites share the log",
}


@dataclass(frozen=True, slots=True)
class ExplainedLine:
    """A line: `fields` are those that it fills, by name; `reasons` say why it would be rejected."""

    number: int
    text: str
    reasons: tuple[str, ...]
    warnings: tuple[str, ...]
    fields: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Explanation:
    """How a file would be read. Scores are from 0 to 1; `counts` are of the lines that were looked at."""

    source: str
    format: str
    title: str
    score: float
    runner_up: str
    runner_up_score: float
    specification: str
    units: Mapping[str, str]
    traps: tuple[str, ...]
    counts: Mapping[str, int]
    lines: tuple[ExplainedLine, ...]
    empty_fields: tuple[str, ...]
    advice: tuple[str, ...]

    def as_dict(self) -> dict[str, Any]:
        """The object that `--json` prints."""
        return asdict(self)


def explain(source: str, *, contract: str | None = None, lines: int = 3, format: str = "auto") -> Explanation:
    """Read the first lines of a file. Raises UsageError, SourceError. Nothing is written."""
    found, terms = discover([source]), load_contract(contract)
    if not found:
        raise UsageError(f"there is no file in {source}", hint="name a file")
    own = own_format(terms.log_format)
    sample = found[0].head(_SAMPLE_BYTES).sample
    head = look(sample, format, own)
    with head.cut(found[0].open()) as stream:
        rows = _rows(head, terms, _first_lines(found[0].display_uri, head, stream))
    return _explanation(found[0].display_uri, head, _scores(sample, head.format, own), rows, terms, lines)


def formats() -> list[dict[str, str]]:
    """Every format by name, with its title, its specification and an example."""
    return [
        {
            "name": name,
            "title": fmt.title,
            "specification": fmt.source,
            "example": fmt.templates[name].header + records(example(fmt.templates[name]))[0]["line"],
        }
        for name, fmt in sorted(FORMATS.items())
    ]


def _first_lines(uri: str, head: Head, stream: Any) -> pa.Table:
    fmt, batches, count = head.format, [], 0
    reader = LineReader(uri, stream, counts_keys=fmt.counts_keys, header_prefix=fmt.header_prefix)
    for batch in reader.batches():
        batches.append(batch)
        count += len(batch)
        if count >= _MOST_LINES:
            break
    return pa.Table.from_batches(batches, SCHEMA).slice(0, _MOST_LINES)


def _rows(head: Head, contract: Contract, lines: pa.Table) -> list[dict[str, Any]]:
    return records(explained_statement(contract, head.format, head.keys), lines)


def _scores(sample: bytes, fmt: Format, own: Format | None) -> tuple[float, str, float]:
    """The score of the chosen format; the best other one and its score."""
    # A pattern that the user names is not registered.
    scores = {found.name: score for found, score in scored(sample, own if fmt.name in FORMATS else fmt)}
    chosen = scores.pop(fmt.name)
    runner_up = max(scores, key=lambda name: scores[name])
    return chosen, runner_up, scores[runner_up]


def _explanation(
    uri: str,
    head: Head,
    scores: tuple[float, str, float],
    rows: Sequence[Mapping[str, Any]],
    contract: Contract,
    lines: int,
) -> Explanation:
    fmt, events = head.format, [row for row in rows if not row["line_is_blank"]]
    names = [f.name for f in contract.read_fields]
    empty = tuple(name for name in names if all(row[name] is None for row in events))
    counts = Counter(row["line_reasons"] or "accepted" for row in events)
    return Explanation(
        source=uri,
        format=fmt.name,
        title=fmt.title,
        score=scores[0],
        runner_up=scores[1],
        runner_up_score=scores[2],
        specification=fmt.source,
        units=fmt.units,
        traps=fmt.traps,
        counts=dict(counts.most_common()),
        lines=tuple(_line(row, names) for row in events[:lines]),
        empty_fields=empty,
        advice=tuple(_advice(fmt, scores[0], counts, empty, contract)),
    )


def _line(row: Mapping[str, Any], names: Sequence[str]) -> ExplainedLine:
    return ExplainedLine(
        number=row["line_source_line"],
        text=row["line_text"].rstrip("\r\n"),
        reasons=tuple((row["line_reasons"] or "").split(",")) if row["line_reasons"] else (),
        warnings=tuple((row["line_warnings"] or "").split(",")) if row["line_warnings"] else (),
        fields={name: row[name] for name in names if row[name] is not None},
    )


def _advice(
    fmt: Format, score: float, counts: Mapping[str, int], empty: Sequence[str], contract: Contract
) -> list[str]:
    found = []
    if not score:
        found.append(
            "no format matches: describe the lines with --format and a pattern of LogFormat or log_format"
        )
    elif not fmt.is_of_requests:
        found += fmt.traps
    rejected = sum(count for reason, count in counts.items() if reason != "accepted")
    if rejected and score and fmt.is_of_requests:
        found.append(
            f"{rejected} of {sum(counts.values())} lines would go to quarantine; the reasons are above"
        )
    if counts.get("accepted"):
        carried = fmt.fields(contract, frozenset())
        for name, text in _WANTED.items():
            if name in empty:
                found.append(
                    text
                    if carried.get(name, NO_TEXT) == NO_TEXT
                    else f"every line leaves {name} empty: {text}"
                )
    return found
