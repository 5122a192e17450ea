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
    key          = "loglode/prod/terraform.tfstate"
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
  name = "loglode-prod"
  tags = { project = "loglode", environment = "prod", pipeline = local.name }
}

# Refuses `terraform destroy` as a whole. Without it Terraform would delete everything except the full bucket.
resource "terraform_data" "guard" {
  lifecycle {
    prevent_destroy = true
  }
}

module "key" {
  source = "../../modules/key"

  name        = local.name
  kms_key_arn = var.kms_key_arn
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

  bronze_expire_days    = var.bronze_expire_days
  transform_concurrency = var.has_reserved_concurrency ? 10 : -1
  trigger_concurrency   = var.has_reserved_concurrency ? 2 : -1
  glue_max_workers      = 20
  states_log_level      = "ERROR"
  log_retention_days    = 90
  crawler_schedule      = "cron(0 4 ? * SUN *)"
  monthly_budget_usd    = 200
  has_firehose          = var.has_firehose
}
