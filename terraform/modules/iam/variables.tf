variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "partition" {
  description = "Partition of the account: aws, aws-cn, aws-us-gov."
  type        = string
  default     = "aws"
}

variable "region" {
  description = "Region of the pipeline."
  type        = string
}

variable "account_id" {
  description = "Number of the account."
  type        = string

  validation {
    condition     = can(regex("^[0-9]{12}$", var.account_id))
    error_message = "12 digits."
  }
}

variable "bucket" {
  description = "Name of the lake's bucket."
  type        = string
}

variable "database" {
  description = "Name of the catalog's database."
  type        = string
}

variable "workgroup" {
  description = "Name of Athena's workgroup."
  type        = string
}

variable "queue_arn" {
  description = "Queue of new objects."
  type        = string
}

variable "dead_queue_arn" {
  description = "Dead-letter queue."
  type        = string
}

variable "state_machine_arn" {
  description = "The state machine."
  type        = string
}

variable "transform_function_arn" {
  description = "The function that the state machine calls."
  type        = string
}

variable "job_names" {
  description = "Names of the Glue jobs."
  type        = list(string)
}

variable "key_secret_arn" {
  description = "Secret with the pseudonymisation key."
  type        = string
}

variable "kms_key_arn" {
  description = "KMS key of the lake; null: none of its own."
  type        = string
  default     = null
}

variable "permissions_boundary_arn" {
  description = "Policy that bounds every role, where the account wants one; null: none."
  type        = string
  default     = null
}
