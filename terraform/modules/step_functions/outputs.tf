output "arn" {
  description = "ARN of the state machine."
  value       = aws_sfn_state_machine.pipeline.arn
}

output "definition" {
  description = "The definition as it is deployed."
  value       = aws_sfn_state_machine.pipeline.definition
}
