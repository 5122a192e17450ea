data "aws_partition" "current" {}

locals {
  tables    = jsondecode(file(var.catalog_file))
  root      = "s3://${var.bucket}"
  artifacts = "${local.root}/${var.artifacts_prefix}"

  # What each job needs beside the arguments that all have.
  jobs = {
    bronze_silver = {
      name = "${var.name}-bronze-silver"
      arguments = {
        "--bronze"              = "${local.root}/bronze/"
        "--manifests"           = "${local.root}/manifests"
        "--job-bookmark-option" = "job-bookmark-enable"
      }
    }
    silver_gold = {
      name      = "${var.name}-silver-gold"
      arguments = { "--job-bookmark-option" = "job-bookmark-disable" }
    }
  }
  arguments = merge(
    {
      "--lake"                             = local.root
      "--key_secret"                       = var.key_secret_arn
      "--additional-python-modules"        = "${local.artifacts}/${var.wheel},${var.python_modules}"
      "--enable-auto-scaling"              = "true"
      "--enable-metrics"                   = "true"
      "--enable-observability-metrics"     = "true"
      "--enable-continuous-cloudwatch-log" = "true"
      "--TempDir"                          = "${local.root}/tmp/"
    },
    { for key in var.kms_key_arn[*] : "--kms_key" => key },
    { for place in var.openlineage[*] : "--openlineage" => place },
  )
}

resource "aws_glue_catalog_database" "lake" {
  name         = var.database
  description  = "Web logs: silver, gold and rejected lines."
  location_uri = "${local.root}/"
}

resource "aws_glue_catalog_table" "table" {
  for_each = local.tables

  database_name = aws_glue_catalog_database.lake.name
  name          = each.key
  description   = each.value.description
  table_type    = "EXTERNAL_TABLE"

  # Athena, Spark and Redshift recognise a Delta table by these; its log lists files and partitions.
  parameters = {
    EXTERNAL                     = "TRUE"
    classification               = "delta"
    table_type                   = "DELTA"
    "spark.sql.sources.provider" = "delta"
  }

  storage_descriptor {
    location      = "${local.root}/${each.value.folder}"
    input_format  = "org.apache.hadoop.mapred.SequenceFileInputFormat"
    output_format = "org.apache.hadoop.hive.ql.io.HiveSequenceFileOutputFormat"

    ser_de_info {
      serialization_library = "org.apache.hadoop.hive.serde2.lazy.LazySimpleSerDe"
      parameters            = { path = "${local.root}/${each.value.folder}", "serialization.format" = "1" }
    }

    dynamic "columns" {
      for_each = each.value.columns

      content {
        name    = columns.value.name
        type    = columns.value.type
        comment = columns.value.comment
      }
    }
  }

  # The crawler adds what a contract of your own adds, and marks of its own.
  lifecycle {
    ignore_changes = [owner, parameters, partition_keys, storage_descriptor]
  }

  dynamic "partition_keys" {
    for_each = each.value.partition_keys

    content {
      name    = partition_keys.value.name
      type    = partition_keys.value.type
      comment = partition_keys.value.comment
    }
  }
}

resource "aws_glue_security_configuration" "lake" {
  name = var.name

  encryption_configuration {
    cloudwatch_encryption {
      cloudwatch_encryption_mode = var.kms_key_arn == null ? "DISABLED" : "SSE-KMS"
      kms_key_arn                = var.kms_key_arn
    }

    job_bookmarks_encryption {
      job_bookmarks_encryption_mode = var.kms_key_arn == null ? "DISABLED" : "CSE-KMS"
      kms_key_arn                   = var.kms_key_arn
    }

    s3_encryption {
      s3_encryption_mode = var.kms_key_arn == null ? "SSE-S3" : "SSE-KMS"
      kms_key_arn        = var.kms_key_arn
    }
  }
}

resource "aws_glue_job" "job" {
  for_each = local.jobs

  name                   = each.value.name
  role_arn               = var.job_role_arn
  glue_version           = "5.0"
  execution_class        = "STANDARD"
  worker_type            = var.worker_type
  number_of_workers      = var.max_workers
  timeout                = var.timeout_minutes
  max_retries            = 0 # the state machine repeats
  security_configuration = aws_glue_security_configuration.lake.name
  default_arguments      = merge(local.arguments, each.value.arguments)

  command {
    script_location = "${local.artifacts}/glue/${each.key}.py"
    python_version  = "3"
  }

  execution_property {
    max_concurrent_runs = var.max_concurrent_runs
  }

  # A run that takes longer sends an event, for which there is an alarm.
  notification_property {
    notify_delay_after = var.slow_minutes
  }
}

# Off the hot path: the state machine starts it when a table or a column is not in the catalog.
resource "aws_glue_crawler" "lake" {
  name                   = var.name
  database_name          = aws_glue_catalog_database.lake.name
  role                   = var.crawler_role_arn
  schedule               = var.crawler_schedule
  security_configuration = aws_glue_security_configuration.lake.name

  delta_target {
    delta_tables              = sort([for table in local.tables : "${local.root}/${table.folder}/" if table.layer != "quarantine"])
    write_manifest            = false
    create_native_delta_table = true
  }

  schema_change_policy {
    update_behavior = "UPDATE_IN_DATABASE"
    delete_behavior = "LOG"
  }
}

resource "aws_athena_workgroup" "lake" {
  name          = var.name
  description   = "Questions to the lake."
  force_destroy = var.force_destroy

  configuration {
    enforce_workgroup_configuration    = true
    publish_cloudwatch_metrics_enabled = true
    bytes_scanned_cutoff_per_query     = var.athena_scan_limit_bytes

    engine_version {
      selected_engine_version = "Athena engine version 3"
    }

    result_configuration {
      output_location = "${local.root}/athena/"

      encryption_configuration {
        encryption_option = var.kms_key_arn == null ? "SSE_S3" : "SSE_KMS"
        kms_key_arn       = var.kms_key_arn
      }
    }
  }
}

resource "aws_athena_named_query" "query" {
  for_each = fileset("${path.module}/queries", "*.sql")

  name        = "${var.name}-${trimsuffix(each.key, ".sql")}"
  description = trimspace(trimprefix(split("\n", file("${path.module}/queries/${each.key}"))[0], "--"))
  workgroup   = aws_athena_workgroup.lake.id
  database    = aws_glue_catalog_database.lake.name
  query       = file("${path.module}/queries/${each.key}")
}
