# What roles of an environment can do at the most, whatever policy they are given.

locals {
  # No role of an environment may change it: its name is none of theirs.
  boundary = { for name in ["dev", "prod"] : name => "arn:${local.partition}:iam::${local.account}:policy/loglode-boundary-${name}" }
}

resource "aws_iam_policy" "boundary" {
  for_each = local.names

  name        = "loglode-boundary-${each.key}"
  description = "The most that roles of loglode-${each.key} can do."
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      {
        Sid    = "OwnThings"
        Effect = "Allow"
        Action = ["glue:*", "lambda:InvokeFunction", "logs:*", "s3:*", "secretsmanager:GetSecretValue", "sqs:*", "states:*"]
        Resource = concat(each.value, [
          "${local.arn.logs}:log-group:/aws-glue/*",
          "${local.arn.states}:execution:loglode-${each.key}:*",
        ])
      },
      {
        Sid      = "UseKeys"
        Effect   = "Allow"
        Action   = ["kms:Decrypt", "kms:GenerateDataKey"]
        Resource = "arn:${local.partition}:kms:${var.region}:${local.account}:key/*"
      },
      {
        Sid    = "WithoutResource"
        Effect = "Allow"
        Action = [
          "cloudwatch:PutMetricData", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:DescribeLogGroups", "logs:DescribeResourcePolicies",
          "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery", "xray:*",
        ]
        Resource = "*"
      },
    ]
  })
}
