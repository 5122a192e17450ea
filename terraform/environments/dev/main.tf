terraform {
  required_version = ">= 1.11"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = ">= 5.100, < 7.0"
    }
  }

  # The bucket and its region are given to `terraform init`: docs/deploy.md.
  backend "s3" {
    key          = "loglode/dev/terraform.tfstate"
    encrypt      = true
    use_lockfile = true
  }
}

provider "aws" {
  region = var.region

  default_tags {
    tags = local.tags
  }
}

locals {
  name = "loglode-dev"
  tags = { project = "loglode", environment = "dev", pipeline = local.name }
}

module "key" {
  source = "../../modules/key"

  name          = local.name
  kms_key_arn   = var.kms_key_arn
  is_disposable = true
}

module "pipeline" {
  source = "../../modules/pipeline"

  name                     = local.name
  region                   = var.region
  key_secret_arn           = module.key.arn
  image_uri                = var.image_uri
  wheel                    = var.wheel
  glue_python_modules      = var.glue_python_modules
  alert_emails             = var.alert_emails
  kms_key_arn              = var.kms_key_arn
  permissions_boundary_arn = var.permissions_boundary_arn
  access_log_bucket        = var.access_log_bucket
  cost_tag                 = { key = "pipeline", value = local.name }

  # Small, and gone without a trace when it is destroyed.
  is_disposable         = true
  bronze_expire_days    = 120
  transform_concurrency = var.has_reserved_concurrency ? 2 : -1
  trigger_concurrency   = var.has_reserved_concurrency ? 2 : -1
  glue_max_workers      = 4
  log_level             = "DEBUG"
  states_log_level      = "ALL"
  log_retention_days    = 14
  alarms                = { freshness = { periods = 24 } }
  monthly_budget_usd    = 25
}
