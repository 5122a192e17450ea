"""Silver to gold: incremental, by day, and back to an older version."""
