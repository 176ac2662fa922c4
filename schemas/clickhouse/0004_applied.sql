-- Batches that are wholly in the tables, each the records [start_offset, end_offset) of a partition of a log: written
-- after all else that the batch has, so that whatever has a row here is counted everywhere. `counts` is what the batch
-- put there, by the hour: under `samples` the events of the total (the cuboid ''), by event time; under each kind of
-- fate the events that met it, by the time of receipt. Rows of one range collapse by themselves, without the tokens that
-- keep the other tables from counting twice: what is expected and what is counted don't fail together.
create table if not exists ${database}.applied ${on_cluster} (
    log LowCardinality(String),
    log_partition UInt32,
    start_offset UInt64 codec(Delta(8), ZSTD(1)),
    end_offset UInt64 codec(Delta(8), ZSTD(1)),
    `counts.kind` Array(LowCardinality(String)) codec(ZSTD(1)),
    `counts.hour` Array(DateTime('UTC')) codec(ZSTD(1)),
    `counts.events` Array(UInt64) codec(T64, ZSTD(1)),
    at DateTime('UTC') default now() codec(Delta(4), ZSTD(1))
) engine = ${engine:ReplacingMergeTree}
partition by toYYYYMMDD(at)
order by (log, log_partition, start_offset, end_offset)
ttl at + toIntervalDay(${applied_days})
settings ${once}, ttl_only_drop_parts = 1;
