//! The fold: from encoded record to rollups in all default cuboids, one core.
//!
//! `cargo bench -p benches --bench fold`

#![expect(clippy::print_stderr, reason = "the sizes belong to the figures")]

use aggregator::{
    config::Limits,
    fold::{Duplicates, Fold},
};
use benches::records::{EVENTS, Population};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use schemas::record::{BeaconRecordView, MessageView};

/// Half a second's records at a million events a second.
const RECORDS: usize = 50_000;

fn fold(criterion: &mut Criterion) {
    for (name, population) in [("10k series", Population::SERIES_10_000), ("100k series", Population::SERIES_100_000)] {
        let records = population.records(RECORDS, 1);
        let mut fold = Fold::new(&[Population::app()], Limits::default());
        let mut duplicates = Duplicates::new(1 << 18);
        let mut offset = 0;
        let mut step = |fold: &mut Fold| {
            for bytes in &records {
                let record = BeaconRecordView::decode_view(bytes).expect("encoded above");
                // The same ids come again in each round: what is told of them is not used, but found.
                let _ = duplicates.note(offset, record.app, record.beacon_id, record.arrival);
                offset += 1;
                let outcome = fold.add(&record, false).expect("the app's id is well-formed");
                assert_eq!(outcome.rolled_up, EVENTS as u64);
            }
            fold.drain()
        };
        let first = step(&mut fold);
        let series: usize = first
            .rollups
            .iter()
            .map(|group| group.cells.iter().map(|cell| &cell.metric).collect::<std::collections::BTreeSet<_>>().len())
            .sum();
        let rows: usize = first.rollups.iter().map(|group| group.cells.len()).sum();
        eprintln!(
            "{name}: {series} live series, {rows} rollups a flush, {} B a record",
            records.iter().map(Vec::len).sum::<usize>() / RECORDS
        );

        let mut group = criterion.benchmark_group("fold");
        group.throughput(Throughput::Elements((RECORDS * EVENTS) as u64)).sample_size(20);
        group.bench_function(name, |bencher| bencher.iter_batched(|| (), |()| step(&mut fold), BatchSize::PerIteration));
        group.finish();
    }
}

criterion_group!(benches, fold);
criterion_main!(benches);
