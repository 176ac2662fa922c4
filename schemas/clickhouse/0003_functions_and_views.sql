-- The value that stands for a bucket of `histMap`, in the unit in which people see the metric: the bucket's middle, as
-- `midpoint` in schemas/src/histogram/bucket.rs has it, over the unit's scale.
create or replace function icarusBucketValue ${on_cluster} as (bucket, unit) ->
    (bitShiftLeft(toUInt64(bucket) - (greatest(intDiv(bucket, 128), 1) - 1) * 128, greatest(intDiv(bucket, 128), 1) - 1)
        + intDiv(bitShiftLeft(toUInt64(1), greatest(intDiv(bucket, 128), 1) - 1), 2))
    / transform(unit, ['ms', 'per_second', 'score'], [1000, 1000, 10000], 1);

-- The flags of tested minutes as rows.
create or replace view ${database}.flags ${on_cluster} as
select
    app,
    minute,
    arrayJoin(flags) as flag,
    JSONExtractString(flag, 'series', 'metric', 'name') as metric,
    JSONExtractString(flag, 'series', 'group', 'cuboid') as cuboid,
    JSONExtract(flag, 'series', 'group', 'values', 'Array(String)') as dimension_values,
    JSONExtractString(flag, 'rule') as rule,
    JSONExtractFloat(flag, 'observed') as observed,
    JSONExtractFloat(flag, 'expected') as expected,
    JSONExtractFloat(flag, 'effect') as effect,
    JSONExtractUInt(flag, 'n') as n,
    JSONExtractFloat(flag, 'p_value') as p_value
from ${database}.tested final;
