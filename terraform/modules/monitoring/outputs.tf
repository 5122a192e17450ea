output "topic_arn" {
  description = "Topic of alerts."
  value       = aws_sns_topic.alerts.arn
}

output "alarms" {
  description = "What every alarm watches, by its short name."
  value       = { for name, alarm in local.alarms : name => { namespace = alarm.namespace, metric = alarm.metric, dimensions = keys(alarm.dimensions) } }
}

output "dashboard" {
  description = "Name of the dashboard."
  value       = aws_cloudwatch_dashboard.pipeline.dashboard_name
}
