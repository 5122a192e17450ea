variable "name" {
  description = "Prefix of every name."
  type        = string
}

variable "kms_key_arn" {
  description = "KMS key that encrypts the secret; null: the account's own for secrets."
  type        = string
  default     = null
}

variable "is_disposable" {
  description = "Whether destroying deletes the key at once; otherwise it can be restored for 30 days."
  type        = bool
  default     = false
}
