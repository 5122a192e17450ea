-- grain: one row per batch x visit x visitor x is_bot x hour x slot of the shorter gap's length
-- keys: entry_id
-- depends: slots, target_days
-- description: State that sessions and distinct visitors are computed from: requests of a visit folded into slots
--   no longer than the silence that ends a session. A slot whose requests came in several batches has a row for each.
-- grows: true
-- columns:
--   date: day (UTC)
--   visit_key: 's' and the source's session, else 'v' and the visitor; requests with neither are left out
--   visitor_id: visitor, null when unknown
--   is_bot: whether the agent says that it is a program, null when unknown
--   hour_us: start of the hour, microseconds since 1970
--   first_us: first request, microseconds since 1970
--   last_us: last request, microseconds since 1970
--   requests: number of requests
--   pages: number of pages
--   errors: requests with status 400 or above
--   timed_requests: requests with a known response time
--   response_us: sum of response times, microseconds
--   max_response_time_ms: longest response time, milliseconds
--   entry_us: first page, else first request, microseconds since 1970
--   entry_id: event_id of the entry, the lowest where times are equal
--   entry_path: path of the entry
--   referrer_host: referring host of the entry
--   utm_source: campaign's source of the entry
--   country: country of the entry
--   device: device of the entry
--   exit_us: last page, else last request, microseconds since 1970
--   exit_id: event_id of the exit, the highest where times are equal
--   exit_path: path of the exit
--   goals: names of the goals that a request reached, null when none was
--   routes: methods and routes requested, each as the method's length, a space, the method and the route
--   referrers: referring hosts and campaigns, each as the lengths of host, source and medium, and the four names
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
select
    event_date as date,
    visit_key,
    visitor_id,
    is_bot,
    hour_us,
    first_us,
    last_us,
    requests,
    pages,
    errors,
    timed_requests,
    response_us,
    max_response_time_ms,
    entry_us,
    entry_id,
    entry_path,
    referrer_host,
    utm_source,
    country,
    device,
    exit_us,
    exit_id,
    exit_path,
    goals,
    routes,
    referrers,
    cast(year(event_date) as integer) as year,
    cast(month(event_date) as integer) as month,
    cast(day(event_date) as integer) as day
from slots
where event_date in (select day from target_days)
