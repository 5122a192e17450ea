variable "region" {
  description = "Region of the environment. A change recreates everything in the new region."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}(-[a-z]+)+-[0-9]+$", var.region))
    error_message = "A region such as us-east-1."
  }
}

variable "image_uri" {
  description = "Container image of the functions: ACCOUNT.dkr.ecr.REGION.amazonaws.com/loglode@sha256:DIGEST."
  type        = string
}

variable "wheel" {
  description = "File name of the package's wheel, as `dev.py package` prints it."
  type        = string
}

variable "glue_python_modules" {
  description = "Text of dist/glue/modules.txt."
  type        = string
}

variable "alert_emails" {
  description = "Addresses that alerts go to."
  type        = list(string)
  default     = []
}

variable "kms_key_arn" {
  description = "KMS key for everything that is stored; null: keys that AWS owns."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role; null: none."
  type        = string
  default     = null
}

variable "access_log_bucket" {
  description = "Bucket for the access logs of the lake; null: no access logs."
  type        = string
  default     = null
}

variable "has_reserved_concurrency" {
  description = "Whether the account's limit of concurrent functions lets some be reserved; that of a new account does not."
  type        = bool
  default     = true
}

variable "bronze_expire_days" {
  description = "Days until raw logs are deleted; null: never."
  type        = number
  default     = null
}

variable "has_firehose" {
  description = "Whether there is a Firehose stream into bronze."
  type        = bool
  default     = false
}
