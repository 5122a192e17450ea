variable "region" {
  description = "Region of the states and of the image."
  type        = string
  default     = "us-east-1"
}

variable "repository" {
  description = "GitHub repository whose workflows deploy, as OWNER/NAME; null: none, deploying is done by hand."
  type        = string
  default     = null

  validation {
    condition     = var.repository == null || can(regex("^[A-Za-z0-9._-]+/[A-Za-z0-9._-]+$", var.repository))
    error_message = "OWNER/NAME."
  }
}

variable "oidc_provider_arn" {
  description = "The account's OpenID Connect provider for GitHub, where it has one already; null: it is made."
  type        = string
  default     = null
}
