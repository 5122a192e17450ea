mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_cloudwatch_event_rule" {
    defaults = { arn = "arn:aws:events:us-east-1:123456789012:rule/x" }
  }
  mock_resource "aws_lambda_function" {
    defaults = { arn = "arn:aws:lambda:us-east-1:123456789012:function:x" }
  }
  override_resource {
    target = aws_sqs_queue.bronze
    values = { arn = "arn:aws:sqs:us-east-1:123456789012:bronze", id = "https://sqs.us-east-1.amazonaws.com/123456789012/bronze" }
  }
  override_resource {
    target = aws_sqs_queue.dead
    values = { arn = "arn:aws:sqs:us-east-1:123456789012:dead", id = "https://sqs.us-east-1.amazonaws.com/123456789012/dead" }
  }
}

variables {
  name               = "loglode-test"
  image_uri          = "123456789012.dkr.ecr.us-east-1.amazonaws.com/loglode:1"
  bucket             = "loglode-test-lake"
  trigger_role_arn   = "arn:aws:iam::123456789012:role/loglode-test-trigger"
  transform_role_arn = "arn:aws:iam::123456789012:role/loglode-test-transform"
  state_machine_arn  = "arn:aws:states:us-east-1:123456789012:stateMachine:loglode-test"
  database           = "loglode_test"
  key_secret_arn     = "arn:aws:secretsmanager:us-east-1:123456789012:secret:loglode-test-abcdef"
}

run "functions" {
  assert {
    condition = alltrue([
      for name, f in aws_lambda_function.function :
      f.architectures == tolist(["arm64"]) && f.tracing_config[0].mode == "Active" && f.reserved_concurrent_executions > 0 &&
      f.image_config[0].command == tolist(["lambda_functions.${name}.handler"])
    ])
    error_message = "Both functions: arm64, traced, limited, each with its own command."
  }

  assert {
    condition     = aws_lambda_function.function["transform"].timeout == 900 && aws_lambda_function.function["transform"].ephemeral_storage[0].size == 4096
    error_message = "The transform has the time and the disk for a batch."
  }

  assert {
    condition     = aws_lambda_function.function["trigger"].role != aws_lambda_function.function["transform"].role
    error_message = "One role a function."
  }

  assert {
    condition     = alltrue([for g in aws_cloudwatch_log_group.function : g.retention_in_days == 30])
    error_message = "Logs must go some day."
  }

  assert {
    condition     = !contains(keys(aws_lambda_function.function["transform"].environment[0].variables), "LOGLODE_KMS_KEY")
    error_message = "No KMS key where none is named."
  }
}

run "messages_are_not_lost" {
  assert {
    condition = (
      jsondecode(aws_sqs_queue.bronze.redrive_policy).deadLetterTargetArn == aws_sqs_queue.dead.arn &&
      jsondecode(aws_sqs_queue.bronze.redrive_policy).maxReceiveCount == 5
    )
    error_message = "What fails again and again goes to the dead-letter queue."
  }

  assert {
    condition     = jsondecode(aws_sqs_queue_redrive_allow_policy.dead.redrive_allow_policy).sourceQueueArns == [aws_sqs_queue.bronze.arn]
    error_message = "Nobody else's letters come to the dead-letter queue."
  }

  assert {
    condition     = aws_sqs_queue.dead.message_retention_seconds == 1209600
    error_message = "Dead letters are kept as long as SQS can."
  }

  assert {
    condition     = aws_sqs_queue.bronze.visibility_timeout_seconds >= 6 * aws_lambda_function.function["trigger"].timeout + aws_lambda_event_source_mapping.bronze.maximum_batching_window_in_seconds
    error_message = "A message must stay invisible for six times the function's timeout."
  }

  assert {
    condition     = aws_sqs_queue.bronze.sqs_managed_sse_enabled && aws_sqs_queue.dead.sqs_managed_sse_enabled
    error_message = "Queues must be encrypted."
  }

  assert {
    condition = (
      contains(aws_lambda_event_source_mapping.bronze.function_response_types, "ReportBatchItemFailures") &&
      aws_lambda_event_source_mapping.bronze.maximum_batching_window_in_seconds == 60
    )
    error_message = "One bad message must not bring back the others; a batch waits for its window."
  }

  assert {
    condition = (
      aws_lambda_event_source_mapping.bronze.scaling_config[0].maximum_concurrency
      <= aws_lambda_function.function["trigger"].reserved_concurrent_executions
    )
    error_message = "The queue must not call more functions than are reserved."
  }
}

run "upkeep_runs_every_day" {
  assert {
    condition = (
      aws_cloudwatch_event_rule.upkeep.schedule_expression == "rate(1 day)" &&
      strcontains(aws_cloudwatch_event_target.upkeep.input_transformer[0].input_template, "\"step\": \"maintain\"") &&
      aws_lambda_permission.upkeep.source_arn == aws_cloudwatch_event_rule.upkeep.arn
    )
    error_message = "Without maintenance quarantine never deletes personal data."
  }
}

run "only_the_lake_may_send" {
  assert {
    condition = [
      for s in jsondecode(aws_sqs_queue_policy.queue["bronze"].policy).Statement :
      [s.Principal.Service, s.Condition.ArnEquals["aws:SourceArn"], s.Condition.StringEquals["aws:SourceAccount"]] if s.Effect == "Allow"
    ] == [["s3.amazonaws.com", "arn:aws:s3:::loglode-test-lake", "123456789012"]]
    error_message = "Only this account's lake may send."
  }

  assert {
    condition = alltrue([
      for p in aws_sqs_queue_policy.queue : anytrue([for s in jsondecode(p.policy).Statement : s.Effect == "Deny" && s.Sid == "OnlyTls"])
    ])
    error_message = "Both queues refuse calls without TLS."
  }
}

run "an_image_from_elsewhere_is_refused" {
  command = plan

  variables {
    image_uri = "docker.io/someone/loglode"
  }

  expect_failures = [var.image_uri]
}

run "events_go_where_the_variable_says" {
  command = plan

  variables {
    openlineage = "s3://loglode-test-lake/ops/_events"
  }

  assert {
    condition     = aws_lambda_function.function["transform"].environment[0].variables["LOGLODE_OPENLINEAGE"] == "s3://loglode-test-lake/ops/_events"
    error_message = "The function that does the steps sends their events."
  }
}

run "kms_by_variable" {
  command = plan

  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = alltrue(concat(
      [for f in aws_lambda_function.function : f.kms_key_arn == var.kms_key_arn && f.environment[0].variables["LOGLODE_KMS_KEY"] == var.kms_key_arn],
      [for g in aws_cloudwatch_log_group.function : g.kms_key_id == var.kms_key_arn],
    ))
    error_message = "Variables, logs and what the functions write must be encrypted with the KMS key."
  }
}
