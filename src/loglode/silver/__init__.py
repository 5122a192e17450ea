"""Bronze to silver as SQL generated from the contract: parse, cast, check, mask, derive."""

from loglode.silver.masking import KEY
from loglode.silver.memo import MEMOS, memo_texts
from loglode.silver.statement import REJECTED, failing_statement, rejected_statement, silver_statement

__all__ = [
    "KEY",
    "MEMOS",
    "REJECTED",
    "failing_statement",
    "memo_texts",
    "rejected_statement",
    "silver_statement",
]
