-- How many beacons had events of a route in a minute: what samples stand for. Partial counts add up.
create table if not exists ${database}.strata ${on_cluster} (
    app LowCardinality(String),
    route LowCardinality(String),
    minute DateTime('UTC') codec(Delta(4), ZSTD(1)),
    beacons UInt64 codec(T64, ZSTD(1))
) engine = ${engine:SummingMergeTree}
partition by toYYYYMMDD(minute)
order by (app, toStartOfHour(minute), route, minute)
ttl minute + toIntervalDay(${minute_days})
settings ${once}, ttl_only_drop_parts = 1;

-- Beacons kept as they were, each with its events of one minute: of each slot of a stratum the one of the greatest rank.
-- Until the server merges them a slot may have several, so every question takes `order by rank desc limit 1 by` the slot;
-- never FINAL. The slot stands before the time: a question that is content with some of the slots reads only those.
create table if not exists ${database}.samples ${on_cluster} (
    app LowCardinality(String),
    slot UInt16 codec(T64, ZSTD(1)),
    minute DateTime('UTC') codec(Delta(4), ZSTD(1)),
    route LowCardinality(String),
    rank UInt64 codec(NONE),
    received DateTime64(3, 'UTC') codec(Delta(8), ZSTD(1)),
    weight UInt32 codec(T64, ZSTD(1)),
    dimensions Map(LowCardinality(String), String) codec(ZSTD(1)),
    experiments Map(LowCardinality(String), String) codec(ZSTD(1)),
    view_id String codec(ZSTD(1)),
    session_id String codec(ZSTD(1)),
    url String codec(ZSTD(1)),
    `events.metric` Array(LowCardinality(String)) codec(ZSTD(1)),
    `events.unit` Array(LowCardinality(String)) codec(ZSTD(1)),
    `events.value` Array(UInt64) codec(T64, ZSTD(1)),
    `events.age_ms` Array(UInt64) codec(T64, ZSTD(1)),
    `events.attribution` Array(String) codec(ZSTD(3))
) engine = ${engine:ReplacingMergeTree:rank}
partition by toYYYYMMDD(minute)
order by (app, slot, toStartOfHour(minute), route, minute)
ttl minute + toIntervalDay(${minute_days})
settings ${once}, ttl_only_drop_parts = 1;
