resource "aws_cloudwatch_log_group" "executions" {
  #checkov:skip=CKV_AWS_338:logs help to find errors and are not the record of what was loaded; a variable sets the retention
  # Groups of other names count towards a limit of ten for the whole account.
  name              = "/aws/vendedlogs/states/${var.name}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_sfn_state_machine" "pipeline" {
  name       = var.name
  role_arn   = var.role_arn
  type       = "STANDARD"
  definition = templatefile("${path.module}/pipeline.asl.json", var.definition_values)

  logging_configuration {
    log_destination        = "${aws_cloudwatch_log_group.executions.arn}:*"
    include_execution_data = var.log_execution_data
    level                  = var.log_level
  }

  tracing_configuration {
    enabled = true
  }

  dynamic "encryption_configuration" {
    for_each = var.kms_key_arn[*]

    content {
      type                              = "CUSTOMER_MANAGED_KMS_KEY"
      kms_key_id                        = encryption_configuration.value
      kms_data_key_reuse_period_seconds = 900
    }
  }
}
