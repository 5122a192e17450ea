mock_provider "aws" {
  mock_resource "aws_iam_policy" {
    defaults = { arn = "arn:aws:iam::123456789012:policy/x" }
  }
}

variables {
  name                   = "loglode-test"
  region                 = "us-east-1"
  account_id             = "123456789012"
  bucket                 = "loglode-test-lake"
  database               = "loglode_test"
  workgroup              = "loglode-test"
  queue_arn              = "arn:aws:sqs:us-east-1:123456789012:loglode-test-bronze"
  dead_queue_arn         = "arn:aws:sqs:us-east-1:123456789012:loglode-test-bronze-dead"
  state_machine_arn      = "arn:aws:states:us-east-1:123456789012:stateMachine:loglode-test"
  transform_function_arn = "arn:aws:lambda:us-east-1:123456789012:function:loglode-test-transform"
  job_names              = ["loglode-test-bronze-silver", "loglode-test-silver-gold"]
  key_secret_arn         = "arn:aws:secretsmanager:us-east-1:123456789012:secret:loglode-test-abcdef"
}

run "no_wildcards" {
  command = plan

  assert {
    condition = alltrue(flatten([
      for p in concat(values(aws_iam_role_policy.role), values(aws_iam_policy.people)) : [
        for s in jsondecode(p.policy).Statement : [for action in flatten([s.Action]) : !strcontains(action, "*")]
      ]
    ]))
    error_message = "Every action has its name."
  }

  # Calls that AWS knows no resource for; each has its reason beside it.
  assert {
    condition = toset(flatten([
      for p in concat(values(aws_iam_role_policy.role), values(aws_iam_policy.people)) : [
        for s in jsondecode(p.policy).Statement : s.Sid if flatten([s.Resource]) == ["*"]
      ]
    ])) == toset(["Trace", "WriteMetrics", "DeliverLogs", "ReadMetrics"])
    error_message = "A resource that can be named must be."
  }
}

run "who_may_be_who" {
  command = plan

  assert {
    condition = { for name, role in aws_iam_role.role : name => jsondecode(role.assume_role_policy).Statement[0].Principal.Service } == {
      trigger   = "lambda.amazonaws.com"
      transform = "lambda.amazonaws.com"
      glue      = "glue.amazonaws.com"
      states    = "states.amazonaws.com"
      crawler   = "glue.amazonaws.com"
    }
    error_message = "Each role is for one service."
  }

  assert {
    condition = alltrue([
      for role in aws_iam_role.role :
      jsondecode(role.assume_role_policy).Statement[0].Condition.StringEquals["aws:SourceAccount"] == "123456789012"
    ])
    error_message = "Only for this account."
  }
}

run "quarantine_is_for_few" {
  command = plan

  assert {
    condition = length([
      for s in concat(jsondecode(aws_iam_policy.people["data-engineers"].policy).Statement, jsondecode(aws_iam_role_policy.role["crawler"].policy).Statement) :
      s if strcontains(jsonencode(s), "quarantine")
    ]) == 0
    error_message = "Neither data engineers nor the crawler read refused lines."
  }

  assert {
    condition     = !strcontains(aws_iam_policy.people["data-engineers"].policy, "s3:Delete")
    error_message = "People delete nothing."
  }
}

run "boundary_and_kms_by_variable" {
  command = plan

  variables {
    permissions_boundary_arn = "arn:aws:iam::123456789012:policy/boundary"
    kms_key_arn              = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = alltrue([for role in aws_iam_role.role : role.permissions_boundary == var.permissions_boundary_arn])
    error_message = "Every role is bounded."
  }

  assert {
    condition = alltrue([
      for p in concat(values(aws_iam_role_policy.role), values(aws_iam_policy.people)) : strcontains(p.policy, var.kms_key_arn)
    ])
    error_message = "Who reads or writes the lake needs its key."
  }
}
