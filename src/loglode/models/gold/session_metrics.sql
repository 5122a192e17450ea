-- grain: one row per day on which a session began
-- keys: date
-- depends: changed_days, held_session_metrics, session_changes, settings
-- description: How visits went on each day. Rates and averages are of human sessions only.
-- columns:
--   date: day (UTC)
--   sessions: sessions that began on the day
--   human_sessions: sessions known to be without a bot's request
--   bot_sessions: sessions with a bot's request
--   bounces: human sessions with at most one page
--   bounce_rate: bounces / human_sessions, 0 to 1; null without human sessions
--   conversions: human sessions that reached a goal
--   conversion_rate: conversions / human_sessions, 0 to 1; null without human sessions
--   pages: pages of human sessions
--   pages_per_session: pages / human_sessions
--   requests: requests of all sessions
--   duration_us: sum of the times from first to last request of human sessions, microseconds
--   avg_duration_seconds: mean time from first to last request of human sessions, seconds
--   median_duration_seconds: median of the same, seconds, within 1 % of the time at that rank
--   sessions_with_errors: human sessions with a status of 400 or above
--   duration_histogram: human sessions by bucket of their duration, as in hourly_metrics, in seconds
--   year: partition, year of date
--   month: partition, month of date
--   day: partition, day of date
with visits as (
    select
        session_changes.session_date,
        session_changes.sign,
        session_changes.requests,
        session_changes.is_bot,
        case when not session_changes.is_bot then session_changes.sign else 0 end as human,
        session_changes.pages,
        session_changes.errors,
        session_changes.duration_us,
        session_changes.goals,
        case
            when session_changes.duration_us > 0
                then cast(
                    ceil(ln(cast(session_changes.duration_us as double) / 1000000) / ln(settings.histogram_gamma))
                    as integer
                )
            else -1000
        end as bucket
    from session_changes
    cross join settings
),

parts as (
    select
        session_date,
        sum(sign) as sessions,
        sum(human) as human_sessions,
        sum(case when is_bot then sign else 0 end) as bot_sessions,
        sum(case when pages <= 1 then human else 0 end) as bounces,
        sum(case when goals is not null then human else 0 end) as conversions,
        sum(human * pages) as pages,
        sum(sign * requests) as requests,
        sum(human * duration_us) as duration_us,
        sum(case when errors > 0 then human else 0 end) as sessions_with_errors
    from visits
    group by session_date
    union all
    select
        date as session_date,
        sessions,
        human_sessions,
        bot_sessions,
        bounces,
        conversions,
        pages,
        requests,
        duration_us,
        sessions_with_errors
    from held_session_metrics
    where date in (select day from changed_days)
),

days as (
    select
        session_date,
        cast(sum(sessions) as bigint) as sessions,
        cast(sum(human_sessions) as bigint) as human_sessions,
        cast(sum(bot_sessions) as bigint) as bot_sessions,
        cast(sum(bounces) as bigint) as bounces,
        cast(sum(conversions) as bigint) as conversions,
        cast(sum(pages) as bigint) as pages,
        cast(sum(requests) as bigint) as requests,
        cast(sum(duration_us) as bigint) as duration_us,
        cast(sum(sessions_with_errors) as bigint) as sessions_with_errors
    from parts
    group by session_date
),

held_buckets as (
    select date as session_date, unnest(duration_histogram) as item
    from held_session_metrics
    where date in (select day from changed_days)
),

timed as (
    select session_date, bucket, human as sessions from visits where human <> 0
    union all
    select session_date, item.bucket as bucket, item.sessions as sessions from held_buckets
),

buckets as (
    select
        session_date,
        bucket,
        cast(sum(sessions) as bigint) as sessions
    from timed
    group by session_date, bucket
    having sum(sessions) > 0
),

ranked as (
    select
        buckets.session_date,
        buckets.bucket,
        buckets.sessions,
        -- The middle of the bucket in whole microseconds: within 1 % of every duration in it.
        case
            when buckets.bucket > -1000
                then cast(round(1000000 * power(settings.histogram_gamma, buckets.bucket - 0.5)) as bigint)
            else 0
        end as middle_us,
        sum(buckets.sessions) over (
            partition by buckets.session_date
            order by buckets.bucket
            rows between unbounded preceding and current row
        ) as place,
        sum(buckets.sessions) over (partition by buckets.session_date) as sessions_of_all
    from buckets
    cross join settings
),

medians as (
    select
        session_date,
        min(case when place * 100 >= sessions_of_all * 50 then middle_us end) as median_us,
        list_sort(list({'bucket': bucket, 'sessions': sessions})) as duration_histogram
    from ranked
    group by session_date
)

select
    days.session_date as date,
    days.sessions,
    days.human_sessions,
    days.bot_sessions,
    days.bounces,
    cast(days.bounces as double) / nullif(days.human_sessions, 0) as bounce_rate,
    days.conversions,
    cast(days.conversions as double) / nullif(days.human_sessions, 0) as conversion_rate,
    days.pages,
    cast(days.pages as double) / nullif(days.human_sessions, 0) as pages_per_session,
    days.requests,
    days.duration_us,
    cast(days.duration_us as double) / nullif(days.human_sessions, 0) / 1000000 as avg_duration_seconds,
    cast(medians.median_us as double) / 1000000 as median_duration_seconds,
    days.sessions_with_errors,
    medians.duration_histogram,
    cast(year(days.session_date) as integer) as year,
    cast(month(days.session_date) as integer) as month,
    cast(day(days.session_date) as integer) as day
from days
left join medians on days.session_date = medians.session_date
where days.sessions > 0
