variable "name" {
  description = "Prefix of every name, one for each environment."
  type        = string

  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{2,31}$", var.name))
    error_message = "3 to 32 lower-case letters, digits and hyphens."
  }
}

variable "region" {
  description = "Region of the pipeline, the same as the provider's."
  type        = string
}

variable "image_uri" {
  description = "Container image of the functions, best with its digest."
  type        = string
}

variable "key_secret_arn" {
  description = "Secret with the pseudonymisation key."
  type        = string
}

variable "wheel" {
  description = "File name of the package's wheel below artifacts/ in the bucket."
  type        = string
}

variable "glue_python_modules" {
  description = "What `dev.py package` writes to dist/glue/modules.txt."
  type        = string
}

variable "is_disposable" {
  description = "Whether destroying deletes the data and the key as well: for development alone."
  type        = bool
  default     = false
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

variable "bronze_ia_days" {
  description = "Days until raw logs go to STANDARD_IA."
  type        = number
  default     = 30
}

variable "bronze_glacier_days" {
  description = "Days until raw logs go to Glacier Instant Retrieval."
  type        = number
  default     = 90
}

variable "bronze_expire_days" {
  description = "Days until raw logs are deleted; null: never."
  type        = number
  default     = null
}

variable "trigger_concurrency" {
  description = "Reserved concurrency of the trigger; -1: none, as new accounts need it."
  type        = number
  default     = 2
}

variable "transform_memory" {
  description = "MB of memory of the transform."
  type        = number
  default     = 3008
}

variable "transform_disk" {
  description = "MB of temporary disk of the transform."
  type        = number
  default     = 4096
}

variable "transform_concurrency" {
  description = "Reserved concurrency of the transform; -1: none, as new accounts need it."
  type        = number
  default     = 5
}

variable "batch_window_seconds" {
  description = "Seconds that the queue waits for a batch to fill."
  type        = number
  default     = 60
}

variable "max_lambda_bytes" {
  description = "Batches of more bytes, as they are stored, go to Glue."
  type        = number
  default     = 500000000

  validation {
    condition     = var.max_lambda_bytes >= 1000000
    error_message = "At least 1 MB."
  }
}

variable "glue_worker_type" {
  description = "Size of a worker of Glue."
  type        = string
  default     = "G.1X"
}

variable "glue_max_workers" {
  description = "Most workers of a run."
  type        = number
  default     = 10
}

variable "upkeep_schedule" {
  description = "When the lake's maintenance runs, as rate(...) or cron(...)."
  type        = string
  default     = "rate(1 day)"
}

variable "crawler_schedule" {
  description = "When the crawler runs, as cron(...); null: only when it is started."
  type        = string
  default     = null
}

variable "has_firehose" {
  description = "Whether there is a Firehose stream into bronze, for senders of single lines."
  type        = bool
  default     = false
}

variable "firehose_seconds" {
  description = "Seconds that the stream gathers lines."
  type        = number
  default     = 300

  validation {
    condition     = var.firehose_seconds >= 60 && var.firehose_seconds <= 900
    error_message = "60 to 900 seconds: less makes objects that are too small."
  }
}

variable "log_level" {
  description = "Level of the functions' logs."
  type        = string
  default     = "INFO"
}

variable "states_log_level" {
  description = "Which events of executions are logged: ALL, ERROR, FATAL or OFF."
  type        = string
  default     = "ERROR"
}

variable "log_retention_days" {
  description = "Retention of the logs in days."
  type        = number
  default     = 30
}

variable "alert_emails" {
  description = "Addresses that alerts go to."
  type        = list(string)
  default     = []
}

variable "alarms" {
  description = "What replaces values of ../monitoring/alarms.yaml in this environment: threshold, period, periods, by the alarm's name."
  type        = map(object({ threshold = optional(number), period = optional(number), periods = optional(number) }))
  default     = {}
}

variable "monthly_budget_usd" {
  description = "Budget of a month in USD."
  type        = number

  validation {
    condition     = var.monthly_budget_usd > 0
    error_message = "More than nothing."
  }
}

variable "cost_tag" {
  description = "Tag whose costs the budget counts."
  type        = object({ key = string, value = string })
}

variable "openlineage" {
  description = "Where OpenLineage events go, https://host or s3://bucket/prefix; none are made without."
  type        = string
  default     = null

  validation {
    condition     = can(regex("^(https?|s3)://", coalesce(var.openlineage, "s3://")))
    error_message = "https://host[:port] or s3://bucket/prefix."
  }
}
