"""Bronze to silver as SQL made from the contract: parse, cast, check, mask, derive."""

from loglode.silver.statement import agents_statement, silver_statement

__all__ = ["agents_statement", "silver_statement"]
