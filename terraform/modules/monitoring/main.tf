data "aws_partition" "current" {}

locals {
  topic_arn = "arn:${data.aws_partition.current.partition}:sns:${var.region}:${var.account_id}:${var.name}-alerts"
  loglode   = { service = var.service, lake = var.lake }
  aws       = data.aws_partition.current.partition
  publishers = {
    cloudwatch = "arn:${local.aws}:cloudwatch:${var.region}:${var.account_id}:alarm:${var.name}-*"
    events     = "arn:${local.aws}:events:${var.region}:${var.account_id}:rule/${var.name}-*"
    budgets    = "arn:${local.aws}:budgets::${var.account_id}:budget/${var.name}-*"
  }
  machine = { StateMachineArn = var.state_machine_arn }

  # Each alarm: what it watches and when it speaks. What to do then stands in docs/runbook.md.
  # `missing`: what no data means. For failures it is silence; for freshness it is the failure itself.
  alarms = merge(
    {
      executions-failed = {
        namespace  = "AWS/States", metric = "ExecutionsFailed", statistic = "Sum", dimensions = local.machine
        comparison = "GreaterThanThreshold", threshold = 0, period = 300, periods = 1, missing = "notBreaching"
      }
      executions-timed-out = {
        namespace  = "AWS/States", metric = "ExecutionsTimedOut", statistic = "Sum", dimensions = local.machine
        comparison = "GreaterThanThreshold", threshold = 0, period = 300, periods = 1, missing = "notBreaching"
      }
      executions-throttled = {
        namespace  = "AWS/States", metric = "ExecutionThrottled", statistic = "Sum", dimensions = local.machine
        comparison = "GreaterThanThreshold", threshold = 10, period = 300, periods = 3, missing = "notBreaching"
      }
      dead-letters = {
        namespace  = "AWS/SQS", metric = "ApproximateNumberOfMessagesVisible", statistic = "Maximum", dimensions = { QueueName = var.dead_queue_name }
        comparison = "GreaterThanThreshold", threshold = 0, period = 300, periods = 1, missing = "notBreaching"
      }
      queue-age = {
        namespace  = "AWS/SQS", metric = "ApproximateAgeOfOldestMessage", statistic = "Maximum", dimensions = { QueueName = var.queue_name }
        comparison = "GreaterThanThreshold", threshold = var.queue_age_seconds, period = 300, periods = 2, missing = "notBreaching"
      }
    },
    merge([for short, name in var.function_names : {
      "${short}-errors" = {
        namespace  = "AWS/Lambda", metric = "Errors", statistic = "Sum", dimensions = { FunctionName = name }
        comparison = "GreaterThanThreshold", threshold = 3, period = 300, periods = 1, missing = "notBreaching"
      }
      "${short}-throttles" = {
        namespace  = "AWS/Lambda", metric = "Throttles", statistic = "Sum", dimensions = { FunctionName = name }
        comparison = "GreaterThanThreshold", threshold = 20, period = 300, periods = 3, missing = "notBreaching"
      }
      "${short}-duration" = {
        namespace  = "AWS/Lambda", metric = "Duration", statistic = "Maximum", dimensions = { FunctionName = name }
        comparison = "GreaterThanThreshold", threshold = 900 * var.function_timeouts[short], period = 300, periods = 2, missing = "notBreaching"
      }
      "${short}-error-lines" = {
        namespace  = "${var.name}/Logs", metric = "${short}-error-lines", statistic = "Sum", dimensions = {}
        comparison = "GreaterThanThreshold", threshold = 0, period = 300, periods = 1, missing = "notBreaching"
      }
    }]...),
    {
      for rule, event in local.events : rule => {
        namespace  = "AWS/Events", metric = "TriggeredRules", statistic = "Sum", dimensions = { RuleName = "${var.name}-${rule}" }
        comparison = "GreaterThanThreshold", threshold = 0, period = 300, periods = 1, missing = "notBreaching"
      }
    },
    {
      refused-share = {
        namespace  = var.metric_namespace, metric = "RefusedShare", statistic = "Maximum", dimensions = local.loglode
        comparison = "GreaterThanThreshold", threshold = var.refused_share, period = 300, periods = 1, missing = "notBreaching"
      }
      site-error-rate = {
        namespace  = var.metric_namespace, metric = "SiteErrorRate", statistic = "Maximum", dimensions = local.loglode
        comparison = "GreaterThanThreshold", threshold = var.site_error_rate, period = 900, periods = 1, missing = "notBreaching"
      }
      site-response-time = {
        namespace  = var.metric_namespace, metric = "SiteResponseTimeP95", statistic = "Maximum", dimensions = local.loglode
        comparison = "GreaterThanThreshold", threshold = var.site_p95_ms, period = 900, periods = 1, missing = "notBreaching"
      }
      freshness = {
        # Emitted whenever gold is committed: no data for so long is the very thing that is watched.
        namespace  = var.metric_namespace, metric = "BronzeToGoldSeconds", statistic = "SampleCount", dimensions = local.loglode
        comparison = "LessThanThreshold", threshold = 1, period = 3600, periods = var.freshness_hours, missing = "breaching"
      }
    },
  )

  # What Glue tells of by events alone, and not by metrics.
  events = {
    glue-job-failed = {
      detail-type = ["Glue Job State Change"]
      detail      = { jobName = var.job_names, state = ["FAILED", "TIMEOUT", "ERROR"] }
    }
    glue-job-slow = {
      detail-type = ["Glue Job Run Status"]
      detail      = { jobName = var.job_names }
    }
    crawler-failed = {
      detail-type = ["Glue Crawler State Change"]
      detail      = { crawlerName = [var.crawler_name], state = ["Failed"] }
    }
  }
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
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  statistic           = each.value.statistic
  dimensions          = each.value.dimensions
  comparison_operator = each.value.comparison
  threshold           = each.value.threshold
  period              = each.value.period
  evaluation_periods  = each.value.periods
  treat_missing_data  = each.value.missing
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]
}

