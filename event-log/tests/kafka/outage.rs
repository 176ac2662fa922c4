//! The broker is killed and comes back.

use std::collections::BTreeSet;

use bytes::Bytes;
use event_log::{AppendError, Appended, LogError, Offset};

use super::*;

/// Nothing acknowledged is lost; appends fail meanwhile, in time; the log and its consumer go on.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_killed_loses_nothing_acknowledged_and_is_found_again() {
    let Some(broker) = usable(start()) else { return };
    let raw = RawConfig { append_timeout: Duration::from_secs(2), request_timeout: Duration::from_secs(2), ..small(&broker.address(), 1) };
    let log: Arc<dyn EventLog> = Arc::new(made(&raw).await);
    let mut reader = Member::join(&log, &unique("group")).await;
    until(&mut [&mut reader], "the partition", |members| members[0].assigned.len() == 1).await;
    reader.consumer.seek(Partition(0), Offset(0)).await.unwrap();

    // Many are on their way when the broker dies.
    let mut under_way = tokio::task::JoinSet::new();
    for i in 0..2_000_u32 {
        let log = Arc::clone(&log);
        under_way.spawn(async move { (i, log.append(Partition(0), Bytes::from(i.to_string())).await) });
    }
    let mut acknowledged = BTreeMap::new();
    let mut take = |(i, appended): (u32, Result<Appended, AppendError>)| match appended {
        Ok(at) => assert_eq!(acknowledged.insert(at.at().unwrap(), i.to_string()), None, "an offset is given once"),
        Err(AppendError::Unavailable(_)) => {}
        Err(error) => panic!("{error:?}"),
    };
    take(under_way.join_next().await.unwrap().unwrap());
    broker.kill();
    let refused = within("a refusal", log.append(Partition(0), "meanwhile".into())).await;
    assert!(matches!(refused, Err(AppendError::Unavailable(_))), "{refused:?}");
    assert!(matches!(log.extent(Partition(0)).await, Err(LogError::Unavailable { .. })));
    assert_eq!(log.failing(), None, "nobody has to act");
    while let Some(done) = within("an append's end", under_way.join_next()).await {
        take(done.unwrap());
    }

    broker.resume();
    let offset = within("the broker's return", async {
        loop {
            // A sender tries again, as often as it is told to.
            if let Ok(Appended::At(offset)) = log.append(Partition(0), "after".into()).await {
                return offset;
            }
        }
    })
    .await;
    acknowledged.insert(offset, "after".to_owned());
    let mut read = BTreeMap::new();
    within("all records", async {
        while !read.contains_key(&offset) {
            if let Some((_, records)) = reader.step().await {
                read.extend(records.into_iter().map(|record| (record.offset, String::from_utf8_lossy(&record.bytes).into_owned())));
            }
        }
    })
    .await;
    for (offset, record) in &acknowledged {
        assert_eq!(read.get(offset), Some(record), "what was acknowledged at {offset}");
    }
    let bodies: BTreeSet<_> = read.values().filter(|record| *record != "after").collect();
    assert_eq!(bodies.len(), read.values().filter(|record| *record != "after").count(), "the producer doubles nothing");
}

/// A broker that hangs takes no records, keeps its connections, and goes on where it was.
#[tokio::test(flavor = "multi_thread")]
async fn a_broker_that_is_paused_answers_nothing_until_it_goes_on() {
    let Some(broker) = usable(start()) else { return };
    let raw = small(&broker.address(), 1);
    let log = made(&raw).await;
    assert_eq!(log.append(Partition(0), "before".into()).await.unwrap(), Appended::At(Offset(0)));
    broker.pause();
    let mut waiting = log.append(Partition(0), "meanwhile".into());
    let early = tokio::time::timeout(Duration::from_millis(500), &mut waiting).await;
    assert!(early.is_err(), "{early:?}");
    broker.unpause();
    assert_eq!(within("the answer", waiting).await.unwrap(), Appended::At(Offset(1)));
}
