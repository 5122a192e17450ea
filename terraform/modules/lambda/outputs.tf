output "function_arns" {
  description = "ARNs of the functions by their short names."
  value       = { for name, function in aws_lambda_function.function : name => function.arn }
}

output "function_names" {
  description = "Names of the functions by their short names."
  value       = { for name, function in aws_lambda_function.function : name => function.function_name }
}

output "log_group_names" {
  description = "Log groups of the functions by their short names."
  value       = { for name, group in aws_cloudwatch_log_group.function : name => group.name }
}

output "queue_arn" {
  description = "Queue of new objects; ready to take S3's events."
  value       = aws_sqs_queue.bronze.arn

  # S3 sends a test message when the queue is configured.
  depends_on = [aws_sqs_queue_policy.queue]
}

output "queue_name" {
  description = "Name of the queue of new objects."
  value       = aws_sqs_queue.bronze.name
}

output "dead_queue_name" {
  description = "Name of the dead-letter queue."
  value       = aws_sqs_queue.dead.name
}
