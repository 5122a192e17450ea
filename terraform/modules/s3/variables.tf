variable "bucket_name" {
  description = "Name of the lake's bucket, unique in the world."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9][a-z0-9-]{1,61}[a-z0-9]$", var.bucket_name))
    error_message = "3 to 63 lower-case letters, digits and hyphens."
  }
}

variable "queue_arn" {
  description = "ARN of the queue that receives the events of new objects in bronze; its policy must let the bucket send."
  type        = string
}

variable "kms_key_arn" {
  description = "ARN of a KMS key that encrypts the lake; null: S3's own keys (AES256)."
  type        = string
  default     = null
}

variable "access_log_bucket" {
  description = "Name of a bucket for S3's access logs; null: no access logs."
  type        = string
  default     = null
}

variable "force_destroy" {
  description = "Whether destroying the bucket deletes all that is in it."
  type        = bool
  default     = false
}

variable "bronze_ia_days" {
  description = "Days until raw logs go to STANDARD_IA."
  type        = number
  default     = 30

  validation {
    condition     = var.bronze_ia_days >= 30
    error_message = "S3 moves nothing to STANDARD_IA before 30 days."
  }
}

variable "bronze_glacier_days" {
  description = "Days until raw logs go to Glacier Instant Retrieval."
  type        = number
  default     = 90

  validation {
    condition     = var.bronze_glacier_days >= var.bronze_ia_days + 30
    error_message = "At least 30 days after the move to STANDARD_IA."
  }
}

variable "bronze_expire_days" {
  description = "Days until raw logs are deleted; null: never."
  type        = number
  default     = null

  validation {
    condition     = var.bronze_expire_days == null ? true : var.bronze_expire_days > var.bronze_glacier_days
    error_message = "S3 wants raw logs to expire later than they cool down (bronze_glacier_days)."
  }
}

variable "noncurrent_days" {
  description = "Days for which deleted and replaced objects can be restored."
  type        = number
  default     = 30

  validation {
    condition     = var.noncurrent_days >= 1
    error_message = "At least 1 day."
  }
}

variable "gold_noncurrent_days" {
  description = "The same for gold, which each batch writes anew for its days, and which can be made again from silver."
  type        = number
  default     = 2

  validation {
    condition     = var.gold_noncurrent_days >= 1
    error_message = "At least 1 day."
  }
}

variable "quarantine_noncurrent_days" {
  description = "The same for rejected lines, which may contain personal data."
  type        = number
  default     = 1

  validation {
    condition     = var.quarantine_noncurrent_days >= 1 && var.quarantine_noncurrent_days <= 30
    error_message = "1 to 30 days: personal data must go."
  }
}

variable "temporary_days" {
  description = "Days until results of Athena and temporary files of Glue are deleted."
  type        = number
  default     = 7

  validation {
    condition     = var.temporary_days >= 1
    error_message = "At least 1 day."
  }
}
