//! Members come, go and fall silent: positions are moved by owners only.

use event_log::{Committed, LogError, Offset};
use rdkafka::{
    ClientConfig,
    consumer::{BaseConsumer, Consumer as _},
};

use super::*;

fn position(partition: Partition, offset: u64, note: &str) -> (Partition, Committed) {
    (partition, Committed { offset: Offset(offset), metadata: note.to_owned() })
}

async fn log(raw: &RawConfig) -> Arc<dyn EventLog> {
    let log: Arc<dyn EventLog> = Arc::new(made(raw).await);
    for partition in 0..raw.partitions {
        for _ in 0..10 {
            log.append(Partition(partition), "x".into()).await.unwrap();
        }
    }
    log
}

/// Waits until `group` has no member.
async fn empty(brokers: &str, group: &str) {
    let client: BaseConsumer = ClientConfig::new().set("bootstrap.servers", brokers).create().unwrap();
    let group = group.to_owned();
    let waiting = tokio::task::spawn_blocking(move || {
        while client.fetch_group_list(Some(&group), PATIENCE).unwrap().groups().iter().any(|group| group.state() != "Empty") {
            std::thread::sleep(Duration::from_millis(20));
        }
    });
    within("the last member's leave", waiting).await.unwrap();
}

/// A partition that is to go stays its owner's, for others, until the owner was told and polls again;
/// and the owner itself can't use it from the moment that it was told.
#[tokio::test(flavor = "multi_thread")]
async fn from_one_to_two_members_and_back_no_position_of_a_revoked_partition_moves() {
    let Some(brokers) = shared() else { return };
    // Members hear of a rebalance by their heartbeats, four in a session's timeout.
    let log = log(&RawConfig { session_timeout: Duration::from_secs(1), ..small(&brokers, 4) }).await;
    let group = unique("group");
    let mut first = Member::join(&log, &group).await;
    until(&mut [&mut first], "everything", |members| members[0].assigned.len() == 4).await;
    let all: Vec<_> = (0..4).map(|partition| position(Partition(partition), 3, "first")).collect();
    first.consumer.commit(&all).await.unwrap();

    let mut second = Member::join(&log, &group).await;
    let told = within("the revocation", async {
        loop {
            second.step().await;
            assert!(second.assigned.is_empty(), "the first member was not told yet");
            if let Polled::Revoked(partitions) = first.consumer.poll(Duration::from_millis(50)).await.unwrap() {
                return partitions;
            }
        }
    })
    .await;
    assert_eq!(told.len(), 2);
    first.assigned.retain(|partition, _| !told.contains(partition));
    // It has been told and has not polled again: whatever the second does, it can't have them.
    for _ in 0..40 {
        second.step().await;
    }
    assert!(second.assigned.is_empty(), "{:?}", second.assigned);
    for &partition in &told {
        let kept = *first.assigned.keys().next().unwrap();
        let refused = first.consumer.commit(&[position(kept, 9, "late"), position(partition, 9, "late")]).await;
        assert!(matches!(refused, Err(LogError::NotAssigned(of)) if of == partition), "{refused:?}");
    }
    until(&mut [&mut first, &mut second], "two shares", |members| members.iter().all(|member| member.assigned.len() == 2)).await;
    for (partition, assignment) in &second.assigned {
        assert!(told.contains(partition));
        assert_eq!(assignment.committed.as_ref(), Some(&position(*partition, 3, "first").1));
        second.consumer.commit(&[position(*partition, 5, "second")]).await.unwrap();
    }
    drop(second);
    until(&mut [&mut first], "everything again", |members| members[0].assigned.len() == 4).await;
    // What it kept it has from before its own commit; a new member is told everything anew.
    drop(first);
    let mut heir = Member::join(&log, &group).await;
    until(&mut [&mut heir], "everything", |members| members[0].assigned.len() == 4).await;
    for (partition, assignment) in &heir.assigned {
        let expected = if told.contains(partition) { position(*partition, 5, "second") } else { position(*partition, 3, "first") };
        assert_eq!(assignment.committed.as_ref(), Some(&expected.1));
    }
}

/// A member whose place another one took.
#[tokio::test(flavor = "multi_thread")]
async fn the_coordinators_refusal_of_a_stale_member_is_told_as_not_assigned() {
    let Some(brokers) = shared() else { return };
    let raw = RawConfig { session_timeout: Duration::from_secs(1), poll_interval_max: Duration::from_secs(1), ..small(&brokers, 1) };
    let log = log(&raw).await;
    let group = unique("group");
    let mut stale = Member::join(&log, &group).await;
    until(&mut [&mut stale], "the partition", |members| members[0].assigned.len() == 1).await;
    let mut owner = Member::join(&log, &group).await;
    until(&mut [&mut owner], "the inheritance", |members| members[0].assigned.len() == 1).await;
    owner.consumer.commit(&[position(Partition(0), 7, "7-8")]).await.unwrap();
    let refused = stale.consumer.commit(&[position(Partition(0), 9, "late")]).await;
    assert!(matches!(refused, Err(LogError::NotAssigned(Partition(0)))), "{refused:?}");
}

/// A member that is busy for too long has lost its partitions whether or not it knows.
#[tokio::test(flavor = "multi_thread")]
async fn a_stale_members_commit_is_refused_and_the_new_owners_note_survives() {
    let Some(brokers) = shared() else { return };
    let raw = RawConfig { session_timeout: Duration::from_secs(1), poll_interval_max: Duration::from_secs(1), ..small(&brokers, 1) };
    let log = log(&raw).await;
    let group = unique("group");
    let mut stale = Member::join(&log, &group).await;
    until(&mut [&mut stale], "the partition", |members| members[0].assigned.len() == 1).await;
    stale.consumer.commit(&[position(Partition(0), 3, "3-9")]).await.unwrap();

    // It doesn't poll, and so the next one inherits.
    let mut owner = Member::join(&log, &group).await;
    until(&mut [&mut owner], "the inheritance", |members| members[0].assigned.len() == 1).await;
    assert_eq!(owner.assigned[&Partition(0)].committed, Some(position(Partition(0), 3, "3-9").1));
    owner.consumer.commit(&[position(Partition(0), 7, "7-8")]).await.unwrap();

    // Nobody is left in the group to whom the coordinator could prefer it: the member itself has to know.
    drop(owner);
    empty(&brokers, &group).await;
    let refused = stale.consumer.commit(&[position(Partition(0), 9, "late")]).await;
    assert!(matches!(refused, Err(LogError::NotAssigned(Partition(0)))), "{refused:?}");
    let mut heir = Member::join(&log, &group).await;
    until(&mut [&mut heir], "the partition", |members| members[0].assigned.len() == 1).await;
    assert_eq!(heir.assigned[&Partition(0)].committed, Some(position(Partition(0), 7, "7-8").1));
    // The stale member is told, and is a member like others again.
    let polled = within("the news", stale.consumer.poll(PATIENCE)).await;
    assert!(matches!(&polled, Ok(Polled::Revoked(partitions)) if *partitions == [Partition(0)]), "{polled:?}");
    drop(heir);
    stale.assigned.clear();
    until(&mut [&mut stale], "the partition again", |members| members[0].assigned.len() == 1).await;
    assert_eq!(stale.assigned[&Partition(0)].committed, Some(position(Partition(0), 7, "7-8").1));
}
