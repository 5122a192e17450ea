output "state_bucket" {
  description = "Bucket of Terraform's states."
  value       = aws_s3_bucket.states.bucket
}

output "image" {
  description = "Repository of the image."
  value       = aws_ecr_repository.image.repository_url
}

output "boundaries" {
  description = "What bounds the roles of each environment: its permissions_boundary_arn."
  value       = local.boundary
}

output "role_arns" {
  description = "Roles of the workflows."
  value       = { for name, role in aws_iam_role.workflow : name => role.arn }
}
