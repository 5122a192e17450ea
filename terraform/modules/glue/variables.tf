variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "database" {
  description = "Name of the catalog's database."
  type        = string

  validation {
    condition     = can(regex("^[a-z0-9_]+$", var.database))
    error_message = "Lower-case letters, digits and underscores: Athena takes others in quotes only."
  }
}

variable "bucket" {
  description = "Name of the lake's bucket."
  type        = string
}

variable "catalog_file" {
  description = "Path of the tables' description, made from the contract and the models."
  type        = string
}

variable "job_role_arn" {
  description = "Role of the jobs."
  type        = string
}

variable "crawler_role_arn" {
  description = "Role of the crawler."
  type        = string
}

variable "key_secret_arn" {
  description = "Secret with the pseudonymisation key."
  type        = string
}

variable "kms_key_arn" {
  description = "KMS key for objects, logs and bookmarks; null: keys that AWS owns."
  type        = string
  default     = null
}

variable "artifacts_prefix" {
  description = "Where in the bucket the jobs' scripts and the wheel are."
  type        = string
  default     = "artifacts"
}

variable "wheel" {
  description = "File name of the package's wheel below the artifacts."
  type        = string

  validation {
    condition     = can(regex("^loglode-[A-Za-z0-9.]+-py3-none-any\\.whl$", var.wheel))
    error_message = "The name that `dev.py package` prints: loglode-VERSION-py3-none-any.whl."
  }
}

variable "python_modules" {
  description = "Modules that Glue has to install, pinned, with commas between: what `dev.py package` writes to dist/glue/modules.txt."
  type        = string
}

variable "worker_type" {
  description = "Size of a worker."
  type        = string
  default     = "G.1X"

  validation {
    condition     = contains(["G.1X", "G.2X", "G.4X", "G.8X"], var.worker_type)
    error_message = "G.1X, G.2X, G.4X or G.8X."
  }
}

variable "max_workers" {
  description = "Most workers of a run; it takes as many as it can use."
  type        = number
  default     = 10

  validation {
    condition     = var.max_workers >= 2
    error_message = "At least 2."
  }
}

variable "max_concurrent_runs" {
  description = "Runs of a job at once."
  type        = number
  default     = 3

  validation {
    condition     = var.max_concurrent_runs >= 1
    error_message = "At least 1."
  }
}

variable "timeout_minutes" {
  description = "Minutes after which a run is stopped; less than the state machine waits."
  type        = number
  default     = 230

  validation {
    condition     = var.timeout_minutes >= 10 && var.timeout_minutes < 240
    error_message = "10 to 239: the state machine waits 240 minutes."
  }
}

variable "slow_minutes" {
  description = "Minutes after which a run counts as slow and raises an alarm."
  type        = number
  default     = 90

  validation {
    condition     = var.slow_minutes >= 1
    error_message = "At least 1."
  }
}

variable "crawler_schedule" {
  description = "When the crawler runs, as cron(...); null: only when it is started."
  type        = string
  default     = null
}

variable "athena_scan_limit_bytes" {
  description = "Bytes that one query may scan."
  type        = number
  default     = 107374182400

  validation {
    condition     = var.athena_scan_limit_bytes >= 10485760
    error_message = "Athena's least is 10 MiB."
  }
}

variable "force_destroy" {
  description = "Whether destroying the workgroup deletes its history."
  type        = bool
  default     = false
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
