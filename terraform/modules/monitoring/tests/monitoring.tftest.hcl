mock_provider "aws" {
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_resource "aws_sns_topic" {
    defaults = { arn = "arn:aws:sns:us-east-1:123456789012:loglode-test-alerts" }
  }
}

variables {
  name               = "loglode-test"
  region             = "us-east-1"
  account_id         = "123456789012"
  alert_emails       = ["ops@example.com"]
  state_machine_arn  = "arn:aws:states:us-east-1:123456789012:stateMachine:loglode-test"
  function_names     = { trigger = "loglode-test-trigger", transform = "loglode-test-transform" }
  function_timeouts  = { trigger = 60, transform = 900 }
  log_group_names    = { trigger = "/aws/lambda/loglode-test-trigger", transform = "/aws/lambda/loglode-test-transform" }
  queue_name         = "loglode-test-bronze"
  dead_queue_name    = "loglode-test-bronze-dead"
  job_names          = ["loglode-test-bronze-silver", "loglode-test-silver-gold"]
  crawler_name       = "loglode-test"
  service            = "transform"
  lake               = "s3://loglode-test-lake"
  monthly_budget_usd = 50
  cost_tag           = { key = "project", value = "loglode-test" }
}

run "every_failure_has_an_alarm" {
  assert {
    condition     = keys(aws_cloudwatch_metric_alarm.alarm) == keys(yamldecode(file("./alarms.yaml")))
    error_message = "Every declared alarm is created."
  }

  assert {
    condition     = alltrue([for a in aws_cloudwatch_metric_alarm.alarm : a.alarm_actions == toset([aws_sns_topic.alerts.arn])])
    error_message = "Every alarm reaches somebody."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.alarm["dead-letters"].dimensions.QueueName == var.dead_queue_name && aws_cloudwatch_metric_alarm.alarm["dead-letters"].threshold == 0
    error_message = "The first dead letter raises an alarm."
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.alarm["freshness"].treat_missing_data == "breaching" &&
      aws_cloudwatch_metric_alarm.alarm["freshness"].evaluation_periods * aws_cloudwatch_metric_alarm.alarm["freshness"].period == 6 * 3600
    )
    error_message = "No commit to gold for six hours is a failure."
  }

  assert {
    condition     = alltrue([for name, a in aws_cloudwatch_metric_alarm.alarm : a.treat_missing_data == "notBreaching" if name != "freshness"])
    error_message = "An idle pipeline is no failure."
  }

  assert {
    condition     = aws_cloudwatch_metric_alarm.alarm["transform-duration"].threshold == 810000
    error_message = "Fires at nine tenths of the time, in milliseconds."
  }
}

run "an_environment_replaces_what_it_names" {
  variables {
    alarms = { freshness = { periods = 24 }, refused-share = { threshold = 0.2 } }
  }

  assert {
    condition = (
      aws_cloudwatch_metric_alarm.alarm["freshness"].evaluation_periods == 24 &&
      aws_cloudwatch_metric_alarm.alarm["freshness"].period == 3600 &&
      aws_cloudwatch_metric_alarm.alarm["refused-share"].threshold == 0.2 &&
      aws_cloudwatch_metric_alarm.alarm["site-error-rate"].threshold == 0.1
    )
    error_message = "What is named changes, and nothing else."
  }
}

run "an_alarm_that_is_not_declared_is_refused" {
  command = plan

  variables {
    alarms = { no-such-alarm = { threshold = 1 } }
  }

  expect_failures = [var.alarms]
}

run "a_share_above_one_is_refused" {
  command = plan

  variables {
    alarms = { refused-share = { threshold = 5 } }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.alarm["refused-share"]]
}

run "an_alarm_cannot_look_back_more_than_a_day" {
  command = plan

  variables {
    alarms = { freshness = { periods = 25 } }
  }

  expect_failures = [aws_cloudwatch_metric_alarm.alarm["freshness"]]
}

