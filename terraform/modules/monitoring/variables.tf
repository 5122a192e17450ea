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
  description = "Seconds that each function may take; an alarm watches for nine tenths of them."
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

variable "alarms" {
  description = "Thresholds (in the alarm's own unit), seconds of a period and numbers of periods that replace those of alarms.yaml, by the alarm's name."
  type        = map(object({ threshold = optional(number), period = optional(number), periods = optional(number) }))
  default     = {}

  validation {
    condition     = length(setsubtract(keys(var.alarms), keys(local.declared))) == 0
    error_message = "Not in alarms.yaml: ${join(", ", setsubtract(keys(var.alarms), keys(local.declared)))}."
  }
}

variable "monthly_budget_usd" {
  description = "Budget of a month in USD; alerts at 80 % spent and when the forecast reaches 100 %."
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
