# Roles that GitHub's workflows take by OpenID Connect: no key of AWS is stored there.

resource "aws_iam_openid_connect_provider" "github" {
  for_each = var.oidc_provider_arn == null ? local.github : []

  url            = "https://token.actions.githubusercontent.com"
  client_id_list = ["sts.amazonaws.com"]
}

locals {
  github = toset(var.repository[*])

  # The environment of the job decides who may assume which role; GitHub puts it into the token's subject.
  workflows = { for name, workflow in local.known : name => workflow if var.repository != null }
  known = merge(
    { build = { subject = "build", statements = local.build } },
    merge([for name in ["dev", "prod"] : {
      "${name}-plan"  = { subject = "${name}-plan", statements = concat(local.read_state[name], local.draw) }
      "${name}-apply" = { subject = name, statements = concat(local.write_state[name], local.look, local.manage[name]) }
    }]...),
  )

  arn = { for service in ["lambda", "sqs", "sns", "states", "events", "logs", "cloudwatch", "glue", "athena", "secretsmanager", "firehose"] : service => "arn:${local.partition}:${service}:${var.region}:${local.account}" }

  build = [
    { Sid = "LogIn", Effect = "Allow", Action = "ecr:GetAuthorizationToken", Resource = "*" },
    {
      Sid    = "PushImage"
      Effect = "Allow"
      Action = [
        "ecr:BatchCheckLayerAvailability", "ecr:BatchGetImage", "ecr:CompleteLayerUpload", "ecr:GetDownloadUrlForLayer",
        "ecr:InitiateLayerUpload", "ecr:PutImage", "ecr:UploadLayerPart",
      ]
      Resource = aws_ecr_repository.image.arn
    },
  ]

  read_state = { for name in ["dev", "prod"] : name => [
    { Sid = "FindState", Effect = "Allow", Action = "s3:ListBucket", Resource = "arn:${local.partition}:s3:::${local.states}" },
    { Sid = "ReadState", Effect = "Allow", Action = "s3:GetObject", Resource = "arn:${local.partition}:s3:::${local.states}/loglode/${name}/*" },
  ] }

  # A pull request's plan is made against the state alone (-refresh=false): code that nobody has reviewed reads
  # nothing of the account. The ephemeral key is drawn at each plan, and thrown away.
  draw = [{ Sid = "DrawKey", Effect = "Allow", Action = "secretsmanager:GetRandomPassword", Resource = "*" }]
  write_state = { for name in ["dev", "prod"] : name => concat(local.read_state[name], [{
    Sid      = "WriteState"
    Effect   = "Allow"
    Action   = ["s3:PutObject", "s3:DeleteObject"] # the lock is an object that is put and deleted
    Resource = "arn:${local.partition}:s3:::${local.states}/loglode/${name}/*"
  }]) }

  # How things are, in all of the account; what lies in them, only by what follows.
  look = [{
    Sid    = "Look"
    Effect = "Allow"
    Action = [
      "athena:GetNamedQuery", "athena:GetWorkGroup", "athena:ListTagsForResource", "budgets:View*", "budgets:ListTagsForResource", "cloudwatch:Describe*", "cloudwatch:GetDashboard",
      "cloudwatch:ListTagsForResource", "ecr:Describe*", "ecr:BatchGetImage", "ecr:GetDownloadUrlForLayer", "events:Describe*", "events:List*",
      "firehose:Describe*", "firehose:List*", "glue:Get*", "iam:Get*", "iam:List*", "lambda:Get*", "lambda:List*", "logs:Describe*", "logs:ListTagsForResource",
      "s3:GetAccelerateConfiguration", "s3:GetBucket*", "s3:GetEncryptionConfiguration", "s3:GetLifecycleConfiguration",
      "s3:GetReplicationConfiguration", "secretsmanager:DescribeSecret", "secretsmanager:GetResourcePolicy",
      "sns:Get*", "sns:List*", "sqs:Get*", "sqs:ListQueueTags", "states:Describe*", "states:List*", "states:ValidateStateMachineDefinition",
    ]
    Resource = "*"
  }]

  # What an environment's things are called.
  names = { for name in ["dev", "prod"] : name => [
    "arn:${local.partition}:s3:::loglode-${name}-lake-${local.account}",
    "arn:${local.partition}:s3:::loglode-${name}-lake-${local.account}/*",
    "${local.arn.lambda}:function:loglode-${name}-*",
    "${local.arn.sqs}:loglode-${name}-*",
    "${local.arn.sns}:loglode-${name}-*",
    "${local.arn.states}:stateMachine:loglode-${name}",
    "${local.arn.events}:rule/loglode-${name}-*",
    "${local.arn.logs}:log-group:/aws/lambda/loglode-${name}-*",
    "${local.arn.logs}:log-group:/aws/vendedlogs/states/loglode-${name}*",
    "${local.arn.logs}:log-group:/aws/kinesisfirehose/loglode-${name}-*",
    "${local.arn.cloudwatch}:alarm:loglode-${name}-*",
    "arn:${local.partition}:cloudwatch::${local.account}:dashboard/loglode-${name}",
    "${local.arn.glue}:catalog",
    "${local.arn.glue}:database/loglode_${name}",
    "${local.arn.glue}:table/loglode_${name}/*",
    "${local.arn.glue}:job/loglode-${name}-*",
    "${local.arn.glue}:crawler/loglode-${name}",
    "${local.arn.athena}:workgroup/loglode-${name}",
    "${local.arn.secretsmanager}:secret:loglode-${name}-*",
    "${local.arn.firehose}:deliverystream/loglode-${name}-*",
  ] }

  # All of what has the environment's name, and nothing that has another. Which calls Terraform makes changes
  # with its provider, so actions are named by service; the names are the limit.
  manage = { for name in ["dev", "prod"] : name => [
    {
      Sid    = "Manage"
      Effect = "Allow"
      Action = [
        "athena:*", "cloudwatch:*", "events:*", "firehose:*", "glue:*", "lambda:*", "logs:*", "s3:*", "secretsmanager:*", "sns:*", "sqs:*", "states:*",
      ]
      Resource = local.names[name]
    },
    {
      # These calls know no resource.
      Sid    = "ManageWithoutResource"
      Effect = "Allow"
      Action = [
        "glue:CreateSecurityConfiguration", "glue:DeleteSecurityConfiguration", "logs:CreateLogDelivery", "logs:DeleteLogDelivery", "logs:GetLogDelivery", "logs:ListLogDeliveries", "logs:PutResourcePolicy", "logs:UpdateLogDelivery", "secretsmanager:GetRandomPassword",
      ]
      Resource = "*"
    },
    {
      # A mapping has no name: the function that it calls identifies its environment.
      Sid       = "ManageMappings"
      Effect    = "Allow"
      Action    = ["lambda:CreateEventSourceMapping", "lambda:DeleteEventSourceMapping", "lambda:UpdateEventSourceMapping"]
      Resource  = "*"
      Condition = { ArnLike = { "lambda:FunctionArn" = "${local.arn.lambda}:function:loglode-${name}-*" } }
    },
    {
      # Tagged when it is made, when it has no function yet.
      Sid      = "TagMappings"
      Effect   = "Allow"
      Action   = ["lambda:TagResource", "lambda:UntagResource"]
      Resource = "${local.arn.lambda}:event-source-mapping:*"
    },
    {
      Sid      = "ManageBudget"
      Effect   = "Allow"
      Action   = ["budgets:ModifyBudget", "budgets:TagResource", "budgets:UntagResource"]
      Resource = "arn:${local.partition}:budgets::${local.account}:budget/loglode-${name}-month"
    },
    {
      # Only within the environment's boundary: or who may make a role could give it everything, and take it.
      Sid       = "GiveRights"
      Effect    = "Allow"
      Action    = ["iam:CreateRole", "iam:PutRolePolicy", "iam:DeleteRolePolicy", "iam:PutRolePermissionsBoundary"]
      Resource  = "arn:${local.partition}:iam::${local.account}:role/loglode-${name}-*"
      Condition = { StringEquals = { "iam:PermissionsBoundary" = local.boundary[name] } }
    },
    {
      Sid      = "ManageRoles"
      Effect   = "Allow"
      Action   = ["iam:DeleteRole", "iam:TagRole", "iam:UntagRole", "iam:UpdateAssumeRolePolicy", "iam:UpdateRole"]
      Resource = "arn:${local.partition}:iam::${local.account}:role/loglode-${name}-*"
    },
    {
      Sid    = "ManagePolicies"
      Effect = "Allow"
      Action = [
        "iam:CreatePolicy", "iam:CreatePolicyVersion", "iam:DeletePolicy", "iam:DeletePolicyVersion", "iam:TagPolicy", "iam:UntagPolicy",
      ]
      Resource = "arn:${local.partition}:iam::${local.account}:policy/loglode-${name}-*"
    },
    {
      Sid      = "ManageGroup"
      Effect   = "Allow"
      Action   = ["iam:CreateGroup", "iam:DeleteGroup"]
      Resource = "arn:${local.partition}:iam::${local.account}:group/loglode-${name}-*"
    },
    {
      Sid       = "GiveGroupItsPolicy"
      Effect    = "Allow"
      Action    = ["iam:AttachGroupPolicy", "iam:DetachGroupPolicy"]
      Resource  = "arn:${local.partition}:iam::${local.account}:group/loglode-${name}-*"
      Condition = { ArnLike = { "iam:PolicyARN" = "arn:${local.partition}:iam::${local.account}:policy/loglode-${name}-*" } }
    },
    {
      Sid       = "GiveRolesToServices"
      Effect    = "Allow"
      Action    = "iam:PassRole"
      Resource  = "arn:${local.partition}:iam::${local.account}:role/loglode-${name}-*"
      Condition = { StringEquals = { "iam:PassedToService" = ["lambda.amazonaws.com", "glue.amazonaws.com", "states.amazonaws.com", "firehose.amazonaws.com", "events.amazonaws.com"] } }
    },
    {
      # Lambda lets itself read the repository when a function of its image is made.
      Sid      = "LetLambdaReadImage"
      Effect   = "Allow"
      Action   = ["ecr:GetRepositoryPolicy", "ecr:SetRepositoryPolicy"]
      Resource = aws_ecr_repository.image.arn
    },
  ] }
}

resource "aws_iam_role" "workflow" {
  for_each = local.workflows

  name = "loglode-github-${each.key}"

  assume_role_policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect    = "Allow"
      Action    = "sts:AssumeRoleWithWebIdentity"
      Principal = { Federated = var.oidc_provider_arn == null ? aws_iam_openid_connect_provider.github[var.repository].arn : var.oidc_provider_arn }
      Condition = {
        StringEquals = {
          "token.actions.githubusercontent.com:aud" = "sts.amazonaws.com"
          "token.actions.githubusercontent.com:sub" = "repo:${var.repository}:environment:${each.value.subject}"
        }
      }
    }]
  })
}

resource "aws_iam_role_policy" "workflow" {
  for_each = local.workflows

  name   = "workflow"
  role   = aws_iam_role.workflow[each.key].id
  policy = jsonencode({ Version = "2012-10-17", Statement = each.value.statements })
}
