-- Where the site fails: routes by server errors in the last 7 days.
select method, route, sum(requests) as requests, sum(errors) as errors,
       sum(server_errors) as server_errors
from route_metrics
where date >= date_add('day', -7, current_date)
group by method, route
having sum(server_errors) > 0
order by server_errors desc
limit 50
