"""Read an ODCS document and turn it into a Contract, refusing what Loglode would not honour."""

from __future__ import annotations

import functools
import re
from importlib import resources
from pathlib import Path
from typing import Any, get_args

from loglode.contract.complete import check_complete
from loglode.contract.document import check_standard, to_document
from loglode.contract.model import Alias, Contract, Field, Goal, Masking, Rule, RuleKind, Severity
from loglode.contract.personal import personal_kinds
from loglode.contract.predicate import check_predicate
from loglode.contract.sla import latency_days
from loglode.errors import ContractError
from loglode.types import BY_LOGICAL

DERIVATIONS = frozenset(
    "event_id visitor_id client_id client_network route referrer_host referrer_path browser os device "
    "is_bot warnings lineage partition".split()
)
MASKINGS: tuple[Masking, ...] = get_args(Masking)
BUILT_IN = "web_logs.odcs.yaml"
_CUSTOM = frozenset("aliases masking stored derived onInvalid queryParameter".split())
_OPTIONS = frozenset("minimum maximum maxLength pattern format".split())
_BOUNDS: dict[str, RuleKind] = {"minimum": "minimum", "maximum": "maximum", "maxLength": "max_length"}
_NAME = re.compile(r"[a-z][a-z0-9_]{0,62}")
# The types that a value of each logical type always fits, once it is cast to it.
_PHYSICAL = {
    **{logical: (kind.sql,) for logical, kind in BY_LOGICAL.items()},
    "integer": ("BIGINT", "INTEGER", "SMALLINT", "DOUBLE"),
}
_LOOKS_AROUND = re.compile(r"\(\?[=!]|\(\?<[=!]|\\[1-9]")
# Columns of these derivations are computed by their names.
_BY_NAME = {
    "lineage": frozenset({"batch_id", "contract_version", "processed_at", "source_object", "source_line"}),
    "partition": frozenset({"year", "month", "day"}),
}


def load_contract(path: str | Path | None = None) -> Contract:
    """Parse and check a contract file; without a path, the one in the package.

    Raises ContractError with the file, the field and what was expected.
    """
    if path is None:
        return _built_in()
    try:
        text = Path(path).read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ContractError(f"cannot read contract {path}: {error}", hint="name a YAML file") from error
    try:
        document = to_document(text)
        check_standard(document)
        contract = _to_contract(document)
        check_complete(contract, load_contract())
    except ContractError as error:
        raise ContractError(f"contract {path}: {error.message}", hint=error.hint) from error
    return contract


@functools.cache
def _built_in() -> Contract:
    text = resources.files("loglode.contract").joinpath(BUILT_IN).read_text(encoding="utf-8")
    return _to_contract(to_document(text))


def built_in_names() -> frozenset[str]:
    """Names of the fields that the package's own contract declares: those that the gold models read."""
    return frozenset(f.name for f in load_contract().fields)


def _to_contract(document: dict[str, Any]) -> Contract:
    schemas = [s for s in document.get("schema") or [] if s.get("name") == "web_logs"]
    if len(schemas) != 1:
        raise ContractError("schema must hold exactly one object named web_logs")
    fields = tuple(_to_field(p) for p in schemas[0].get("properties") or [])
    _check_fields(fields)
    custom = {p.get("property"): p.get("value") for p in document.get("customProperties") or []}
    return Contract(
        name="web_logs",
        version=str(document["version"]),
        fields=fields,
        goals=tuple(_to_goal(g) for g in _items("goals", custom.get("goals"))),
        sensitive_parameters=tuple(
            str(p) for p in _items("sensitiveParameters", custom.get("sensitiveParameters"))
        ),
        personal_data=personal_kinds(custom.get("personalData")),
        session_gap_seconds=_seconds(custom, "sessionGapSeconds", 1800),
        source_session_gap_seconds=_seconds(custom, "sourceSessionGapSeconds", 86400),
        max_refused_share=_share(custom, "maxRefusedShare", 0.1),
        latency_days=latency_days(document),
        log_format=_text("logFormat", custom.get("logFormat")),
    )


def _seconds(custom: dict[str | None, Any], name: str, default: int) -> int:
    value = custom.get(name, default)
    if isinstance(value, bool) or not isinstance(value, int) or value <= 0:
        raise ContractError(f"{name} is {value!r}", hint="expected a whole number of seconds above 0")
    return value


