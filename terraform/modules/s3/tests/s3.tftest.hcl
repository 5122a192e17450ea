mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
}

variables {
  bucket_name = "loglode-test-lake"
  queue_arn   = "arn:aws:sqs:us-east-1:123456789012:loglode-test-bronze"
}

run "encrypted_private_and_versioned" {
  command = plan

  assert {
    condition     = one(one(aws_s3_bucket_server_side_encryption_configuration.lake.rule).apply_server_side_encryption_by_default).sse_algorithm == "AES256"
    error_message = "Objects must be encrypted."
  }

  assert {
    condition = alltrue([
      aws_s3_bucket_public_access_block.lake.block_public_acls,
      aws_s3_bucket_public_access_block.lake.block_public_policy,
      aws_s3_bucket_public_access_block.lake.ignore_public_acls,
      aws_s3_bucket_public_access_block.lake.restrict_public_buckets,
    ])
    error_message = "All four kinds of public access must be blocked."
  }

  assert {
    condition     = aws_s3_bucket_versioning.lake.versioning_configuration[0].status == "Enabled"
    error_message = "Deleted objects must be there for a while."
  }

  assert {
    condition     = aws_s3_bucket_ownership_controls.lake.rule[0].object_ownership == "BucketOwnerEnforced"
    error_message = "No access lists."
  }

  assert {
    condition     = aws_s3_bucket.lake.force_destroy == false
    error_message = "Destroying must not delete data unless it is asked for."
  }

  assert {
    condition     = length(aws_s3_bucket_logging.lake) == 0
    error_message = "Access logs only where a bucket is named."
  }
}

run "tls_only" {
  command = plan

  assert {
    condition = anytrue([
      for s in jsondecode(aws_s3_bucket_policy.lake.policy).Statement :
      s.Effect == "Deny" && s.Principal == "*" && try(s.Condition.Bool["aws:SecureTransport"], "") == "false" &&
      contains(s.Resource, "arn:aws:s3:::loglode-test-lake/*")
    ])
    error_message = "Requests without TLS must be denied."
  }
}

run "every_layer_has_a_lifecycle" {
  # Some of a rule is known only after it has been applied.
  command = apply

  assert {
    condition = toset([for r in aws_s3_bucket_lifecycle_configuration.lake.rule : r.id if r.status == "Enabled"]) == toset([
      "bronze", "quarantine", "silver", "gold", "ops", "artifacts", "manifests", "athena", "tmp", "incomplete-uploads",
    ])
    error_message = "A layer has no lifecycle."
  }

  assert {
    condition = toset(flatten([
      for r in aws_s3_bucket_lifecycle_configuration.lake.rule :
      [for t in r.transition : "${t.storage_class} ${t.days}"] if r.id == "bronze"
    ])) == toset(["STANDARD_IA 30", "GLACIER_IR 90"])
    error_message = "Raw logs go to IA, then to Glacier."
  }

  assert {
    condition = alltrue([
      for r in aws_s3_bucket_lifecycle_configuration.lake.rule :
      length(r.noncurrent_version_expiration) == 1 if r.id != "incomplete-uploads"
    ])
    error_message = "Old versions must go in every layer."
  }

  assert {
    condition = one([
      for r in aws_s3_bucket_lifecycle_configuration.lake.rule : r.noncurrent_version_expiration[0].noncurrent_days if r.id == "quarantine"
    ]) == 1
    error_message = "What was deleted from quarantine must go soon."
  }

  assert {
    condition = one([
      for r in aws_s3_bucket_lifecycle_configuration.lake.rule : r.noncurrent_version_expiration[0].noncurrent_days if r.id == "gold"
    ]) == 2
    error_message = "What batches replace in gold is most of what lies there, and must go soon."
  }

  # Expiring a table's objects by age would take files that the table's log still names.
  assert {
    condition = alltrue([
      for r in aws_s3_bucket_lifecycle_configuration.lake.rule :
      alltrue([for e in r.expiration : coalesce(e.days, 0) == 0])
      if contains(["silver", "gold", "ops", "quarantine"], r.id)
    ])
    error_message = "Current objects of tables must not expire by age."
  }
}

run "bronze_sends_events_to_the_queue" {
  command = plan

  assert {
    condition = (
      aws_s3_bucket_notification.bronze.queue[0].queue_arn == var.queue_arn &&
      aws_s3_bucket_notification.bronze.queue[0].filter_prefix == "bronze/" &&
      aws_s3_bucket_notification.bronze.queue[0].events == toset(["s3:ObjectCreated:*"])
    )
    error_message = "New objects of bronze, and no others, must reach the queue."
  }
}

run "kms_and_access_logs_by_variable" {
  command = plan

  variables {
    kms_key_arn       = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
    access_log_bucket = "audit-logs"
  }

  assert {
    condition = (
      one(one(aws_s3_bucket_server_side_encryption_configuration.lake.rule).apply_server_side_encryption_by_default).kms_master_key_id == var.kms_key_arn &&
      one(one(aws_s3_bucket_server_side_encryption_configuration.lake.rule).apply_server_side_encryption_by_default).sse_algorithm == "aws:kms" &&
      one(aws_s3_bucket_server_side_encryption_configuration.lake.rule).bucket_key_enabled
    )
    error_message = "The KMS key must be used."
  }

  assert {
    condition     = aws_s3_bucket_logging.lake["audit-logs"].target_prefix == "loglode-test-lake/"
    error_message = "Access logs go to the bucket that is named."
  }
}

run "a_bad_name_is_refused" {
  command = plan

  variables {
    bucket_name = "Loglode_Lake"
  }

  expect_failures = [var.bucket_name]
}
