locals {
  # Each row: title and the metrics in it, as [name space, metric, dimension, value ...].
  widgets = concat(
    [
      { title = "Lines read, refused and duplicates", stat = "Sum", metrics = [for m in ["LinesRead", "LinesQuarantined", "Duplicates"] : local.pipeline_metric[m]] },
      { title = "Requests of the site", stat = "Sum", metrics = [local.pipeline_metric["SiteRequests"]] },
      {
        title   = "Executions", stat = "Sum"
        metrics = [for m in ["ExecutionsSucceeded", "ExecutionsFailed", "ExecutionsTimedOut"] : ["AWS/States", m, "StateMachineArn", var.state_machine_arn]]
      },
      {
        title = "Queues", stat = "Maximum"
        metrics = [
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.queue_name],
          ["AWS/SQS", "ApproximateNumberOfMessagesVisible", "QueueName", var.dead_queue_name],
          ["AWS/SQS", "ApproximateAgeOfOldestMessage", "QueueName", var.queue_name],
        ]
      },
    ],
    # Alarms that have a graph of their own: alarms.yaml.
    [for name, alarm in local.declared : { title = alarm.widget.title, stat = alarm.widget.statistic, metrics = [local.pipeline_metric[alarm.metric]] } if can(alarm.widget)],
    [for m, stat in { Errors = "Sum", Duration = "Maximum", ConcurrentExecutions = "Maximum" } : {
      title                  = "Functions: ${m}", stat = stat, metrics = [for name in values(var.function_names) : ["AWS/Lambda", m, "FunctionName", name]]
    }],
  )
  pipeline_metric = { for m in distinct(concat(local.shown, [for alarm in local.declared : alarm.metric if can(alarm.widget)])) : m => [var.metric_namespace, m, "service", var.service, "lake", var.lake] }
  shown           = ["LinesRead", "LinesQuarantined", "Duplicates", "SiteRequests"]
}

resource "aws_cloudwatch_dashboard" "pipeline" {
  dashboard_name = var.name

  dashboard_body = jsonencode({
    widgets = concat(
      [for i, w in local.widgets : {
        type       = "metric"
        x          = 8 * (i % 3)
        y          = 6 * floor(i / 3)
        width      = 8
        height     = 6
        properties = { title = w.title, stat = w.stat, metrics = w.metrics, region = var.region, period = 300, view = "timeSeries" }
      }],
      [{
        type       = "alarm"
        x          = 0
        y          = 6 * ceil(length(local.widgets) / 3)
        width      = 24
        height     = 4
        properties = { title = "Alarms", alarms = [for alarm in aws_cloudwatch_metric_alarm.alarm : alarm.arn] }
      }],
    )
  })
}
