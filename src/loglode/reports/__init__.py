"""Reading a lake: queries, status, quality, verification, lineage. Nothing here writes."""
