"""The page: one HTML file with its styles, scripts and data, and a policy that allows nothing else."""

from __future__ import annotations

import base64
import gzip
import hashlib
import html
import json
from importlib.resources import files

from loglode.reports.page.content import Content

_ASSETS = files("loglode.reports.page") / "assets"


def document(content: Content) -> str:
    """The whole file."""
    styles, charts, script = (_asset(name) for name in ("page.css", "charts.js", "page.js"))
    policy = {
        "default-src": ["'none'"],
        "script-src": [_digest(charts), _digest(script)],
        "style-src": [_digest(styles)],
        # The charts and their tooltips place themselves by style attributes.
        "style-src-attr": ["'unsafe-inline'"],
        "img-src": ["data:"],
        "base-uri": ["'none'"],
        "form-action": ["'none'"],
    }
    values = {
        "policy": "; ".join(f"{name} {' '.join(sources)}" for name, sources in policy.items()),
        "title": html.escape(f"{content.lake} · Loglode report"),
        "styles": styles,
        "data": _packed(content),
        "charts": charts,
        "script": script,
    }
    page = _asset("page.html")
    # One pass: what a value holds is never taken for a place of another.
    first, *rest = page.split("{{")
    parts = [first]
    for part in rest:
        name, _, text = part.partition("}}")
        parts += [values[name], text]
    return "".join(parts)


def _packed(content: Content) -> str:
    """JSON, by gzip a fifth of its size, in base64: no letter of it means anything to a parser of HTML."""
    text = json.dumps(content.as_dict(), separators=(",", ":"), allow_nan=False)
    return base64.b64encode(gzip.compress(text.encode(), mtime=0)).decode()


def _asset(name: str) -> str:
    return (_ASSETS / name).read_text(encoding="utf-8")


def _digest(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
