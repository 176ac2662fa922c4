//! Checks of consumer groups: who reads what, and from where.

use super::{Bed, Member, append, offsets, settle};
use crate::{Committed, LogError, METADATA_BYTES_MAX, Offset, Partition};

fn position(partition: u32, offset: u64, note: &str) -> (Partition, Committed) {
    (Partition(partition), Committed { offset: Offset(offset), metadata: note.to_owned() })
}

/// Each group reads all records and commits for itself.
pub async fn two_groups_do_not_disturb_each_other(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    for i in 0..10 {
        append(&log, 0, i.to_string()).await;
    }
    let (one, other) = (bed.group("one"), bed.group("other"));
    let mut reader = Member::alone(&log, &one).await;
    let mut second = Member::alone(&log, &other).await;
    assert_eq!(offsets(&reader.read_from(&log, 0, 0).await), (0..10).collect::<Vec<_>>());
    reader.consumer.commit(&[position(0, 7, "seven")]).await.expect("the partition is assigned");
    assert_eq!(offsets(&second.read_from(&log, 0, 0).await), (0..10).collect::<Vec<_>>());
    second.consumer.commit(&[position(0, 3, "three")]).await.expect("the partition is assigned");
    drop((reader, second));
    for (group, offset, note) in [(&one, 7, "seven"), (&other, 3, "three")] {
        let committed = Member::alone(&log, group).await.assigned[&Partition(0)].committed.clone();
        assert_eq!(committed, Some(position(0, offset, note).1));
    }
}

/// Having no position is something else than having position 0.
pub async fn a_group_that_never_committed_is_told_so(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    let group = bed.group("newcomer");
    let mut member = Member::alone(&log, &group).await;
    assert!(member.assigned.values().all(|assignment| assignment.committed.is_none()));
    member.consumer.commit(&[position(1, 0, "")]).await.expect("the partition is assigned");
    drop(member);
    let member = Member::alone(&log, &group).await;
    assert_eq!(member.assigned[&Partition(0)].committed, None);
    assert_eq!(member.assigned[&Partition(1)].committed, Some(Committed::default()));
}

/// Positions of several partitions, with notes of any text up to the limit, come back as given; later ones win.
pub async fn commits_come_back_with_their_notes(bed: &dyn Bed) {
    let log = bed.fresh(3).await;
    for partition in 0..3 {
        for _ in 0..5 {
            append(&log, partition, "x").await;
        }
    }
    let group = bed.group("notes");
    let mut member = Member::alone(&log, &group).await;
    let longest = "m".repeat(METADATA_BYTES_MAX);
    let commits = [
        vec![position(0, 1, "i1:1-9:\"quoted\"\n\u{1F600}"), position(1, 5, "")],
        vec![position(2, 4, &longest)],
        vec![position(1, 2, "back again")],
    ];
    for positions in &commits {
        member.consumer.commit(positions).await.expect("the partitions are assigned");
    }
    drop(member);
    let member = Member::alone(&log, &group).await;
    for (partition, committed) in [&commits[0][0], &commits[2][0], &commits[1][0]] {
        assert_eq!(member.assigned[partition].committed.as_ref(), Some(committed));
    }
}

/// What was committed is there after everything in memory is gone.
pub async fn commits_survive_reopening(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    append(&log, 1, "x").await;
    let group = bed.group("reopened");
    let mut member = Member::alone(&log, &group).await;
    member.consumer.commit(&[position(1, 1, "all of it")]).await.expect("the partition is assigned");
    drop(member);
    let log = bed.reopen(log).await;
    let member = Member::alone(&log, &group).await;
    assert_eq!(member.assigned[&Partition(1)].committed, Some(position(1, 1, "all of it").1));
    assert_eq!(member.assigned[&Partition(0)].committed, None);
}

/// A note is not cut: the commit is refused as a whole.
pub async fn a_note_past_the_limit_is_refused(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    append(&log, 0, "x").await;
    let group = bed.group("long-note");
    let mut member = Member::alone(&log, &group).await;
    member.consumer.commit(&[position(0, 0, "short")]).await.expect("the partition is assigned");
    let refused = member.consumer.commit(&[position(0, 1, &"m".repeat(METADATA_BYTES_MAX + 1))]).await;
    assert!(refused.is_err());
    drop(member);
    assert_eq!(Member::alone(&log, &group).await.assigned[&Partition(0)].committed, Some(position(0, 0, "short").1));
}

