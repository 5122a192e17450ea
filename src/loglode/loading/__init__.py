"""Bronze to silver: one batch, exactly once."""
