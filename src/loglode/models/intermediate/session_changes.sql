-- grain: session x sign
-- keys: session_key, sign
-- depends: held_sessions, session_spans, slots, target_days
-- description: Sessions of the visits in `slots` as they are now (sign 1) and as the lake holds them (sign -1).
-- columns:
--   session_key: identity of the session
--   sign: 1 for what is, -1 for what was
--   session_date: day the session began (UTC)
--   start_us: first request, microseconds since 1970
--   duration_us: from first to last request, microseconds
--   requests: number of requests
--   pages: number of pages
--   errors: requests with status 400 or above
--   mean_us: mean response time in whole microseconds, rounded down; null when no time is known
--   is_bot: whether any request was a bot's, null when unknown
--   goals: names of the goals reached, null when none was
select
    session_key,
    1 as sign,
    session_date,
    start_us,
    end_us - start_us as duration_us,
    cast(requests as bigint) as requests,
    cast(pages as bigint) as pages,
    cast(errors as bigint) as errors,
    -- Whole microseconds, so that the mean over sessions does not depend on their order.
    cast(response_us // nullif(timed_requests, 0) as bigint) as mean_us,
    is_bot,
    goals
from session_spans
union all
select
    session_key,
    -1 as sign,
    date as session_date,
    epoch_us(started_at) as start_us,
    epoch_us(ended_at) - epoch_us(started_at) as duration_us,
    requests,
    pages,
    errors,
    response_us // nullif(timed_requests, 0) as mean_us,
    is_bot,
    goals
from held_sessions
where visit_key in (select visit_key from slots) and date in (select day from target_days)
