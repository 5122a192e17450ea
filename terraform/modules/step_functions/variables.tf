variable "name" {
  description = "Name of the state machine."
  type        = string
}

variable "role_arn" {
  description = "Role of the state machine."
  type        = string
}

variable "definition_values" {
  description = "Values for the names in the template."
  type        = map(string)
}

variable "log_level" {
  description = "Which events of executions are logged: ALL, ERROR, FATAL or OFF."
  type        = string
  default     = "ERROR"

  validation {
    condition     = contains(["ALL", "ERROR", "FATAL", "OFF"], var.log_level)
    error_message = "ALL, ERROR, FATAL or OFF."
  }
}

variable "log_execution_data" {
  description = "Whether logs hold inputs and outputs; they name objects and counts, never log lines."
  type        = bool
  default     = true
}

variable "log_retention_days" {
  description = "Retention of the logs in days."
  type        = number
  default     = 30
}

variable "kms_key_arn" {
  description = "KMS key for logs and executions; null: keys that AWS owns."
  type        = string
  default     = null
}
