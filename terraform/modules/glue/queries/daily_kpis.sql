-- Traffic, visitors, errors and response times of the last 30 days.
select date, requests, human_visitors, sessions, error_rate, p50_response_time_ms, p95_response_time_ms, bot_requests
from daily_metrics
where date >= date_add('day', -30, current_date)
order by date desc
