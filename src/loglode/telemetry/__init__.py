"""Steps of the pipeline as OpenLineage events."""
