# What is chosen for dev, by hand and by the workflow alike: commit it.
# permissions_boundary_arn = "arn:aws:iam::ACCOUNT:policy/loglode-boundary-dev" # where GitHub deploys
# has_reserved_concurrency = false                                            # a new account
# bronze_expire_days       = 400
# kms_key_arn              = "arn:aws:kms:REGION:ACCOUNT:key/ID"
# access_log_bucket        = "NAME"
# has_firehose             = true
