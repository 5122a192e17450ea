# One role for each part that runs, with a permission for each call that its code makes; the table of calls is
# docs/permissions.md, and a test compares it with this file. Policies are plain values,
# so that a plan shows them whole.

locals {
  bucket_arn = "arn:${var.partition}:s3:::${var.bucket}"
  objects    = { for prefix in ["bronze", "manifests", "silver", "quarantine", "gold", "ops", "artifacts", "athena", "tmp"] : prefix => "${local.bucket_arn}/${prefix}/*" }
  # What one that loads and computes writes.
  tables = [for layer in ["silver", "quarantine", "gold", "ops"] : local.objects[layer]]

  logs    = "arn:${var.partition}:logs:${var.region}:${var.account_id}:log-group"
  catalog = "arn:${var.partition}:glue:${var.region}:${var.account_id}"
  kms     = var.kms_key_arn[*]

  # Lambda's and Step Functions' traces belong to no resource: "*" is all that X-Ray takes.
  tracing = {
    Sid      = "Trace"
    Effect   = "Allow"
    Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
    Resource = "*"
  }

  # Reading and committing tables: both engines, in Lambda and in Glue.
  work_on_tables = concat(
    [
      {
        Sid      = "ReadBronze"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:GetObjectVersion"]
        Resource = local.objects["bronze"]
      },
      {
        Sid      = "ReadManifests"
        Effect   = "Allow"
        Action   = "s3:GetObject"
        Resource = local.objects["manifests"]
      },
      {
        Sid      = "WorkOnTables"
        Effect   = "Allow"
        Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload"]
        Resource = local.tables
      },
      {
        Sid       = "ListTables"
        Effect    = "Allow"
        Action    = "s3:ListBucket"
        Resource  = local.bucket_arn
        Condition = { StringLike = { "s3:prefix" = ["silver/*", "quarantine/*", "gold/*", "ops/*"] } }
      },
      {
        Sid      = "ReadPseudonymKey"
        Effect   = "Allow"
        Action   = "secretsmanager:GetSecretValue"
        Resource = var.key_secret_arn
      },
    ],
    local.use_kms,
  )
  use_kms = [for key in local.kms : {
    Sid      = "UseLakeKey"
    Effect   = "Allow"
    Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
    Resource = key
  }]

  roles = {
    trigger = {
      service = "lambda.amazonaws.com"
      statements = concat(
        [
          {
            Sid      = "LookAtNewObjects"
            Effect   = "Allow"
            Action   = ["s3:GetObject", "s3:GetObjectVersion"]
            Resource = local.objects["bronze"]
          },
          {
            Sid      = "WriteManifests"
            Effect   = "Allow"
            Action   = "s3:PutObject"
            Resource = local.objects["manifests"]
          },
          {
            Sid      = "StartExecutions"
            Effect   = "Allow"
            Action   = "states:StartExecution"
            Resource = var.state_machine_arn
          },
          {
            Sid      = "TakeMessages"
            Effect   = "Allow"
            Action   = ["sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:GetQueueAttributes"]
            Resource = var.queue_arn
          },
          {
            Sid      = "WriteLogs"
            Effect   = "Allow"
            Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
            Resource = "${local.logs}:/aws/lambda/${var.name}-trigger:*"
          },
          local.tracing,
        ],
        local.use_kms,
      )
    }

    transform = {
      service = "lambda.amazonaws.com"
      statements = concat(local.work_on_tables, [
        {
          Sid    = "CompareCatalog"
          Effect = "Allow"
          Action = "glue:GetTables"
          Resource = [
            "${local.catalog}:catalog",
            "${local.catalog}:database/${var.database}",
            "${local.catalog}:table/${var.database}/*",
          ]
        },
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
          Resource = "${local.logs}:/aws/lambda/${var.name}-transform:*"
        },
        local.tracing,
      ])
    }

    glue = {
      service = "glue.amazonaws.com"
      statements = concat(local.work_on_tables, [
        {
          Sid      = "ReadScripts"
          Effect   = "Allow"
          Action   = "s3:GetObject"
          Resource = local.objects["artifacts"]
        },
        {
          Sid       = "ListBronze"
          Effect    = "Allow"
          Action    = "s3:ListBucket"
          Resource  = local.bucket_arn
          Condition = { StringLike = { "s3:prefix" = ["bronze", "bronze/*"] } }
        },
        {
          Sid      = "UseTemporaryFiles"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject"]
          Resource = local.objects["tmp"]
        },
        {
          Sid      = "WriteLogs"
          Effect   = "Allow"
          Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"]
          Resource = "${local.logs}:/aws-glue/jobs/*"
        },
        {
          # Metrics belong to no resource; the name space is all that can be said.
          Sid       = "WriteMetrics"
          Effect    = "Allow"
          Action    = "cloudwatch:PutMetricData"
          Resource  = "*"
          Condition = { StringEquals = { "cloudwatch:namespace" = "Glue" } }
        },
      ])
    }

    states = {
      service = "states.amazonaws.com"
      statements = concat(
        [
          {
            Sid      = "CallTransform"
            Effect   = "Allow"
            Action   = "lambda:InvokeFunction"
            Resource = var.transform_function_arn
          },
          {
            Sid      = "RunJobs"
            Effect   = "Allow"
            Action   = ["glue:StartJobRun", "glue:GetJobRun", "glue:GetJobRuns", "glue:BatchStopJobRun"]
            Resource = [for job in var.job_names : "${local.catalog}:job/${job}"]
          },
          {
            Sid      = "StartCrawler"
            Effect   = "Allow"
            Action   = "glue:StartCrawler"
            Resource = "${local.catalog}:crawler/${var.name}"
          },
          {
            # Deliveries of logs belong to no resource.
            Sid    = "DeliverLogs"
            Effect = "Allow"
            Action = [
              "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
              "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery",
            ]
            Resource = "*"
          },
          {
            Sid      = "Trace"
            Effect   = "Allow"
            Action   = ["xray:PutTraceSegments", "xray:PutTelemetryRecords", "xray:GetSamplingRules", "xray:GetSamplingTargets"]
            Resource = "*"
          },
        ],
        local.use_kms,
      )
    }

    crawler = {
      service = "glue.amazonaws.com"
      statements = concat(
        [
          {
            Sid      = "ReadTables"
            Effect   = "Allow"
            Action   = "s3:GetObject"
            Resource = [local.objects["silver"], local.objects["gold"], local.objects["ops"]]
          },
          {
            Sid       = "ListTables"
            Effect    = "Allow"
            Action    = "s3:ListBucket"
            Resource  = local.bucket_arn
            Condition = { StringLike = { "s3:prefix" = ["silver/*", "gold/*", "ops/*"] } }
          },
          {
            Sid      = "FindDatabase"
            Effect   = "Allow"
            Action   = "glue:GetDatabase"
            Resource = ["${local.catalog}:catalog", "${local.catalog}:database/${var.database}"]
          },
          {
            Sid    = "WriteCatalog"
            Effect = "Allow"
            Action = [
              "glue:GetTable", "glue:GetTables", "glue:CreateTable", "glue:UpdateTable",
              "glue:GetPartitions", "glue:BatchGetPartition", "glue:BatchCreatePartition", "glue:UpdatePartition",
            ]
            Resource = [
              "${local.catalog}:catalog",
              "${local.catalog}:database/${var.database}",
              "${local.catalog}:table/${var.database}/*",
            ]
          },
          {
            Sid      = "WriteLogs"
            Effect   = "Allow"
            Action   = ["logs:CreateLogGroup", "logs:CreateLogStream", "logs:PutLogEvents", "logs:AssociateKmsKey"]
            Resource = "${local.logs}:/aws-glue/crawlers*"
          },
        ],
        [for key in local.kms : { Sid = "ReadWithLakeKey", Effect = "Allow", Action = ["kms:Decrypt"], Resource = key }],
      )
    }
  }
}

resource "aws_iam_role" "role" {
  for_each = local.roles

  name                 = "${var.name}-${each.key}"
  permissions_boundary = var.permissions_boundary_arn

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRole"
      Principal = { Service = each.value.service }
      # Nobody else's function, job or machine may take the role through the service.
      Condition = { StringEquals = { "aws:SourceAccount" = var.account_id } }
    }]
  })
}

resource "aws_iam_role_policy" "role" {
  for_each = local.roles

  name   = "calls-of-the-code"
  role   = aws_iam_role.role[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })
}
