mock_provider "aws" {
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/x" }
  }

  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
}

# Only what the parts do together is looked at here; each part has tests of its own.

variables {
  name                = "loglode-test"
  region              = "us-east-1"
  image_uri           = "123456789012.dkr.ecr.us-east-1.amazonaws.com/loglode:1"
  key_secret_arn      = "arn:aws:secretsmanager:us-east-1:123456789012:secret:loglode-test-pseudonyms-abcdef"
  wheel               = "loglode-0.1.0-py3-none-any.whl"
  glue_python_modules = "duckdb==1.5.5"
  monthly_budget_usd  = 50
  cost_tag            = { key = "pipeline", value = "loglode-test" }
}

run "names_that_are_built_are_names_that_are_given" {
  command = plan

  assert {
    condition = (
      toset(values(output.job_names)) == toset(local.jobs) &&
      output.function_names["transform"] == "loglode-test-transform" &&
      endswith(local.transform, ":${output.function_names["transform"]}") &&
      output.queue_names == ["loglode-test-bronze", "loglode-test-bronze-dead"]
    )
    error_message = "Policies name what exists."
  }

  assert {
    condition     = output.bucket == "loglode-test-lake-123456789012"
    error_message = "The bucket's name is the account's own."
  }
}

run "a_stream_by_variable" {
  command = plan

  variables {
    has_firehose = true
  }

  assert {
    condition = (
      aws_kinesis_firehose_delivery_stream.bronze["loglode-test-stream"].extended_s3_configuration[0].compression_format == "GZIP" &&
      startswith(aws_kinesis_firehose_delivery_stream.bronze["loglode-test-stream"].extended_s3_configuration[0].prefix, "bronze/") &&
      aws_kinesis_firehose_delivery_stream.bronze["loglode-test-stream"].server_side_encryption[0].enabled
    )
    error_message = "The stream gathers lines into compressed objects of bronze."
  }
}

run "no_stream_otherwise" {
  command = plan

  assert {
    condition     = length(aws_kinesis_firehose_delivery_stream.bronze) == 0
    error_message = "What nobody asked for is not there."
  }
}
