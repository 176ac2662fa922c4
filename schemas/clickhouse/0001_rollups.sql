-- Rollups of a minute and of an hour, both written by the aggregator: whatever is past its minutes' retention still
-- counts in its hour. A window comes in any number of parts, so every question groups and sums; never FINAL.
--
-- v1 to v4 are the values of the cuboid's dimensions, in the order in which `cuboid` names them; the rest are empty.
-- `histMap` is a nested column whose name ends in Map: SummingMergeTree adds the counts of equal buckets.
-- `sum` has 128 bits, so that a sum of sums can't wrap; who reads it stops at the greatest 64-bit number.
create table if not exists ${database}.rollup_minute ${on_cluster} (
    app LowCardinality(String),
    metric LowCardinality(String),
    unit LowCardinality(String),
    cuboid LowCardinality(String),
    v1 LowCardinality(String),
    v2 LowCardinality(String),
    v3 LowCardinality(String),
    v4 LowCardinality(String),
    time DateTime('UTC') codec(Delta(4), ZSTD(1)),
    samples UInt64 codec(T64, ZSTD(1)),
    count UInt64 codec(T64, ZSTD(1)),
    sum UInt128 codec(ZSTD(1)),
    `histMap.bucket` Array(UInt16) codec(Delta(2), ZSTD(1)),
    `histMap.count` Array(UInt64) codec(T64, ZSTD(1)),
    ${dimension_aliases}
) engine = ${engine:SummingMergeTree}
partition by toYYYYMMDD(time)
primary key (app, metric, unit, cuboid, toStartOfHour(time))
order by (app, metric, unit, cuboid, toStartOfHour(time), v1, v2, v3, v4, time)
ttl time + toIntervalDay(${minute_days})
settings ${once}, ttl_only_drop_parts = 1;

create table if not exists ${database}.rollup_hour ${on_cluster} (
    app LowCardinality(String),
    metric LowCardinality(String),
    unit LowCardinality(String),
    cuboid LowCardinality(String),
    v1 LowCardinality(String),
    v2 LowCardinality(String),
    v3 LowCardinality(String),
    v4 LowCardinality(String),
    time DateTime('UTC') codec(Delta(4), ZSTD(1)),
    samples UInt64 codec(T64, ZSTD(1)),
    count UInt64 codec(T64, ZSTD(1)),
    sum UInt128 codec(ZSTD(1)),
    `histMap.bucket` Array(UInt16) codec(Delta(2), ZSTD(1)),
    `histMap.count` Array(UInt64) codec(T64, ZSTD(1)),
    ${dimension_aliases}
) engine = ${engine:SummingMergeTree}
partition by toYYYYMM(time)
primary key (app, metric, unit, cuboid, toStartOfDay(time))
order by (app, metric, unit, cuboid, toStartOfDay(time), v1, v2, v3, v4, time)
ttl time + toIntervalDay(${hour_days})
settings ${once}, ttl_only_drop_parts = 1;
