output "pipeline" {
  description = "Names that commands in docs/deploy.md and docs/runbook.md need."
  value       = module.pipeline
}
