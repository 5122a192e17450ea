mock_provider "aws" {
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:us-east-1:123456789012:log-group:/aws/vendedlogs/states/loglode-test" }
  }
}

variables {
  name     = "loglode-test"
  role_arn = "arn:aws:iam::123456789012:role/loglode-test-states"
  definition_values = {
    transform_function = "arn:aws:lambda:us-east-1:123456789012:function:loglode-test-transform"
    bronze_silver_job  = "loglode-test-bronze-silver"
    silver_gold_job    = "loglode-test-silver-gold"
    crawler            = "loglode-test"
    max_lambda_bytes   = 100000000
  }
}

run "the_tested_definition_is_deployed" {
  assert {
    condition     = jsondecode(aws_sfn_state_machine.pipeline.definition) == jsondecode(templatefile("./pipeline.asl.json", var.definition_values))
    error_message = "The module runs its own pipeline.asl.json."
  }

  assert {
    condition     = !strcontains(aws_sfn_state_machine.pipeline.definition, "$${")
    error_message = "Every name of the template must be filled in."
  }
}

run "logged_and_traced" {
  assert {
    condition = (
      aws_sfn_state_machine.pipeline.logging_configuration[0].level == "ERROR" &&
      aws_sfn_state_machine.pipeline.tracing_configuration[0].enabled &&
      aws_cloudwatch_log_group.executions.retention_in_days == 30
    )
    error_message = "Executions must be logged, traced, and forgotten some day."
  }
}

run "kms_by_variable" {
  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition = (
      aws_sfn_state_machine.pipeline.encryption_configuration[0].kms_key_id == var.kms_key_arn &&
      aws_cloudwatch_log_group.executions.kms_key_id == var.kms_key_arn
    )
    error_message = "Executions and their logs must be encrypted with the KMS key."
  }
}
