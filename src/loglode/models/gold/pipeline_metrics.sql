-- grain: one row per batch
-- keys: batch_id, started_at
-- depends: runs, gold_starts
-- description: What each batch read and refused, and how long its steps took. lines_read = rows_silver +
--   lines_quarantined + duplicates + blank_lines.
-- columns:
--   date: day the batch started (UTC)
--   batch_id: identity of the batch: the same objects, loaded again once they were forgotten, have the same
--   kind: 'load' or 'replay'
--   started_at: when the batch started
--   finished_at: when its rows were committed to silver
--   objects: objects read
--   objects_skipped: objects already loaded before
--   lines_read: lines read
--   bytes_read: bytes read
--   rows_silver: rows added to silver
--   lines_quarantined: lines refused; negative where more lines leave quarantine than come
--   duplicates: lines whose event was there already
--   blank_lines: lines without text
--   refused_share: lines_quarantined / lines_read, 0 to 1; null for a replay and when nothing was read
--   read_seconds: lines to staged files, seconds
--   dedupe_seconds: removal of duplicates, seconds
--   commit_seconds: commit to silver, seconds
--   bronze_to_silver_seconds: started_at to finished_at, seconds
--   bronze_to_gold_seconds: started_at to the start of the gold run that counted the batch, seconds
--   freshness_seconds: time the oldest object was last written to the start of that gold run, seconds
--   lines_per_second: lines_read / bronze_to_silver_seconds; null when no time passed
--   engine: engine that transformed the batch
--   contract_version: version of the data contract
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with batches as (
    select
        runs.batch_id,
        runs.kind,
        runs.started_at,
        runs.finished_at,
        runs.objects,
        runs.objects_skipped,
        runs.lines_read,
        runs.bytes_read,
        runs.rows_silver,
        runs.lines_quarantined,
        runs.duplicates,
        runs.blank_lines,
        runs.read_seconds,
        runs.dedupe_seconds,
        runs.commit_seconds,
        cast(epoch_us(runs.finished_at) - epoch_us(runs.started_at) as double) / 1000000 as bronze_to_silver_seconds,
        cast(epoch_us(gold_starts.gold_started_at) - epoch_us(runs.started_at) as double) / 1000000
            as bronze_to_gold_seconds,
        cast(epoch_us(gold_starts.gold_started_at) - epoch_us(runs.oldest_object_at) as double) / 1000000
            as freshness_seconds,
        runs.engine,
        runs.contract_version,
        make_date(runs.year, runs.month, runs.day) as date,
        runs.year,
        runs.month,
        runs.day
    from runs
    inner join gold_starts on runs.batch_id = gold_starts.batch_id and runs.started_at = gold_starts.started_at
)

select
    date,
    batch_id,
    kind,
    started_at,
    finished_at,
    objects,
    objects_skipped,
    lines_read,
    bytes_read,
    rows_silver,
    lines_quarantined,
    duplicates,
    blank_lines,
    case when kind = 'load' then cast(greatest(lines_quarantined, 0) as double) / nullif(lines_read, 0) end as refused_share,
    read_seconds,
    dedupe_seconds,
    commit_seconds,
    bronze_to_silver_seconds,
    bronze_to_gold_seconds,
    freshness_seconds,
    lines_read / nullif(bronze_to_silver_seconds, 0) as lines_per_second,
    engine,
    contract_version,
    cast(year as integer) as year,
    cast(month as integer) as month,
    cast(day as integer) as day
from batches
