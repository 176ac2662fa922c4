-- What became of events, by the minute in which they were received.
create table if not exists ${database}.fates ${on_cluster} (
    app LowCardinality(String),
    minute DateTime('UTC') codec(Delta(4), ZSTD(1)),
    kind LowCardinality(String),
    reason LowCardinality(String),
    events UInt64 codec(T64, ZSTD(1)),
    newest SimpleAggregateFunction(max, DateTime64(3, 'UTC')) codec(Delta(8), ZSTD(1))
) engine = ${engine:SummingMergeTree}
partition by toYYYYMM(minute)
order by (app, minute, kind, reason)
ttl minute + toIntervalDay(${hour_days})
settings ${once}, ttl_only_drop_parts = 1;

-- The metrics of each app, with the last hour that has a value. Writing an entry twice changes nothing.
create table if not exists ${database}.metrics ${on_cluster} (
    app LowCardinality(String),
    metric LowCardinality(String),
    unit LowCardinality(String),
    last_hour SimpleAggregateFunction(max, DateTime('UTC'))
) engine = ${engine:AggregatingMergeTree}
order by (app, metric, unit)
ttl last_hour + toIntervalDay(${hour_days})
settings ${durable};

-- The values of each dimension of each app, with the last day that has one.
create table if not exists ${database}.dimension_values ${on_cluster} (
    app LowCardinality(String),
    dimension LowCardinality(String),
    value String,
    last_day SimpleAggregateFunction(max, DateTime('UTC'))
) engine = ${engine:AggregatingMergeTree}
order by (app, dimension, value)
ttl last_day + toIntervalDay(${hour_days})
settings ${durable};

-- Tested minutes, each with all that was flagged in it (JSON), so that testing a minute again replaces its flags at
-- once. Only the row of the greatest version counts; of several that write the same version at once the first insert
-- stands, because the version is its token, and `writer` says whose that was.
create table if not exists ${database}.tested ${on_cluster} (
    app LowCardinality(String),
    minute DateTime('UTC') codec(Delta(4), ZSTD(1)),
    flags Array(String) codec(ZSTD(1)),
    version UInt64,
    writer UInt64
) engine = ${engine:ReplacingMergeTree:version}
partition by toYYYYMM(minute)
order by (app, minute)
ttl minute + toIntervalDay(${hour_days})
settings ${once};

-- Alerts (JSON), and under id 0 the minute up to which an app's flags have been grouped into them: one table without
-- partitions, because one insert into it is all or nothing. Only the row of the greatest version counts. Each insert has
-- a version of its own, which is its token.
create table if not exists ${database}.alerts ${on_cluster} (
    app LowCardinality(String),
    id UInt64,
    state LowCardinality(String),
    began DateTime('UTC'),
    last_flagged DateTime('UTC'),
    untold Bool,
    alert String codec(ZSTD(1)),
    version UInt64,
    writer UInt64
) engine = ${engine:ReplacingMergeTree:version}
order by (app, id)
settings ${once};
