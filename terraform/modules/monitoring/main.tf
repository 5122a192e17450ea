data "aws_partition" "current" {}

locals {
  topic_arn = "arn:${data.aws_partition.current.partition}:sns:${var.region}:${var.account_id}:${var.name}-alerts"
  loglode   = { service = var.service, lake = var.lake }
  aws       = data.aws_partition.current.partition
  publishers = {
    cloudwatch = "arn:${local.aws}:cloudwatch:${var.region}:${var.account_id}:alarm:${var.name}-*"
    budgets    = "arn:${local.aws}:budgets::${var.account_id}:budget/${var.name}-*"
  }

  # What alarms watch: `of` in alarms.yaml. An `event` names the detail that chooses Glue's events.
  watched = merge(
    {
      machine    = { namespace = "AWS/States", dimensions = { StateMachineArn = var.state_machine_arn } }
      queue      = { namespace = "AWS/SQS", dimensions = { QueueName = var.queue_name } }
      dead_queue = { namespace = "AWS/SQS", dimensions = { QueueName = var.dead_queue_name } }
      lake       = { namespace = var.metric_namespace, dimensions = local.loglode }
      jobs       = { namespace = "AWS/Events", detail = { jobName = var.job_names } }
      crawler    = { namespace = "AWS/Events", detail = { crawlerName = [var.crawler_name] } }
    },
    { for short, name in var.function_names : short => { namespace = "AWS/Lambda", dimensions = { FunctionName = name }, timeout = var.function_timeouts[short] } },
    { for short, name in var.function_names : "${short}_log" => { namespace = "${var.name}/Logs", dimensions = {}, function = short } },
  )

  declared = yamldecode(file("${path.module}/alarms.yaml"))
  alarms = { for name, alarm in local.declared : name => {
    namespace   = local.watched[alarm.of].namespace
    metric      = can(alarm.event) ? "TriggeredRules" : try(alarm.metric, name)
    dimensions  = tomap(can(alarm.event) ? tomap({ RuleName = "${var.name}-${name}" }) : try(tomap(local.watched[alarm.of].dimensions), tomap({})))
    statistic   = try(alarm.statistic, "Sum")
    comparison  = try(alarm.comparison, "GreaterThanThreshold")
    unit        = try(alarm.unit, "count")
    threshold   = coalesce(try(var.alarms[name].threshold, null), alarm.threshold)
    period      = coalesce(try(var.alarms[name].period, null), try(alarm.period, 300))
    periods     = coalesce(try(var.alarms[name].periods, null), try(alarm.periods, 1))
    missing     = try(alarm.missing, "notBreaching")
    timeout_ms  = 1000 * try(local.watched[alarm.of].timeout, 0)
    is_expected = try(alarm.unit, "") == "deviations"
  } }

  # Failures that Glue reports only as events.
  events = { for name, alarm in local.declared : name => {
    detail-type = [alarm.event.detail-type]
    detail      = merge(local.watched[alarm.of].detail, { for states in try([alarm.event.state], []) : "state" => states })
  } if can(alarm.event) }

  # Error lines that the functions' logs are counted for, by the alarm's name.
  error_lines = { for name, alarm in local.declared : name => local.watched[alarm.of].function if endswith(alarm.of, "_log") }
}

resource "aws_sns_topic" "alerts" {
  name              = "${var.name}-alerts"
  kms_master_key_id = var.kms_key_arn
}

resource "aws_sns_topic_policy" "alerts" {
  arn = aws_sns_topic.alerts.arn

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [for service, source in local.publishers : {
        Sid       = "From${title(service)}"
        Effect    = "Allow"
        Principal = { Service = "${service}.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.topic_arn
        Condition = { ArnLike = { "aws:SourceArn" = source } }
      }],
      # EventBridge does not support conditions in a topic's policy: with one, no notice arrives.
      [{
        Sid       = "FromEvents"
        Effect    = "Allow"
        Principal = { Service = "events.amazonaws.com" }
        Action    = "sns:Publish"
        Resource  = local.topic_arn
      }],
      [{
        Sid       = "OnlyTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "sns:Publish"
        Resource  = local.topic_arn
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      }],
    )
  })
}

resource "aws_sns_topic_subscription" "email" {
  for_each = toset(var.alert_emails)

  topic_arn = aws_sns_topic.alerts.arn
  protocol  = "email"
  endpoint  = each.value
}

