-- grain: one row per request
-- keys: event_id
-- depends: settings, web_logs
-- materialized: view
-- description: Silver rows with the few facts that every model needs, each worked out in one place only.
-- columns:
--   event_id: identity of the request
--   event_date: day of the request (UTC)
--   hour_us: start of the request's hour, microseconds since 1970 (UTC)
--   event_us: time of the request, microseconds since 1970 (UTC)
--   session_id: the source's session, null when it names none
--   visitor_id: visitor, null when neither address nor agent is known
--   method: HTTP method
--   method_group: the method where it is registered with IANA, or PURGE; '(other)' for the tokens that clients
--     invent, '(none)' when unknown
--   path: path without query
--   route: path with identifiers replaced
--   status: HTTP status, 100 to 599; null when unknown
--   response_time_ms: time to serve the request, milliseconds
--   response_us: the same rounded to whole microseconds, so that sums do not depend on their order
--   bucket: logarithmic bucket of the response time, null when it is unknown
--   bytes_sent: bytes of the answer
--   referrer_host: host that linked here
--   utm_source: campaign's source
--   utm_medium: campaign's medium
--   utm_campaign: campaign's name
--   device: kind of device
--   country: two letters
--   is_bot: whether the agent says that it is a program, null when unknown
--   is_error: status 400 or above; null when the status is unknown
--   is_page: a GET known to be answered with 2xx or 304 that is not a static asset
with requests as (
    select
        event_id,
        make_date(year, month, day) as event_date,
        epoch_us(event_ts) as event_us,
        session_id,
        visitor_id,
        method,
        path,
        route,
        status,
        response_time_ms,
        -- No clock runs for 30 years: the limit only keeps the cast from failing.
        cast(round(case when response_time_ms > 1e12 then 1e12 else response_time_ms end * 1000) as bigint)
            as response_us,
        -- Zero has no logarithm: it shares the lowest bucket with everything below gamma^-1000 ms.
        case
            when response_time_ms > 0
                then cast(
                    greatest(
                        -1000,
                        ceil(ln(case when response_time_ms > 1e12 then 1e12 else response_time_ms end) / ln(histogram_gamma))
                    ) as integer
                )
            when response_time_ms = 0
                then -1000
        end as bucket,
        bytes_sent,
        referrer_host,
        utm_source,
        utm_medium,
        utm_campaign,
        device,
        country,
        is_bot,
        -- A route keeps the ending of its path and has far fewer values, which the engine tests once each.
        -- A list, not `in (..)`: the engine would join every row of every model with the names.
        route like '%.%' and list_contains(
            [
                'avif', 'bmp', 'css', 'eot', 'gif', 'ico', 'jpeg', 'jpg', 'js', 'json', 'map', 'mjs', 'mp3',
                'mp4', 'otf', 'png', 'svg', 'ttf', 'txt', 'wasm', 'webm', 'webmanifest', 'webp', 'woff',
                'woff2', 'xml'
            ],
            lower(split_part(route, '.', -1))
        ) as is_asset
    from web_logs
    cross join settings
)

select
    event_id,
    event_date,
    -- Floor, not truncation: times before 1970 are negative.
    event_us - (event_us % 3600000000 + 3600000000) % 3600000000 as hour_us,
    event_us,
    session_id,
    visitor_id,
    method,
    case
        when method is null then '(none)'
        when list_contains(
            [
                'GET', 'POST', 'HEAD', 'PUT', 'DELETE', 'OPTIONS', 'PATCH', 'CONNECT', 'TRACE', 'QUERY', 'PURGE',
                'ACL', 'BASELINE-CONTROL', 'BIND', 'CHECKIN', 'CHECKOUT', 'COPY', 'LABEL', 'LINK', 'LOCK', 'MERGE',
                'MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MKREDIRECTREF', 'MKWORKSPACE', 'MOVE', 'ORDERPATCH', 'PRI',
                'PROPFIND', 'PROPPATCH', 'REBIND', 'REPORT', 'SEARCH', 'UNBIND', 'UNCHECKOUT', 'UNLINK', 'UNLOCK',
                'UPDATE', 'UPDATEREDIRECTREF', 'VERSION-CONTROL'
            ],
            method
        )
            then method
        else '(other)'
    end as method_group,
    path,
    route,
    status,
    response_time_ms,
    response_us,
    bucket,
    bytes_sent,
    referrer_host,
    utm_source,
    utm_medium,
    utm_campaign,
    device,
    country,
    is_bot,
    status >= 400 as is_error,
    coalesce(method = 'GET' and (status between 200 and 299 or status = 304), false)
    and not coalesce(is_asset, false) as is_page
from requests
