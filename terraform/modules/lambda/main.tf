locals {
  functions = {
    trigger = {
      role    = var.trigger_role_arn
      memory  = 512
      timeout = var.trigger_timeout
      disk    = 512
      reserve = var.trigger_concurrency
      variables = {
        LOGLODE_BRONZE        = "s3://${var.bucket}/bronze"
        LOGLODE_MANIFESTS     = "s3://${var.bucket}/manifests"
        LOGLODE_STATE_MACHINE = var.state_machine_arn
      }
    }
    transform = {
      role    = var.transform_role_arn
      memory  = var.transform_memory
      timeout = 900
      disk    = var.transform_disk
      reserve = var.transform_concurrency
      variables = merge(
        {
          LOGLODE_LAKE       = "s3://${var.bucket}"
          LOGLODE_BRONZE     = "s3://${var.bucket}/bronze"
          LOGLODE_MANIFESTS  = "s3://${var.bucket}/manifests"
          LOGLODE_KEY_SECRET = var.key_secret_arn
          LOGLODE_CATALOG    = var.database
        },
        { for place in var.openlineage[*] : "LOGLODE_OPENLINEAGE" => place },
      )
    }
  }
}

resource "aws_cloudwatch_log_group" "function" {
  #checkov:skip=CKV_AWS_338:logs help to find errors and are not the record of what was loaded; a variable sets the retention
  for_each = local.functions

  name              = "/aws/lambda/${var.name}-${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_lambda_function" "function" {
  #checkov:skip=CKV_AWS_116:the queue has a dead-letter queue, the state machine reports failures, and maintenance runs again the next day
  #checkov:skip=CKV_AWS_117:the functions call only AWS; a VPC would add endpoints that cost while idle
  #checkov:skip=CKV_AWS_272:code signing is for zip files; the image is named by its digest
  for_each = local.functions

  function_name                  = "${var.name}-${each.key}"
  role                           = each.value.role
  package_type                   = "Image"
  image_uri                      = var.image_uri
  architectures                  = ["arm64"]
  memory_size                    = each.value.memory
  timeout                        = each.value.timeout
  reserved_concurrent_executions = each.value.reserve
  kms_key_arn                    = var.kms_key_arn

  # One image for both: the command chooses.
  image_config {
    command = ["lambda_functions.${each.key}.handler"]
  }

  ephemeral_storage {
    size = each.value.disk
  }

  environment {
    variables = merge(
      each.value.variables,
      { LOGLODE_LOG_LEVEL = var.log_level },
      { for key in var.kms_key_arn[*] : "LOGLODE_KMS_KEY" => key },
    )
  }

  tracing_config {
    mode = "Active"
  }

  # Otherwise Lambda creates a group of its own, which never deletes logs.
  depends_on = [aws_cloudwatch_log_group.function]
}

resource "aws_sqs_queue" "dead" {
  name                      = "${var.name}-bronze-dead"
  message_retention_seconds = 1209600 # 14 days, the longest
  sqs_managed_sse_enabled   = true
}

resource "aws_sqs_queue" "bronze" {
  name                    = "${var.name}-bronze"
  sqs_managed_sse_enabled = true
  # Six times the function's timeout, and the time that messages are gathered: a message comes again only when its
  # function is surely over.
  visibility_timeout_seconds = 6 * var.trigger_timeout + var.batch_window_seconds
  message_retention_seconds  = 345600
  receive_wait_time_seconds  = 20

  redrive_policy = jsonencode({
    deadLetterTargetArn = aws_sqs_queue.dead.arn
    maxReceiveCount     = var.max_receives
  })
}

resource "aws_sqs_queue_redrive_allow_policy" "dead" {
  queue_url = aws_sqs_queue.dead.id

  redrive_allow_policy = jsonencode({
    redrivePermission = "byQueue"
    sourceQueueArns   = [aws_sqs_queue.bronze.arn]
  })
}

resource "aws_sqs_queue_policy" "queue" {
  for_each = { bronze = aws_sqs_queue.bronze, dead = aws_sqs_queue.dead }

  queue_url = each.value.id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [{
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sqs:*"
        Resource  = each.value.arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
      [for bucket in each.key == "bronze" ? [var.bucket] : [] : {
        Sid       = "EventsOfTheLake"
        Effect    = "Allow"
        Principal = { Service = "s3.amazonaws.com" }
        Action    = "sqs:SendMessage"
        Resource  = each.value.arn
        Condition = {
          ArnEquals    = { "aws:SourceArn" = "arn:${data.aws_partition.current.partition}:s3:::${bucket}" }
          StringEquals = { "aws:SourceAccount" = data.aws_caller_identity.current.account_id }
        }
      }],
    )
  })
}

# Maintenance: compacts small files, removes old ones, and deletes rejected lines after their retention.
resource "aws_cloudwatch_event_rule" "upkeep" {
  name                = "${var.name}-upkeep"
  description         = "Starts the lake's maintenance."
  schedule_expression = var.upkeep_schedule
}

resource "aws_cloudwatch_event_target" "upkeep" {
  rule      = aws_cloudwatch_event_rule.upkeep.name
  target_id = "transform"
  arn       = aws_lambda_function.function["transform"].arn

  input_transformer {
    input_paths    = { id = "$.id" }
    input_template = "{\"step\": \"maintain\", \"batch_id\": \"upkeep\", \"correlation_id\": <id>}"
  }
}

resource "aws_lambda_permission" "upkeep" {
  statement_id  = "Upkeep"
  action        = "lambda:InvokeFunction"
  function_name = aws_lambda_function.function["transform"].function_name
  principal     = "events.amazonaws.com"
  source_arn    = aws_cloudwatch_event_rule.upkeep.arn
}

data "aws_partition" "current" {}

data "aws_caller_identity" "current" {}

resource "aws_lambda_event_source_mapping" "bronze" {
  event_source_arn                   = aws_sqs_queue.bronze.arn
  function_name                      = aws_lambda_function.function["trigger"].arn
  batch_size                         = var.batch_size
  maximum_batching_window_in_seconds = var.batch_window_seconds
  function_response_types            = ["ReportBatchItemFailures"]

  # Without a limit the queue calls more functions than are reserved, and throttled messages become dead ones.
  scaling_config {
    maximum_concurrency = 2
  }
}
