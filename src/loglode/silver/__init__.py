"""Bronze to silver as SQL made from the contract: parse, cast, check, mask, derive."""

from loglode.silver.memo import MEMOS, memo_texts
from loglode.silver.statement import BLANK, REFUSED_YEAR, silver_statement

__all__ = ["BLANK", "MEMOS", "REFUSED_YEAR", "memo_texts", "silver_statement"]
