# Policies for people: read everything except rejected lines, watch, and start what is safe to repeat.

locals {
  policies = {
    data-engineers = concat(
      [
        {
          Sid      = "ReadLayers"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:GetObjectVersion"]
          Resource = [for layer in ["bronze", "silver", "gold", "ops", "manifests"] : local.objects[layer]]
        },
        {
          Sid       = "ListLayers"
          Effect    = "Allow"
          Action    = ["s3:ListBucket", "s3:ListBucketVersions"]
          Resource  = local.bucket_arn
          Condition = { StringLike = { "s3:prefix" = ["", "bronze/*", "silver/*", "gold/*", "ops/*", "manifests/*", "athena/*"] } }
        },
        {
          Sid      = "FindBucket"
          Effect   = "Allow"
          Action   = "s3:GetBucketLocation"
          Resource = local.bucket_arn
        },
        {
          Sid      = "LoadLogs"
          Effect   = "Allow"
          Action   = "s3:PutObject"
          Resource = local.objects["bronze"]
        },
        {
          Sid      = "KeepResults"
          Effect   = "Allow"
          Action   = ["s3:GetObject", "s3:PutObject", "s3:AbortMultipartUpload"]
          Resource = local.objects["athena"]
        },
        {
          Sid    = "Ask"
          Effect = "Allow"
          Action = [
            "athena:StartQueryExecution", "athena:StopQueryExecution", "athena:GetQueryExecution", "athena:GetQueryResults",
            "athena:ListQueryExecutions", "athena:GetWorkGroup", "athena:GetNamedQuery", "athena:ListNamedQueries",
          ]
          Resource = "arn:${var.partition}:athena:${var.region}:${var.account_id}:workgroup/${var.workgroup}"
        },
        {
          Sid      = "FindDatabase"
          Effect   = "Allow"
          Action   = "glue:GetDatabase"
          Resource = ["${local.catalog}:catalog", "${local.catalog}:database/${var.database}"]
        },
        {
          Sid    = "ReadCatalog"
          Effect = "Allow"
          Action = ["glue:GetTable", "glue:GetTables", "glue:GetPartition", "glue:GetPartitions"]
          Resource = [
            "${local.catalog}:catalog",
            "${local.catalog}:database/${var.database}",
            "${local.catalog}:table/${var.database}/*",
          ]
        },
        {
          # Not to start them: who starts a job names the script that runs by its role, which reads quarantine and key.
          Sid      = "WatchJobs"
          Effect   = "Allow"
          Action   = ["glue:GetJob", "glue:GetJobRun", "glue:GetJobRuns"]
          Resource = [for job in var.job_names : "${local.catalog}:job/${job}"]
        },
        {
          Sid      = "RunCrawler"
          Effect   = "Allow"
          Action   = ["glue:GetCrawler", "glue:StartCrawler"]
          Resource = "${local.catalog}:crawler/${var.name}"
        },
        {
          Sid      = "WatchExecutions"
          Effect   = "Allow"
          Action   = ["states:DescribeStateMachine", "states:ListExecutions", "states:StartExecution"]
          Resource = var.state_machine_arn
        },
        {
          Sid      = "LookIntoExecutions"
          Effect   = "Allow"
          Action   = ["states:DescribeExecution", "states:GetExecutionHistory", "states:StopExecution", "states:RedriveExecution"]
          Resource = "${replace(var.state_machine_arn, ":stateMachine:", ":execution:")}:*"
        },
        {
          Sid      = "WatchQueues"
          Effect   = "Allow"
          Action   = ["sqs:GetQueueAttributes", "sqs:GetQueueUrl"]
          Resource = [var.queue_arn, var.dead_queue_arn]
        },
        {
          # Sending dead letters back needs all of these on the two queues.
          Sid      = "SendDeadLettersBack"
          Effect   = "Allow"
          Action   = ["sqs:StartMessageMoveTask", "sqs:ListMessageMoveTasks", "sqs:CancelMessageMoveTask", "sqs:ReceiveMessage", "sqs:DeleteMessage"]
          Resource = var.dead_queue_arn
        },
        {
          Sid      = "TakeDeadLettersBack"
          Effect   = "Allow"
          Action   = "sqs:SendMessage"
          Resource = var.queue_arn
        },
        {
          Sid    = "ReadLogs"
          Effect = "Allow"
          Action = ["logs:FilterLogEvents", "logs:GetLogEvents", "logs:DescribeLogStreams", "logs:StartQuery"]
          Resource = [
            "${local.logs}:/aws/lambda/${var.name}-*:*",
            "${local.logs}:/aws/vendedlogs/states/${var.name}:*",
            "${local.logs}:/aws-glue/jobs/*",
            "${local.logs}:/aws-glue/crawlers*",
          ]
        },
        {
          # These belong to no resource.
          Sid    = "ReadMetrics"
          Effect = "Allow"
          Action = [
            "cloudwatch:GetMetricData", "cloudwatch:GetMetricStatistics", "cloudwatch:ListMetrics",
            "cloudwatch:ListDashboards", "logs:GetQueryResults", "logs:StopQuery", "logs:DescribeLogGroups",
          ]
          Resource = "*"
        },
        {
          Sid      = "ReadAlarms"
          Effect   = "Allow"
          Action   = ["cloudwatch:DescribeAlarms", "cloudwatch:DescribeAlarmHistory"]
          Resource = "arn:${var.partition}:cloudwatch:${var.region}:${var.account_id}:alarm:${var.name}-*"
        },
        {
          Sid      = "ReadDashboard"
          Effect   = "Allow"
          Action   = "cloudwatch:GetDashboard"
          Resource = "arn:${var.partition}:cloudwatch::${var.account_id}:dashboard/${var.name}"
        },
      ],
      local.use_kms,
    )

    # Refused lines may hold personal data: for those alone who have to look at them.
    quarantine-readers = concat(
      [
        {
          Sid      = "ReadQuarantine"
          Effect   = "Allow"
          Action   = "s3:GetObject"
          Resource = local.objects["quarantine"]
        },
        {
          Sid       = "ListQuarantine"
          Effect    = "Allow"
          Action    = "s3:ListBucket"
          Resource  = local.bucket_arn
          Condition = { StringLike = { "s3:prefix" = ["quarantine/*"] } }
        },
      ],
      [for key in local.kms : { Sid = "ReadWithLakeKey", Effect = "Allow", Action = ["kms:Decrypt"], Resource = key }],
    )
  }
}

resource "aws_iam_policy" "people" {
  for_each = local.policies

  name        = "${var.name}-${each.key}"
  description = each.key == "data-engineers" ? "Read all layers except quarantine, watch, load, restart." : "Read rejected lines."
  policy      = jsonencode({ Version = "2012-10-17", Statement = each.value })
}

resource "aws_iam_group" "data_engineers" {
  name = "${var.name}-data-engineers"
}

resource "aws_iam_group_policy_attachment" "data_engineers" {
  group      = aws_iam_group.data_engineers.name
  policy_arn = aws_iam_policy.people["data-engineers"].arn
}
