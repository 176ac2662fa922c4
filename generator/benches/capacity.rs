//! What a beacon costs here, on one core: made, written as JSON, and counted in the truth.
//!
//! `cargo bench -p traffic-generator`; criterion's "elem/s" are beacons a second.

use std::{hint::black_box, time::Duration};

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use generator::{Delivery, Stream, Traffic, Truth, TruthOptions};
use schemas::{app::AppId, time::Timestamp};

const BEACONS: usize = 20_000;

fn traffic() -> Traffic {
    Traffic { page_views_per_minute: 3_000.0, ..Traffic::new(AppId::new("shop").expect("a good id"), "pk_shop") }
}

fn stream() -> Stream {
    // 17 November 2026.
    let start = Timestamp::from_ms(1_794_873_600_000);
    let end = start.plus(Duration::from_secs(3_600));
    Stream::new(traffic(), start..end, end).expect("the traffic is good")
}

fn each(work: &mut impl FnMut(&Delivery)) {
    let made = stream().take(BEACONS).map(|delivery| work(&delivery)).count();
    assert_eq!(made, BEACONS);
}

fn capacity(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("beacon");
    group.throughput(Throughput::Elements(BEACONS as u64)).sample_size(20);
    let only_made = |delivery: &Delivery| {
        black_box(delivery.at);
    };
    group.bench_function("made", |bencher| bencher.iter(|| each(&mut { only_made })));
    group.bench_function("made, written", |bencher| {
        bencher.iter(|| each(&mut |delivery| drop(black_box(delivery.body(delivery.made_at)))));
    });
    for (name, options) in [("fates", TruthOptions::FATES), ("by every dimension", TruthOptions::default())] {
        group.bench_function(format!("made, written, counted: {name}"), |bencher| {
            bencher.iter(|| {
                let mut truth = Truth::new(traffic().app, &options);
                each(&mut |delivery| {
                    drop(black_box(delivery.body(delivery.made_at)));
                    truth.acknowledge(delivery, delivery.made_at);
                });
                truth
            });
        });
    }
    group.finish();
}

criterion_group!(benches, capacity);
criterion_main!(benches);
