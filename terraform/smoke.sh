#!/usr/bin/env bash
# One object in, one execution that succeeds, one table with a row: `terraform output -json pipeline` names the places.
# Usage: smoke.sh PIPELINE.json
set -euo pipefail

pipeline=${1:?the file that terraform output -json pipeline was written to}
bucket=$(jq -er .bucket "$pipeline")
machine=$(jq -er .state_machine_arn "$pipeline")
workgroup=$(jq -er .workgroup "$pipeline")
database=$(jq -er .database "$pipeline")
minutes=${LOGLODE_SMOKE_MINUTES:-15}

started=$(date -u +%Y-%m-%dT%H:%M:%SZ)
key="bronze/smoke/$started.json"
printf '{"timestamp":"%s","method":"GET","path":"/smoke","status":200,"response_time_ms":5,"remote_addr":"192.0.2.1"}\n' \
  "$started" | aws s3 cp --only-show-errors - "s3://$bucket/$key"
echo "s3://$bucket/$key is there; waiting for an execution"

# The execution whose manifest names the object: others' may start in the same moment.
execution_of() {
  local arn manifest
  # The newest come first.
  for arn in $(aws stepfunctions list-executions --state-machine-arn "$machine" --max-items 20 \
    --query "executions[].executionArn" --output text); do
    [[ $arn == arn:* ]] || continue
    manifest=$(aws stepfunctions describe-execution --execution-arn "$arn" --query input --output text | jq -r .manifest)
    if [[ $(aws s3 cp --only-show-errors "$manifest" -) == *"$key"* ]]; then echo "$arn"; return; fi
  done
}

execution='' status=''
for ((i = 0; i < 4 * minutes; i++)); do
  execution=${execution:-$(execution_of)}
  [ -z "$execution" ] || status=$(aws stepfunctions describe-execution --execution-arn "$execution" --query status --output text)
  case $status in
    SUCCEEDED) break ;;
    FAILED | TIMED_OUT | ABORTED) echo "the execution ended $status" >&2; exit 1 ;;
  esac
  sleep 15
done
[ "$status" = SUCCEEDED ] || { echo "no execution ended within $minutes minutes" >&2; exit 1; }

query=$(aws athena start-query-execution --work-group "$workgroup" --query-execution-context "Database=$database" \
  --query-string "select coalesce(sum(requests), 0) from daily_metrics" --query QueryExecutionId --output text)
until state=$(aws athena get-query-execution --query-execution-id "$query" \
  --query QueryExecution.Status.State --output text); [[ $state =~ ^(SUCCEEDED|FAILED|CANCELLED)$ ]]; do
  sleep 2
done
requests=$(aws athena get-query-results --query-execution-id "$query" \
  --query 'ResultSet.Rows[1].Data[0].VarCharValue' --output text)
if [[ $state == SUCCEEDED && $requests =~ ^[1-9][0-9]*$ ]]; then
  echo "daily_metrics counts $requests requests"
else
  echo "daily_metrics: $state, $requests" >&2
  exit 1
fi
