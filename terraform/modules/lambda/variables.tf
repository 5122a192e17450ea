variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "image_uri" {
  description = "Container image of both functions in this account's ECR, with its digest."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}\\.dkr\\.ecr\\.[a-z0-9-]+\\.amazonaws\\.com(\\.cn)?/[a-z0-9._/-]+(@sha256:[0-9a-f]{64}|:[A-Za-z0-9._-]+)$", var.image_uri))
    error_message = "An image of ECR: ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME@sha256:DIGEST or :TAG."
  }
}

variable "bucket" {
  description = "Name of the lake's bucket."
  type        = string
}

variable "trigger_role_arn" {
  description = "Role of the trigger."
  type        = string
}

variable "transform_role_arn" {
  description = "Role of the transform."
  type        = string
}

variable "state_machine_arn" {
  description = "The state machine that the trigger starts."
  type        = string
}

variable "key_secret_arn" {
  description = "Secret with the pseudonymisation key."
  type        = string
}

variable "database" {
  description = "The catalog's database: the last step of a batch looks whether it knows all tables."
  type        = string
}

variable "upkeep_schedule" {
  description = "When the lake's maintenance runs, as rate(...) or cron(...)."
  type        = string
  default     = "rate(1 day)"

  validation {
    condition     = can(regex("^(rate|cron)\\(.+\\)$", var.upkeep_schedule))
    error_message = "rate(...) or cron(...)."
  }
}

variable "kms_key_arn" {
  description = "KMS key for objects, logs and environment; null: keys that AWS owns."
  type        = string
  default     = null
}

variable "trigger_timeout" {
  description = "Seconds that the trigger may take; it looks at each object of a batch."
  type        = number
  default     = 60

  validation {
    condition     = var.trigger_timeout >= 10 && var.trigger_timeout <= 900
    error_message = "10 to 900 seconds."
  }
}

variable "trigger_concurrency" {
  description = "Reserved concurrency of the trigger, at least 2; -1: none reserved."
  type        = number
  default     = 2

  validation {
    condition     = var.trigger_concurrency == -1 || var.trigger_concurrency >= 2
    error_message = "-1, or at least the 2 that the queue may call."
  }
}

variable "transform_memory" {
  description = "MB of memory of the transform; processors come with it, one for each 1769."
  type        = number
  default     = 3008

  validation {
    condition     = var.transform_memory >= 1024 && var.transform_memory <= 10240
    error_message = "1024 to 10240 MB."
  }
}

variable "transform_disk" {
  description = "MB of temporary disk of the transform; a batch may fill a quarter of it."
  type        = number
  default     = 4096

  validation {
    condition     = var.transform_disk >= 512 && var.transform_disk <= 10240
    error_message = "512 to 10240 MB."
  }
}

variable "transform_concurrency" {
  description = "Reserved concurrency of the transform: as many batches at once, and the limit of what it can cost; -1: none."
  type        = number
  default     = 5

  validation {
    condition     = var.transform_concurrency == -1 || var.transform_concurrency >= 1
    error_message = "-1 or at least 1."
  }
}

variable "batch_size" {
  description = "Messages that the trigger takes at once."
  type        = number
  default     = 200

  validation {
    condition     = var.batch_size >= 1 && var.batch_size <= 10000
    error_message = "1 to 10000."
  }
}

variable "batch_window_seconds" {
  description = "Seconds that the queue waits for a batch to fill: longer means fewer, larger commits."
  type        = number
  default     = 60

  validation {
    condition     = var.batch_window_seconds >= 1 && var.batch_window_seconds <= 300
    error_message = "1 to 300 seconds."
  }
}

variable "max_receives" {
  description = "Deliveries of a message until it goes to the dead-letter queue."
  type        = number
  default     = 5

  validation {
    condition     = var.max_receives >= 2
    error_message = "At least 2: a message may meet a throttled function."
  }
}

variable "log_level" {
  description = "Level of the functions' logs."
  type        = string
  default     = "INFO"

  validation {
    condition     = contains(["DEBUG", "INFO", "WARNING", "ERROR"], var.log_level)
    error_message = "DEBUG, INFO, WARNING or ERROR."
  }
}

variable "log_retention_days" {
  description = "Retention of the logs in days."
  type        = number
  default     = 30
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
