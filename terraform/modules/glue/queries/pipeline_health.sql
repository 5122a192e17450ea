-- Every batch of the last 7 days: lines, refusals, delay to gold.
select started_at, batch_id, kind, lines_read, rows_silver, lines_quarantined, duplicates, refused_share,
       bronze_to_gold_seconds, freshness_seconds, engine
from pipeline_metrics
where date >= date_add('day', -7, current_date)
order by started_at desc
