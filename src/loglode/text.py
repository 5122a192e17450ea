"""Text that strangers may have written, made safe to show."""

from __future__ import annotations


def visible(text: str) -> str:
    r"""The text with all that is not printable (control, bidi, ...) as escapes such as \x1b."""
    if text.isprintable():
        return text
    return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