resource "aws_cloudwatch_metric_alarm" "alarm" {
  for_each = local.alarms

  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "What it means and what to do: docs/runbook.md, ${each.key}."
  comparison_operator = each.value.comparison
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]

  # Of a metric: a threshold. Of an expected value: a band around it.
  namespace           = each.value.is_expected ? null : each.value.namespace
  metric_name         = each.value.is_expected ? null : each.value.metric
  statistic           = each.value.is_expected ? null : each.value.statistic
  dimensions          = each.value.is_expected ? null : each.value.dimensions
  period              = each.value.is_expected ? null : each.value.period
  threshold           = each.value.is_expected ? null : each.value.threshold * (each.value.unit == "timeout" ? each.value.timeout_ms : 1)
  threshold_metric_id = each.value.is_expected ? "expected" : null

  dynamic "metric_query" {
    for_each = each.value.is_expected ? [each.value] : []

    content {
      id          = "expected"
      expression  = "ANOMALY_DETECTION_BAND(observed, ${metric_query.value.threshold})"
      label       = "Expected"
      return_data = true
    }
  }

  dynamic "metric_query" {
    for_each = each.value.is_expected ? [each.value] : []

    content {
      id          = "observed"
      return_data = true

      metric {
        namespace   = metric_query.value.namespace
        metric_name = metric_query.value.metric
        dimensions  = metric_query.value.dimensions
        period      = metric_query.value.period
        stat        = metric_query.value.statistic
      }
    }
  }

  lifecycle {
    precondition {
      condition     = each.value.period * each.value.periods <= 86400
      error_message = "${each.key}: an alarm looks back one day at most."
    }

    precondition {
      condition     = !contains(["share", "timeout"], each.value.unit) || (each.value.threshold > 0 && each.value.threshold < 1)
      error_message = "${each.key}: its threshold is a share, between 0 and 1."
    }
  }
}

moved {
  from = aws_cloudwatch_metric_alarm.anomaly
  to   = aws_cloudwatch_metric_alarm.alarm["requests-anomaly"]
}

resource "aws_cloudwatch_log_metric_filter" "error_lines" {
  for_each = local.error_lines

  name           = "${var.name}-${each.key}"
  log_group_name = var.log_group_names[each.value]
  # Our lines of level ERROR, and what Lambda itself writes about functions that ended badly.
  pattern = "?\"\\\"level\\\":\\\"ERROR\\\"\" ?\"\\\"level\\\":\\\"CRITICAL\\\"\" ?\"[ERROR]\" ?\"Task timed out\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\""

  metric_transformation {
    namespace = "${var.name}/Logs"
    name      = each.key
    value     = "1"
  }
}

resource "aws_cloudwatch_event_rule" "glue" {
  for_each = local.events

  name          = "${var.name}-${each.key}"
  description   = "Glue reports this only as an event."
  event_pattern = jsonencode(merge({ source = ["aws.glue"] }, each.value))
}

resource "aws_cloudwatch_event_target" "glue" {
  for_each = local.events

  rule      = aws_cloudwatch_event_rule.glue[each.key].name
  target_id = "alerts"
  arn       = aws_sns_topic.alerts.arn
}

# What an alarm cannot say: which batch, why, and the command that goes on where it failed.
resource "aws_cloudwatch_event_rule" "execution" {
  name        = "${var.name}-execution-failed"
  description = "An execution of the state machine has failed."

  event_pattern = jsonencode({
    source      = ["aws.states"]
    detail-type = ["Step Functions Execution Status Change"]
    detail      = { stateMachineArn = [var.state_machine_arn], status = ["FAILED", "TIMED_OUT", "ABORTED"] }
  })
}

resource "aws_cloudwatch_event_target" "execution" {
  rule      = aws_cloudwatch_event_rule.execution.name
  target_id = "alerts"
  arn       = aws_sns_topic.alerts.arn

  input_transformer {
    input_paths    = local.notice.paths
    input_template = local.notice.template
  }
}

locals {
  notice = jsondecode(file("${path.module}/failure_notice.json"))
}

resource "aws_budgets_budget" "month" {
  name         = "${var.name}-month"
  budget_type  = "COST"
  limit_amount = tostring(var.monthly_budget_usd)
  limit_unit   = "USD"
  time_unit    = "MONTHLY"

  cost_filter {
    name   = "TagKeyValue"
    values = [format("user:%s$%s", var.cost_tag.key, var.cost_tag.value)]
  }

  dynamic "notification" {
    for_each = { ACTUAL = 80, FORECASTED = 100 }

    content {
      notification_type         = notification.key
      threshold                 = notification.value
      threshold_type            = "PERCENTAGE"
      comparison_operator       = "GREATER_THAN"
      subscriber_sns_topic_arns = [aws_sns_topic.alerts.arn]
    }
  }
}
