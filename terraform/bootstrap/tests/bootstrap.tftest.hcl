mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_resource "aws_ecr_repository" {
    defaults = { arn = "arn:aws:ecr:us-east-1:123456789012:repository/loglode" }
  }
  mock_resource "aws_iam_openid_connect_provider" {
    defaults = { arn = "arn:aws:iam::123456789012:oidc-provider/token.actions.githubusercontent.com" }
  }
}

run "states_are_safe" {
  variables {
    repository = null
  }

  assert {
    condition = (
      one(one(aws_s3_bucket_server_side_encryption_configuration.states.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" &&
      aws_s3_bucket_versioning.states.versioning_configuration[0].status == "Enabled" &&
      aws_s3_bucket_public_access_block.states.restrict_public_buckets
    )
    error_message = "States are encrypted, versioned and private."
  }

  assert {
    condition     = aws_ecr_repository.image.image_tag_mutability == "IMMUTABLE"
    error_message = "A tag must stay what it was."
  }

  assert {
    condition     = length(aws_iam_role.workflow) == 0
    error_message = "Without a repository nobody from outside gets a role."
  }
}

run "each_workflow_is_bound_to_its_environment" {
  variables {
    repository = "someone/loglode"
  }

  assert {
    condition = {
      for name, role in aws_iam_role.workflow :
      name => jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["token.actions.githubusercontent.com:sub"]
      } == {
      build      = "repo:someone/loglode:environment:build"
      dev-plan   = "repo:someone/loglode:environment:dev-plan"
      dev-apply  = "repo:someone/loglode:environment:dev"
      prod-plan  = "repo:someone/loglode:environment:prod-plan"
      prod-apply = "repo:someone/loglode:environment:prod"
    }
    error_message = "A role is for one environment of one repository."
  }

  assert {
    condition     = jsondecode(aws_ecr_lifecycle_policy.image.policy).rules[0].selection.countNumber >= 200
    error_message = "Pushes to dev must not take away the image that prod runs."
  }

  # What differs between the environments must not meet.
  assert {
    condition = (
      !strcontains(aws_iam_role_policy.workflow["dev-apply"].policy, "loglode-prod") &&
      !strcontains(aws_iam_role_policy.workflow["dev-apply"].policy, "loglode/prod") &&
      !strcontains(aws_iam_role_policy.workflow["prod-apply"].policy, "loglode-dev")
    )
    error_message = "dev may not touch prod."
  }

  assert {
    condition = alltrue(flatten([
      for role in ["dev-plan", "prod-plan"] : [
        for s in jsondecode(aws_iam_role_policy.workflow[role].policy).Statement : [
          for a in flatten([s.Action]) : !contains(["s3:*", "s3:Get*", "athena:Get*", "athena:GetQueryResults", "logs:Get*", "secretsmanager:GetSecretValue", "sqs:ReceiveMessage"], a)
        ]
      ]
    ]))
    error_message = "A plan reads no data."
  }
}
