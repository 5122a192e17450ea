-- How conversion depends on the response time, last 30 days.
select goal, response_time_band, sum(human_sessions) as sessions, sum(conversions) as conversions,
       cast(sum(conversions) as double) / sum(human_sessions) as conversion_rate
from conversion_metrics
where date >= date_add('day', -30, current_date)
group by goal, response_time_band
having sum(human_sessions) > 0
order by goal, response_time_band
