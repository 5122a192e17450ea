"""Values of sensitive parameters: in queries, fragments and matrix parameters, in JSON, and nested in other values.

Names are compared without regard to case, dashes and underscores; each part of `user[email]` is a name.
"""

from __future__ import annotations

from loglode.sql import literal, regex_escape
from loglode.tokens import BETWEEN

REDACTED = "REDACTED"
_BRACKETS = rf"(?:\]|\[[^\]&={BETWEEN}]*\]|%5[dD]|%5[bB][0-9A-Za-z_]*%5[dD])*"
_BEFORE = rf"(?:^|[&;?#,/\s{{{BETWEEN}])(?:[^&;?#=/:\s\"'%{{{BETWEEN}]*(?:[\[.]|%5[bB]))?"
_QUOTE = r"(?:\\*\"|')"
# A JSON value: a text, an array, an object without objects, or what stands before the next comma.
_VALUE = (
    rf"(?:\"(?:[^\"\\{BETWEEN}]|\\[^\n{BETWEEN}])*\"?|\\+\"[^\"{BETWEEN}]*\"?|'[^'{BETWEEN}]*'?|\[[^\]{BETWEEN}]*\]?"
    rf"|\{{[^}}{BETWEEN}]*\}}?|[^,}}\]&{BETWEEN}]*)"
)


def names_pattern(names: tuple[str, ...]) -> str:
    """A regular expression of a sensitive name before a value, plain or encoded."""
    before = "(?:^|[^0-9a-z]|%[0-9a-f][0-9a-f])"
    after = r"(?:[=\[\]\"'\\]|%(?:25)*(?:3d|5[bcd]|2[27]))"
    return f"(?i){before}{_either(names)}{after}"


def replace_parameters(text: str, names: tuple[str, ...]) -> str:
    """A text with REDACTED for the values of parameters of these names."""
    if not names:
        return text
    plain = f"(?i)({_BEFORE}{_either(names)}{_BRACKETS}=)[^&;{BETWEEN}]*"
    quoted = f"(?i)({_QUOTE}{_either(names)}{_QUOTE}[\\s+]*:[\\s+]*){_VALUE}"
    for pattern, shown in ((plain, rf"\1{REDACTED}"), (quoted, rf'\1"{REDACTED}"')):
        text = f"regexp_replace({text}, {literal(pattern)}, {literal(shown)}, 'g')"
    return text


def _either(names: tuple[str, ...]) -> str:
    bare = sorted({"".join(c for c in name.lower() if c not in "-_") for name in names} - {""})
    return f"(?:{'|'.join('[_-]?'.join(map(regex_escape, name)) for name in bare)})"
