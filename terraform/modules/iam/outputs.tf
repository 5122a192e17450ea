output "role_arns" {
  description = "ARNs of the roles: trigger, transform, glue, states, crawler."
  value       = { for name, role in aws_iam_role.role : name => role.arn }
}

output "role_policies" {
  description = "Policies of the roles, as JSON."
  value       = { for name, policy in aws_iam_role_policy.role : name => policy.policy }
}

output "people_policies" {
  description = "Policies for people, as JSON."
  value       = { for name, policy in aws_iam_policy.people : name => policy.policy }
}

output "quarantine_policy_arn" {
  description = "Policy that allows reading rejected lines; attached to nobody."
  value       = aws_iam_policy.people["quarantine-readers"].arn
}

output "data_engineers_group" {
  description = "Name of the group of data engineers."
  value       = aws_iam_group.data_engineers.name
}
