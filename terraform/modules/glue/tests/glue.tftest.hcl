mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  name             = "loglode-test"
  database         = "loglode_test"
  bucket           = "loglode-test-lake"
  catalog_file     = "../../catalog.json"
  job_role_arn     = "arn:aws:iam::123456789012:role/loglode-test-glue"
  crawler_role_arn = "arn:aws:iam::123456789012:role/loglode-test-crawler"
  key_secret_arn   = "arn:aws:secretsmanager:us-east-1:123456789012:secret:loglode-test-abcdef"
  wheel            = "loglode-0.1.0-py3-none-any.whl"
  python_modules   = "duckdb==1.5.5"
}

run "tables_are_the_contracts" {
  assert {
    condition     = keys(aws_glue_catalog_table.table) == keys(jsondecode(file(var.catalog_file)))
    error_message = "Every table of the lake is registered."
  }

  assert {
    condition = alltrue([
      for t in aws_glue_catalog_table.table :
      t.parameters.table_type == "DELTA" && startswith(t.storage_descriptor[0].location, "s3://loglode-test-lake/")
    ])
    error_message = "Tables are Delta tables in the lake."
  }

  assert {
    condition     = [for k in aws_glue_catalog_table.table["web_logs"].partition_keys : k.name] == ["year", "month", "day"]
    error_message = "Silver lies by day."
  }
}

run "jobs" {
  assert {
    condition = alltrue([
      for script, job in aws_glue_job.job :
      job.glue_version == "5.0" && job.command[0].script_location == "s3://loglode-test-lake/artifacts/glue/${script}.py" &&
      job.default_arguments["--additional-python-modules"] == "s3://loglode-test-lake/artifacts/loglode-0.1.0-py3-none-any.whl,duckdb==1.5.5" &&
      job.default_arguments["--enable-auto-scaling"] == "true" && job.default_arguments["--enable-metrics"] == "true" &&
      job.default_arguments["--key_secret"] == var.key_secret_arn && job.timeout == 230 && job.execution_property[0].max_concurrent_runs == 3 &&
      job.notification_property[0].notify_delay_after == 90
    ])
    error_message = "Jobs run the packaged scripts, grow and end by themselves, and report when they are slow."
  }

  assert {
    condition = (
      aws_glue_job.job["bronze_silver"].default_arguments["--job-bookmark-option"] == "job-bookmark-enable" &&
      aws_glue_job.job["bronze_silver"].default_arguments["--bronze"] == "s3://loglode-test-lake/bronze/"
    )
    error_message = "A load without a list goes by its bookmark."
  }

  assert {
    condition     = alltrue([for job in aws_glue_job.job : job.security_configuration == aws_glue_security_configuration.lake.name])
    error_message = "Jobs must write encrypted."
  }
}

run "encrypted" {
  assert {
    condition     = aws_glue_security_configuration.lake.encryption_configuration[0].s3_encryption[0].s3_encryption_mode == "SSE-S3"
    error_message = "What jobs write must be encrypted."
  }

  assert {
    condition     = aws_athena_workgroup.lake.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_S3"
    error_message = "Results must be encrypted."
  }
}

run "questions_have_a_limit" {
  assert {
    condition = (
      aws_athena_workgroup.lake.configuration[0].bytes_scanned_cutoff_per_query == 107374182400 &&
      aws_athena_workgroup.lake.configuration[0].enforce_workgroup_configuration
    )
    error_message = "One query must not scan the whole lake by mistake."
  }

  assert {
    condition     = length(aws_athena_named_query.query) == length(fileset("queries", "*.sql"))
    error_message = "Every file of queries/ is saved."
  }
}

run "the_crawler_keeps_away_from_quarantine" {
  assert {
    condition = (
      length([for t in aws_glue_crawler.lake.delta_target[0].delta_tables : t if strcontains(t, "quarantine")]) == 0 &&
      length(aws_glue_crawler.lake.delta_target[0].delta_tables) == length(aws_glue_catalog_table.table) - 1
    )
    error_message = "All tables but quarantine are crawled."
  }

  assert {
    condition     = aws_glue_crawler.lake.schedule == null
    error_message = "It runs when it is started, unless a schedule is given."
  }
}

run "kms_by_variable" {
  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = (
      aws_glue_security_configuration.lake.encryption_configuration[0].s3_encryption[0].kms_key_arn == var.kms_key_arn &&
      aws_glue_security_configuration.lake.encryption_configuration[0].cloudwatch_encryption[0].cloudwatch_encryption_mode == "SSE-KMS" &&
      aws_glue_security_configuration.lake.encryption_configuration[0].cloudwatch_encryption[0].kms_key_arn == var.kms_key_arn &&
      aws_glue_security_configuration.lake.encryption_configuration[0].job_bookmarks_encryption[0].job_bookmarks_encryption_mode == "CSE-KMS" &&
      aws_glue_security_configuration.lake.encryption_configuration[0].job_bookmarks_encryption[0].kms_key_arn == var.kms_key_arn &&
      aws_athena_workgroup.lake.configuration[0].result_configuration[0].encryption_configuration[0].encryption_option == "SSE_KMS" &&
      aws_athena_workgroup.lake.configuration[0].result_configuration[0].encryption_configuration[0].kms_key_arn == var.kms_key_arn &&
      aws_glue_job.job["silver_gold"].default_arguments["--kms_key"] == var.kms_key_arn
    )
    error_message = "The KMS key must be used."
  }
}

run "events_go_where_the_variable_says" {
  command = plan

  variables {
    openlineage = "s3://loglode-test-lake/ops/_events"
  }

  assert {
    condition     = alltrue([for job in aws_glue_job.job : job.default_arguments["--openlineage"] == "s3://loglode-test-lake/ops/_events"])
    error_message = "Every job sends the events of its step."
  }
}
