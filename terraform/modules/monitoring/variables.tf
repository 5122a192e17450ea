variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "region" {
  description = "Region of the pipeline."
  type        = string
}

variable "account_id" {
  description = "Number of the account."
  type        = string
}

variable "alert_emails" {
  description = "Addresses that alerts go to; each has to confirm once."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for address in var.alert_emails : can(regex("^[^@\\s]+@[^@\\s]+$", address))])
    error_message = "Addresses of e-mail."
  }
}

variable "state_machine_arn" {
  description = "The state machine."
  type        = string
}

variable "function_names" {
  description = "Names of the functions by their short names."
  type        = map(string)
}

variable "function_timeouts" {
  description = "Seconds that each function may take; the alarm speaks at nine tenths."
  type        = map(number)
}

variable "log_group_names" {
  description = "Log groups of the functions by their short names."
  type        = map(string)
}

variable "queue_name" {
  description = "Queue of new objects."
  type        = string
}

variable "dead_queue_name" {
  description = "Dead-letter queue."
  type        = string
}

variable "job_names" {
  description = "Names of the Glue jobs."
  type        = list(string)
}

variable "crawler_name" {
  description = "Name of the crawler."
  type        = string
}

variable "metric_namespace" {
  description = "Name space of the pipeline's own metrics."
  type        = string
  default     = "Loglode"
}

variable "service" {
  description = "Value of the dimension service of the pipeline's own metrics."
  type        = string
}

variable "lake" {
  description = "Value of the dimension lake: where the lake is."
  type        = string
}

variable "freshness_hours" {
  description = "Hours without a commit to gold until the alarm speaks."
  type        = number
  default     = 6

  validation {
    condition     = var.freshness_hours >= 1 && var.freshness_hours <= 24
    error_message = "1 to 24: an alarm looks back one day at most."
  }
}

variable "queue_age_seconds" {
  description = "Age of the oldest message until the alarm speaks."
  type        = number
  default     = 900
}

variable "refused_share" {
  description = "Share of refused lines of a batch, 0 to 1, above which the alarm speaks."
  type        = number
  default     = 0.05

  validation {
    condition     = var.refused_share > 0 && var.refused_share < 1
    error_message = "Between 0 and 1."
  }
}

variable "site_error_rate" {
  description = "Share of answers with status 400 or above, 0 to 1, above which the alarm speaks."
  type        = number
  default     = 0.1

  validation {
    condition     = var.site_error_rate > 0 && var.site_error_rate < 1
    error_message = "Between 0 and 1."
  }
}

variable "site_p95_ms" {
  description = "0.95 quantile of the site's response time in ms above which the alarm speaks."
  type        = number
  default     = 2000
}

variable "anomaly_width" {
  description = "Width of the band of expected values, in standard deviations."
  type        = number
  default     = 3
}

variable "monthly_budget_usd" {
  description = "Budget of a month; told at 80 % spent and when 100 % is foreseen."
  type        = number
}

variable "cost_tag" {
  description = "Tag whose costs the budget counts; it must be active as a cost allocation tag."
  type        = object({ key = string, value = string })
}

variable "kms_key_arn" {
  description = "KMS key of the topic; CloudWatch and EventBridge must be allowed to use it. Null: none."
  type        = string
  default     = null
}
