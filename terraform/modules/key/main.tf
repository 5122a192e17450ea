# The pseudonymisation key: AWS generates it, Terraform writes it once, and no plan or state contains it.
ephemeral "aws_secretsmanager_random_password" "pseudonyms" {
  password_length     = 43
  exclude_punctuation = true
}

resource "aws_secretsmanager_secret" "pseudonyms" {
  #checkov:skip=CKV2_AWS_57:a new key changes all pseudonyms, and visitors are counted twice; only people change it, on purpose
  name                    = "${var.name}-pseudonyms"
  description             = "Pseudonymisation key. A new key changes all pseudonyms: old and new visitors no longer match."
  kms_key_id              = var.kms_key_arn
  recovery_window_in_days = var.is_disposable ? 0 : 30
}

resource "aws_secretsmanager_secret_version" "pseudonyms" {
  secret_id                = aws_secretsmanager_secret.pseudonyms.id
  secret_string_wo         = ephemeral.aws_secretsmanager_random_password.pseudonyms.random_password
  secret_string_wo_version = 1
}
