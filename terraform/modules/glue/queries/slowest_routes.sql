-- The routes that cost visitors most time in the last 7 days.
select method, route, sum(requests) as requests, max(p95_response_time_ms) as worst_p95_ms,
       sum(avg_response_time_ms * timed_requests) / sum(timed_requests) as avg_ms
from route_metrics
where date >= date_add('day', -7, current_date) and timed_requests > 0
group by method, route
order by sum(avg_response_time_ms * timed_requests) desc
limit 50
