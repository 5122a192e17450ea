# The whole pipeline. Parts refer to each other in circles (a role names a function, which has the role),
# so names are fixed here, and ARNs follow from them.

data "aws_caller_identity" "current" {}

data "aws_partition" "current" {}

locals {
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  bucket    = "${var.name}-lake-${local.account}"
  database  = replace(var.name, "-", "_")
  jobs      = ["${var.name}-bronze-silver", "${var.name}-silver-gold"]
  arn       = { for service in ["sqs", "states", "lambda"] : service => "arn:${local.partition}:${service}:${var.region}:${local.account}" }
  machine   = "${local.arn.states}:stateMachine:${var.name}"
  transform = "${local.arn.lambda}:function:${var.name}-transform"

  trigger_timeout = 60
}

module "iam" {
  source = "../iam"

  name                     = var.name
  partition                = local.partition
  region                   = var.region
  account_id               = local.account
  bucket                   = local.bucket
  database                 = local.database
  workgroup                = var.name
  queue_arn                = "${local.arn.sqs}:${var.name}-bronze"
  dead_queue_arn           = "${local.arn.sqs}:${var.name}-bronze-dead"
  state_machine_arn        = local.machine
  transform_function_arn   = local.transform
  job_names                = local.jobs
  key_secret_arn           = var.key_secret_arn
  kms_key_arn              = var.kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
}

module "s3" {
  source = "../s3"

  bucket_name         = local.bucket
  queue_arn           = module.lambda.queue_arn
  kms_key_arn         = var.kms_key_arn
  access_log_bucket   = var.access_log_bucket
  force_destroy       = var.is_disposable
  bronze_ia_days      = var.bronze_ia_days
  bronze_glacier_days = var.bronze_glacier_days
  bronze_expire_days  = var.bronze_expire_days
}

module "lambda" {
  source = "../lambda"

  name                  = var.name
  image_uri             = var.image_uri
  bucket                = local.bucket
  trigger_role_arn      = module.iam.role_arns["trigger"]
  transform_role_arn    = module.iam.role_arns["transform"]
  state_machine_arn     = local.machine
  database              = local.database
  key_secret_arn        = var.key_secret_arn
  kms_key_arn           = var.kms_key_arn
  trigger_timeout       = local.trigger_timeout
  trigger_concurrency   = var.trigger_concurrency
  transform_memory      = var.transform_memory
  transform_disk        = var.transform_disk
  transform_concurrency = var.transform_concurrency
  batch_window_seconds  = var.batch_window_seconds
  upkeep_schedule       = var.upkeep_schedule
  openlineage           = var.openlineage
  log_level             = var.log_level
  log_retention_days    = var.log_retention_days
}

module "glue" {
  source = "../glue"

  name             = var.name
  database         = local.database
  bucket           = local.bucket
  catalog_file     = "${path.module}/../../catalog.json"
  job_role_arn     = module.iam.role_arns["glue"]
  crawler_role_arn = module.iam.role_arns["crawler"]
  key_secret_arn   = var.key_secret_arn
  kms_key_arn      = var.kms_key_arn
  wheel            = var.wheel
  python_modules   = var.glue_python_modules
  worker_type      = var.glue_worker_type
  max_workers      = var.glue_max_workers
  crawler_schedule = var.crawler_schedule
  openlineage      = var.openlineage
  force_destroy    = var.is_disposable
}

module "step_functions" {
  source = "../step_functions"

  name     = var.name
  role_arn = module.iam.role_arns["states"]
  definition_values = {
    transform_function = module.lambda.function_arns["transform"]
    bronze_silver_job  = module.glue.job_names["bronze_silver"]
    silver_gold_job    = module.glue.job_names["silver_gold"]
    crawler            = module.glue.crawler_name
    max_lambda_bytes   = var.max_lambda_bytes
  }
  log_level          = var.states_log_level
  log_retention_days = var.log_retention_days
  kms_key_arn        = var.kms_key_arn
}

module "monitoring" {
  source = "../monitoring"

  name               = var.name
  region             = var.region
  account_id         = local.account
  alert_emails       = var.alert_emails
  state_machine_arn  = local.machine
  function_names     = module.lambda.function_names
  function_timeouts  = { trigger = local.trigger_timeout, transform = 900 }
  log_group_names    = module.lambda.log_group_names
  queue_name         = module.lambda.queue_name
  dead_queue_name    = module.lambda.dead_queue_name
  job_names          = local.jobs
  crawler_name       = var.name
  service            = "transform"
  lake               = "s3://${local.bucket}"
  alarms             = var.alarms
  monthly_budget_usd = var.monthly_budget_usd
  cost_tag           = var.cost_tag
  kms_key_arn        = var.kms_key_arn
}