/// All positions or none.
pub async fn a_commit_with_a_foreign_partition_changes_nothing(bed: &dyn Bed) {
    let log = bed.fresh(1).await;
    append(&log, 0, "x").await;
    let group = bed.group("foreign");
    let mut member = Member::alone(&log, &group).await;
    let refused = member.consumer.commit(&[position(0, 1, ""), position(1, 0, "")]).await;
    assert!(matches!(refused, Err(LogError::NotAssigned(Partition(1)))), "{refused:?}");
    drop(member);
    assert_eq!(Member::alone(&log, &group).await.assigned[&Partition(0)].committed, None);
}

/// At any time each partition has one reader; a member that leaves is inherited by the others.
pub async fn members_share_the_partitions_and_inherit_them(bed: &dyn Bed) {
    let log = bed.fresh(4).await;
    let group = bed.group("sharing");
    let all: Vec<_> = (0..4).map(Partition).collect();
    let shares = |members: &[&mut Member]| {
        let mut shared: Vec<_> = members.iter().flat_map(|member| member.assigned.keys().copied()).collect();
        shared.sort_unstable();
        (shared, members.iter().map(|member| member.assigned.len()).collect::<Vec<_>>())
    };
    let mut first = Member::alone(&log, &group).await;
    let mut second = Member::join(&log, &group).await;
    settle(&mut [&mut first, &mut second], "two shares", |members| shares(members) == (all.clone(), vec![2, 2])).await;
    let mut third = Member::join(&log, &group).await;
    settle(&mut [&mut first, &mut second, &mut third], "three shares", |members| {
        let (shared, mut sizes) = shares(members);
        sizes.sort_unstable();
        shared == all && sizes == [1, 1, 2]
    })
    .await;
    drop(first);
    settle(&mut [&mut second, &mut third], "the inheritance", |members| shares(members) == (all.clone(), vec![2, 2])).await;
    drop(third);
    settle(&mut [&mut second], "everything", |members| shares(members) == (all.clone(), vec![4])).await;
}

/// A member that lost a partition can't move its position, and nothing else of such a commit is kept.
pub async fn a_member_cannot_commit_what_was_revoked(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    for partition in [0, 1] {
        append(&log, partition, "x").await;
    }
    let group = bed.group("revoked");
    let mut first = Member::alone(&log, &group).await;
    let mut second = Member::join(&log, &group).await;
    settle(&mut [&mut first, &mut second], "two shares", |members| members.iter().all(|member| member.assigned.len() == 1)).await;
    let (kept, lost) = (first.assigned.keys().next().map_or(0, |kept| kept.0), second.assigned.keys().next().map_or(0, |lost| lost.0));
    let refused = first.consumer.commit(&[position(kept, 1, "mine"), position(lost, 1, "stolen")]).await;
    assert!(matches!(refused, Err(LogError::NotAssigned(partition)) if partition.0 == lost), "{refused:?}");
    second.consumer.commit(&[position(lost, 0, "second's")]).await.expect("the partition is assigned");
    let sought = first.consumer.seek(Partition(lost), Offset(0)).await;
    assert!(matches!(sought, Err(LogError::NotAssigned(_))), "{sought:?}");
    drop(second);
    settle(&mut [&mut first], "the inheritance", |members| members[0].assigned.len() == 2).await;
    assert_eq!(first.assigned[&Partition(lost)].committed, Some(position(lost, 0, "second's").1));
    drop(first);
    assert_eq!(Member::alone(&log, &group).await.assigned[&Partition(kept)].committed, None);
}

/// A partition's next reader begins where its last one came to.
pub async fn positions_go_to_the_next_reader(bed: &dyn Bed) {
    let log = bed.fresh(2).await;
    for partition in [0, 1] {
        for _ in 0..4 {
            append(&log, partition, "x").await;
        }
    }
    let group = bed.group("heirs");
    let mut first = Member::alone(&log, &group).await;
    first.consumer.commit(&[position(0, 3, "a"), position(1, 2, "b")]).await.expect("the partitions are assigned");
    let mut second = Member::join(&log, &group).await;
    settle(&mut [&mut first, &mut second], "two shares", |members| members.iter().all(|member| member.assigned.len() == 1)).await;
    let (&inherited, assignment) = second.assigned.iter().next().expect("it has one");
    let expected = if inherited == Partition(0) { position(0, 3, "a").1 } else { position(1, 2, "b").1 };
    assert_eq!(assignment.committed.as_ref(), Some(&expected));
    let rest = second.read_from(&log, inherited.0, expected.offset.0).await;
    assert_eq!(offsets(&rest), (expected.offset.0..4).collect::<Vec<_>>());
}
