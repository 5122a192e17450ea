# By variable: a stream for senders that have single lines rather than files. It gathers them into
# compressed objects of bronze, and from there they go the common way.

resource "aws_cloudwatch_log_group" "firehose" {
  #checkov:skip=CKV_AWS_338:logs help to find errors and are not the record of what was loaded; a variable sets the retention
  for_each = local.stream

  name              = "/aws/kinesisfirehose/${each.key}"
  retention_in_days = var.log_retention_days
  kms_key_id        = var.kms_key_arn
}

resource "aws_cloudwatch_log_stream" "firehose" {
  for_each = local.stream

  name           = "delivery"
  log_group_name = aws_cloudwatch_log_group.firehose[each.key].name
}

resource "aws_kinesis_firehose_delivery_stream" "bronze" {
  for_each = local.stream

  name        = each.key
  destination = "extended_s3"

  server_side_encryption {
    enabled  = true
    key_type = var.kms_key_arn == null ? "AWS_OWNED_CMK" : "CUSTOMER_MANAGED_CMK"
    key_arn  = var.kms_key_arn
  }

  extended_s3_configuration {
    role_arn            = aws_iam_role.firehose[each.key].arn
    bucket_arn          = "arn:${local.partition}:s3:::${local.bucket}"
    prefix              = "bronze/stream/!{timestamp:yyyy/MM/dd}/"
    error_output_prefix = "tmp/firehose-errors/!{firehose:error-output-type}/"
    compression_format  = "GZIP"
    buffering_size      = 64
    buffering_interval  = var.firehose_seconds
    kms_key_arn         = var.kms_key_arn

    cloudwatch_logging_options {
      enabled         = true
      log_group_name  = aws_cloudwatch_log_group.firehose[each.key].name
      log_stream_name = aws_cloudwatch_log_stream.firehose[each.key].name
    }
  }

  depends_on = [aws_iam_role_policy.firehose]
}

resource "aws_iam_role" "firehose" {
  for_each = local.stream

  name                 = each.key
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = "firehose.amazonaws.com" }
      Condition = { StringEquals = { "aws:SourceAccount" = local.account } }
    }]
  })
}

resource "aws_iam_role_policy" "firehose" {
  for_each = local.stream

  name = "calls-of-the-service"
  role = aws_iam_role.firehose[each.key].id

  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat(
      [
        {
          Sid    = "WriteBronze"
          Effect = "Allow"
          Action = ["s3:PutObject", "s3:AbortMultipartUpload"]
          Resource = [
            "arn:${local.partition}:s3:::${local.bucket}/bronze/stream/*",
            "arn:${local.partition}:s3:::${local.bucket}/tmp/firehose-errors/*",
          ]
        },
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = "logs:PutLogEvents"
          Resource = "${aws_cloudwatch_log_group.firehose[each.key].arn}:log-stream:*"
        },
      ],
      [for key in var.kms_key_arn[*] : { Sid = "UseLakeKey", Effect = "Allow", Action = ["kms:Decrypt", "kms:GenerateDataKey"], Resource = key }],
    )
  })
}

locals {
  stream = toset(var.has_firehose ? ["${var.name}-stream"] : [])
}
