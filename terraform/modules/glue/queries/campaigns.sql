-- Visits by referring site and campaign in the last 30 days.
select referrer_host, utm_source, utm_medium, utm_campaign, sum(human_requests) as requests, sum(errors) as errors
from referrer_metrics
where date >= date_add('day', -30, current_date)
group by referrer_host, utm_source, utm_medium, utm_campaign
order by requests desc
limit 100
