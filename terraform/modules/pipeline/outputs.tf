output "bucket" {
  description = "Name of the lake's bucket."
  value       = module.s3.bucket
}

output "state_machine_arn" {
  description = "The state machine."
  value       = module.step_functions.arn
}

output "function_names" {
  description = "Names of the functions by their short names."
  value       = module.lambda.function_names
}

output "queue_names" {
  description = "Queue of new objects and its dead-letter queue."
  value       = [module.lambda.queue_name, module.lambda.dead_queue_name]
}

output "job_names" {
  description = "Names of the Glue jobs by their scripts."
  value       = module.glue.job_names
}

output "database" {
  description = "Database of the catalog."
  value       = module.glue.database
}

output "workgroup" {
  description = "Workgroup of Athena."
  value       = module.glue.workgroup
}

output "queries" {
  description = "Ids of the saved queries."
  value       = module.glue.queries
}

output "dashboard" {
  description = "Name of the dashboard."
  value       = module.monitoring.dashboard
}

output "alarms" {
  description = "What every alarm watches."
  value       = module.monitoring.alarms
}

output "role_arns" {
  description = "ARNs of the roles."
  value       = module.iam.role_arns
}

output "role_policies" {
  description = "Policies of the roles."
  value       = module.iam.role_policies
}

output "definition" {
  description = "The state machine's definition as deployed."
  value       = module.step_functions.definition
}

output "stream" {
  description = "Name of the Firehose stream, where there is one."
  value       = one([for stream in aws_kinesis_firehose_delivery_stream.bronze : stream.name])
}
