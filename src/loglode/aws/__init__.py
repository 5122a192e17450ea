"""The pipeline on AWS: manifests, executions, the quality gate and Glue jobs."""