run "anomaly" {
  assert {
    condition = (
      contains([for q in aws_cloudwatch_metric_alarm.alarm["requests-anomaly"].metric_query : q.expression], "ANOMALY_DETECTION_BAND(observed, 3)") &&
      contains(flatten([for q in aws_cloudwatch_metric_alarm.alarm["requests-anomaly"].metric_query : [for m in q.metric : m.metric_name]]), "LinesRead")
    )
    error_message = "Fewer lines than expected must raise an alarm."
  }
}

run "what_alarms_watch_is_made" {
  assert {
    condition = alltrue([
      for rule, r in aws_cloudwatch_event_rule.glue :
      aws_cloudwatch_metric_alarm.alarm[rule].dimensions.RuleName == r.name && aws_cloudwatch_event_target.glue[rule].rule == r.name
    ])
    error_message = "Alarms on events watch the rules; a rule without target is never triggered."
  }

  assert {
    condition = alltrue(flatten([
      for name, f in aws_cloudwatch_log_metric_filter.error_lines : [
        for t in f.metric_transformation :
        aws_cloudwatch_metric_alarm.alarm[name].metric_name == t.name && aws_cloudwatch_metric_alarm.alarm[name].namespace == t.namespace
      ]
    ]))
    error_message = "Alarms on logs watch what the filters count."
  }

  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.glue["glue-job-failed"].event_pattern).detail == {
        jobName = ["loglode-test-bronze-silver", "loglode-test-silver-gold"], state = ["FAILED", "TIMEOUT", "ERROR"]
      } &&
      jsondecode(aws_cloudwatch_event_rule.glue["crawler-failed"].event_pattern).detail == { crawlerName = ["loglode-test"], state = ["Failed"] }
    )
    error_message = "Every way to fail of our own jobs and crawler, as AWS spells it."
  }

  assert {
    condition = alltrue([
      for f in aws_cloudwatch_log_metric_filter.error_lines :
      alltrue([for term in ["ERROR", "Task timed out", "Runtime.ExitError", "Runtime.OutOfMemory"] : strcontains(f.pattern, term)])
    ])
    error_message = "Functions that Lambda ends write no line of ours."
  }
}

run "only_this_account_may_publish" {
  variables {
    kms_key_arn = "arn:aws:kms:us-east-1:123456789012:key/11111111-2222-3333-4444-555555555555"
  }

  assert {
    condition     = aws_sns_topic.alerts.kms_master_key_id == var.kms_key_arn
    error_message = "Alerts are encrypted with the key that is given."
  }

  assert {
    condition = alltrue([
      for s in jsondecode(aws_sns_topic_policy.alerts.policy).Statement :
      strcontains(s.Condition.ArnLike["aws:SourceArn"], ":123456789012:") && strcontains(s.Condition.ArnLike["aws:SourceArn"], "loglode-test-")
      if s.Effect == "Allow" && s.Sid != "FromEvents"
    ])
    error_message = "Services of other accounts may not publish."
  }
}

run "failed_executions_raise_an_alert_with_the_way_to_continue" {
  assert {
    condition = (
      jsondecode(aws_cloudwatch_event_rule.execution.event_pattern).detail.stateMachineArn == [var.state_machine_arn] &&
      jsondecode(aws_cloudwatch_event_rule.execution.event_pattern).detail.status == ["FAILED", "TIMED_OUT", "ABORTED"] &&
      aws_cloudwatch_event_target.execution.arn == aws_sns_topic.alerts.arn &&
      strcontains(aws_cloudwatch_event_target.execution.input_transformer[0].input_template, "redrive-execution")
    )
    error_message = "Every failed execution must raise an alert."
  }
}

run "budget" {
  assert {
    condition = (
      aws_budgets_budget.month.limit_amount == "50" &&
      toset(one([for f in aws_budgets_budget.month.cost_filter : f.values])) == toset(["user:project$loglode-test"]) &&
      toset([for n in aws_budgets_budget.month.notification : n.notification_type]) == toset(["ACTUAL", "FORECASTED"])
    )
    error_message = "The month's costs of this pipeline must raise an alert."
  }
}

run "dashboard" {
  assert {
    condition     = length(jsondecode(aws_cloudwatch_dashboard.pipeline.dashboard_body).widgets) == 12
    error_message = "Pipeline and site in one picture."
  }
}