# Far fewer requests than usual at this hour: the site, or the way of its logs, is broken.
resource "aws_cloudwatch_metric_alarm" "anomaly" {
  alarm_name          = "${var.name}-requests-anomaly"
  alarm_description   = "What it means and what to do: docs/runbook.md, requests-anomaly."
  comparison_operator = "LessThanLowerThreshold"
  threshold_metric_id = "expected"
  evaluation_periods  = 3
  treat_missing_data  = "notBreaching" # the alarm on freshness speaks then
  alarm_actions       = [aws_sns_topic.alerts.arn]
  ok_actions          = [aws_sns_topic.alerts.arn]

  metric_query {
    id          = "expected"
    expression  = "ANOMALY_DETECTION_BAND(lines, ${var.anomaly_width})"
    label       = "LinesRead (expected)"
    return_data = true
  }

  metric_query {
    id          = "lines"
    return_data = true

    metric {
      namespace   = var.metric_namespace
      metric_name = "LinesRead"
      dimensions  = local.loglode
      period      = 3600
      stat        = "Sum"
    }
  }
}

resource "aws_cloudwatch_log_metric_filter" "error_lines" {
  for_each = var.function_names

  name           = "${each.value}-error-lines"
  log_group_name = var.log_group_names[each.key]
  # Our lines of ERROR, and what Lambda itself says of functions that ended badly.
  pattern = "?\"\\\"level\\\":\\\"ERROR\\\"\" ?\"\\\"level\\\":\\\"CRITICAL\\\"\" ?\"[ERROR]\" ?\"Task timed out\" ?\"Runtime.ExitError\" ?\"Runtime.OutOfMemory\""

  metric_transformation {
    namespace = "${var.name}/Logs"
    name      = "${each.key}-error-lines"
    value     = "1"
  }
}

resource "aws_cloudwatch_event_rule" "glue" {
  for_each = local.events

  name          = "${var.name}-${each.key}"
  description   = "Glue tells of this by events alone."
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