def _share(custom: dict[str | None, Any], name: str, default: float) -> float:
    value = _number(name, custom.get(name, default))
    if not 0 <= value <= 1:
        raise ContractError(f"{name} is {value!r}", hint="expected a share from 0 to 1")
    return float(value)


def _text(name: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise ContractError(f"{name} is {value!r}", hint="a text is wanted")


def _items(where: str, value: object) -> list[Any]:
    if value is None or isinstance(value, list):
        return value or []
    raise ContractError(f"{where} is {value!r}", hint="expected a list")


def _number(where: str, value: object) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise ContractError(f"{where} is {value!r}", hint="expected a number")
    return value


def _check_fields(fields: tuple[Field, ...]) -> None:
    names = [f.name for f in fields]
    doubled = sorted({n for n in names if names.count(n) > 1})
    if doubled:
        raise ContractError(f"fields declared twice: {', '.join(doubled)}")
    known = {f.name for f in fields if f.is_read}
    for field, rule in ((f, rule) for f in fields for rule in f.rules if rule.kind == "absent"):
        if not known.issuperset(rule.argument if isinstance(rule.argument, tuple) else ()):
            raise ContractError(
                f"field {field.name}: rule {rule.code} names a field that is not read from the log"
            )


def _to_field(prop: dict[str, Any]) -> Field:
    name = str(prop.get("name") or "")
    if not _NAME.fullmatch(name):
        raise ContractError(f"field name {name!r} is not usable", hint="lower case letters, digits and _")
    custom = _custom_properties(prop, name)
    logical = str(prop.get("logicalType") or "string")
    if logical not in BY_LOGICAL:
        raise ContractError(f"field {name}: logicalType {logical!r} is not one of {', '.join(BY_LOGICAL)}")
    sql_type = str(prop.get("physicalType") or BY_LOGICAL[logical].sql).upper()
    if sql_type not in _PHYSICAL[logical]:
        raise ContractError(
            f"field {name}: physicalType {sql_type!r} is not one of {', '.join(_PHYSICAL[logical])},"
            f" which a {logical} may have"
        )
    derived = custom.get("derived")
    if derived is not None and (derived not in DERIVATIONS or name not in _BY_NAME.get(derived, {name})):
        raise ContractError(f"field {name}: derived {derived!r} is unknown")
    aliases = tuple(_to_alias(name, a) for a in _items(f"field {name}: aliases", custom.get("aliases")))
    if derived is None and not aliases:
        aliases = (Alias((name,)),)
    on_invalid = _severity(name, custom.get("onInvalid", "reject"))
    masking: Masking | None = custom.get("masking") or (
        "redact" if logical == "string" and derived is None else "none"
    )
    if masking not in MASKINGS:
        raise ContractError(f"field {name}: masking {masking!r} is not one of {', '.join(MASKINGS)}")
    return Field(
        name=name,
        logical_type=logical,
        sql_type=sql_type,
        description=" ".join((prop.get("description") or "").split()),
        is_required=bool(prop.get("required")),
        classification=prop.get("classification") or "public",
        masking=masking,
        is_stored=custom.get("stored", True) is not False,
        is_partition=bool(prop.get("partitioned")),
        derived=derived,
        aliases=aliases,
        query_parameter=_query_parameter(name, custom.get("queryParameter")),
        on_invalid=on_invalid,
        rules=_to_rules(prop, name, on_invalid),
    )


def _custom_properties(prop: dict[str, Any], name: str) -> dict[str, Any]:
    custom = {str(p.get("property")): p.get("value") for p in prop.get("customProperties") or []}
    unknown = sorted(set(custom) - _CUSTOM)
    if unknown:
        raise ContractError(
            f"field {name}: customProperties {', '.join(unknown)} are unknown",
            hint=f"known: {', '.join(sorted(_CUSTOM))}",
        )
    return custom


def _query_parameter(name: str, value: object) -> str | None:
    if value is None or (isinstance(value, str) and value):
        return value
    raise ContractError(
        f"field {name}: queryParameter is {value!r}", hint="write the parameter's name as text"
    )


def _severity(name: str, value: object) -> Severity:
    if value not in ("reject", "warn"):
        raise ContractError(f"field {name}: severity {value!r} is neither reject nor warn")
    return "reject" if value == "reject" else "warn"


def _to_alias(name: str, text: object) -> Alias:
    word, _, unit = str(text).partition(":")
    if unit not in ("", "s", "ms", "us", "ns", "?"):
        raise ContractError(f"field {name}: alias {text!r} has an unknown unit", hint="s, ms, us, ns or ?")
    if not word or any(c in word for c in "\"'\\") or not word.isprintable():
        raise ContractError(f"field {name}: alias {text!r} holds a quote, a backslash or nothing")
    return Alias(tuple(word.split(".")), unit or None)


def _to_rules(prop: dict[str, Any], name: str, on_invalid: Severity) -> tuple[Rule, ...]:
    options = dict(prop.get("logicalTypeOptions") or {})
    unknown = sorted(set(options) - _OPTIONS)
    if unknown:
        raise ContractError(
            f"field {name}: logicalTypeOptions {', '.join(unknown)} are not supported",
            hint=f"supported: {', '.join(sorted(_OPTIONS))}",
        )
    rules = []
    for word, kind in _BOUNDS.items():
        if word in options:
            bound = options[word]
            if prop.get("logicalType") != "timestamp" or word == "maxLength":
                bound = _number(f"field {name}: {word}", bound)
            rules.append(Rule(f"{name}_invalid", kind, on_invalid, bound))
    if "pattern" in options:
        rules.append(Rule(f"{name}_invalid", "pattern", on_invalid, _pattern(name, options["pattern"])))
    rules.extend(_to_rule(name, check) for check in prop.get("quality") or [] if check.get("type") != "text")
    return tuple(rules)


def _to_rule(name: str, check: Any) -> Rule:
    is_of_absence = check.get("metric") == "nullValues"
    code = str(check.get("name") or (f"{name}_missing" if is_of_absence else f"{name}_invalid"))
    if not _NAME.fullmatch(code):
        raise ContractError(
            f"field {name}: rule name {code!r} is not usable",
            hint="lower case letters, digits and _",
        )
    severity = _severity(name, check.get("severity") or "reject")
    dimension = str(check.get("dimension") or ("completeness" if is_of_absence else "conformity"))
    arguments = dict(check.get("arguments") or {})
    is_own = check.get("type") == "custom" and check.get("engine") == "loglode"
    if is_own and isinstance(predicate := check.get("implementation"), str) and predicate.strip():
        check_predicate(f"field {name}: rule {code}", predicate)
        return Rule(code, "predicate", severity, predicate, dimension)
    if check.get("metric") == "invalidValues" and isinstance(arguments.get("validValues"), list):
        return Rule(
            code,
            "valid_values",
            severity,
            tuple(str(v) for v in arguments["validValues"]),
            dimension,
        )
    if check.get("metric") == "invalidValues" and "pattern" in arguments:
        return Rule(code, "pattern", severity, _pattern(name, arguments["pattern"]), dimension)
    if is_of_absence:
        others = tuple(str(v) for v in _items(f"field {name}: unlessKnown", arguments.get("unlessKnown")))
        return Rule(code, "absent", severity, others, dimension)
    raise ContractError(
        f"field {name}: rule {code} is of a kind that Loglode does not check",
        hint="nullValues, invalidValues with validValues or pattern, or a custom rule of engine loglode",
    )


def _pattern(name: str, pattern: object) -> str:
    try:
        re.compile(str(pattern))
    except re.error as error:
        raise ContractError(f"field {name}: pattern {pattern!r} is no regular expression: {error}") from error
    if _LOOKS_AROUND.search(str(pattern)):
        raise ContractError(
            f"field {name}: pattern {pattern!r} is no regular expression of RE2",
            hint="the engines know neither lookaround nor references to groups",
        )
    return str(pattern)


def _to_goal(value: Any) -> Goal:
    if not isinstance(value, dict) or "goal" not in value or "pathPattern" not in value:
        raise ContractError(f"goal {value!r} needs at least goal and pathPattern")
    where = f"goal {value['goal']}"
    return Goal(
        goal=str(value["goal"]),
        method=value.get("method"),
        path_pattern=str(value["pathPattern"]),
        min_status=int(_number(f"{where}: minStatus", value.get("minStatus", 200))),
        max_status=int(_number(f"{where}: maxStatus", value.get("maxStatus", 399))),
    )
