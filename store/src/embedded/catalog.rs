//! Numbers for what rollups belong to: cubes (a metric in a cuboid) and groups (a value for each of a
//! cuboid's dimensions). Keys of rollups are made of these numbers.

use std::{collections::HashMap, sync::Arc};

use schemas::{
    app::AppId,
    cuboid::Cuboid,
    dimension::Dimension,
    metric::Metric,
    query::{Filter, MetricEntry},
    series::Group,
    time::Hour,
};
use serde::{Deserialize, Serialize};

use crate::Cube;

/// The number of a cube.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct CubeId(pub(super) u32);

/// The number of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct GroupId(pub(super) u32);

/// A cube as it stands on disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct CubeEntry {
    pub(super) app: AppId,
    pub(super) metric: Metric,
    pub(super) cuboid: Cuboid,
    /// The last hour that has a value.
    pub(super) last: Hour,
}

/// All cubes and groups, in memory.
#[derive(Debug, Default)]
pub(super) struct Catalog {
    cubes: HashMap<Cube, CubeId>,
    cube_entries: HashMap<CubeId, CubeEntry>,
    groups: HashMap<Arc<Group>, GroupId>,
    group_names: HashMap<GroupId, Arc<Group>>,
    by_cuboid: HashMap<(AppId, Cuboid), Vec<GroupId>>,
    next_cube: u32,
    next_group: u32,
}

/// What a batch adds to the catalog; on disk with the batch's rows, in memory once these are there.
#[derive(Debug, Default)]
pub(super) struct Additions {
    pub(super) cubes: Vec<(CubeId, CubeEntry)>,
    pub(super) groups: Vec<(GroupId, Arc<Group>)>,
}

impl Catalog {
    /// Takes in what stands on disk, or has just been written.
    pub(super) fn apply(&mut self, additions: Additions) {
        for (id, entry) in additions.cubes {
            self.next_cube = self.next_cube.max(id.0 + 1);
            let cube = Cube { app: entry.app.clone(), metric: entry.metric.clone(), cuboid: entry.cuboid.clone() };
            self.cubes.insert(cube, id);
            self.cube_entries.insert(id, entry);
        }
        for (id, group) in additions.groups {
            self.next_group = self.next_group.max(id.0 + 1);
            self.by_cuboid.entry((group.app.clone(), group.cuboid.clone())).or_default().push(id);
            self.groups.insert(Arc::clone(&group), id);
            self.group_names.insert(id, group);
        }
    }

    /// The number of a cube, noted in `additions` when it is new or has its first value of `hour`.
    pub(super) fn cube_for_write(&self, cube: &Cube, hour: Hour, additions: &mut Additions) -> CubeId {
        let entry = |last| CubeEntry { app: cube.app.clone(), metric: cube.metric.clone(), cuboid: cube.cuboid.clone(), last };
        match self.cubes.get(cube) {
            Some(id) => {
                if self.cube_entries[id].last < hour {
                    additions.cubes.push((*id, entry(hour)));
                }
                *id
            }
            None => {
                let new = additions.cubes.iter().map(|(id, _)| id.0 + 1).max().unwrap_or(0).max(self.next_cube);
                additions.cubes.push((CubeId(new), entry(hour)));
                CubeId(new)
            }
        }
    }

    /// The number of a group, noted in `additions` when it is new.
    pub(super) fn group_for_write(&self, group: &Arc<Group>, additions: &mut Additions) -> GroupId {
        if let Some(id) = self.groups.get(group) {
            return *id;
        }
        let new = GroupId(additions.groups.last().map_or(self.next_group, |(last, _)| last.0 + 1));
        additions.groups.push((new, Arc::clone(group)));
        new
    }

    /// The number of a cube.
    pub(super) fn cube(&self, cube: &Cube) -> Option<CubeId> {
        self.cubes.get(cube).copied()
    }

    /// The group with a number.
    pub(super) fn group(&self, id: GroupId) -> Option<&Arc<Group>> {
        self.group_names.get(&id)
    }

    /// How many groups a cuboid has.
    pub(super) fn groups_of(&self, app: &AppId, cuboid: &Cuboid) -> usize {
        self.by_cuboid.get(&(app.clone(), cuboid.clone())).map_or(0, Vec::len)
    }

    /// The groups of a cuboid that pass the filters, each with its value of `group_by` (empty
    /// without), by number.
    pub(super) fn matching(&self, app: &AppId, cuboid: &Cuboid, filters: &[Filter], group_by: Option<&Dimension>) -> Vec<(GroupId, &str)> {
        let passes = |group: &Group| {
            filters
                .iter()
                .all(|filter| group.value(&filter.dimension).is_some_and(|value| filter.values.iter().any(|wanted| wanted == value)))
        };
        let value =
            |group: &'_ Arc<Group>| -> usize { group_by.and_then(|dimension| group.cuboid.position(dimension)).unwrap_or(usize::MAX) };
        let Some(ids) = self.by_cuboid.get(&(app.clone(), cuboid.clone())) else { return Vec::new() };
        let mut found: Vec<(GroupId, &str)> = ids
            .iter()
            .filter_map(|id| {
                let group = self.group_names.get(id)?;
                passes(group).then(|| (*id, group.values.get(value(group)).map_or("", AsRef::as_ref)))
            })
            .collect();
        found.sort_unstable();
        found
    }

    /// The metrics of an app with the last hour of each, by name and unit.
    pub(super) fn metrics(&self, app: &AppId) -> Vec<MetricEntry> {
        let mut last: std::collections::BTreeMap<&Metric, Hour> = std::collections::BTreeMap::new();
        for entry in self.cube_entries.values().filter(|entry| entry.app == *app) {
            let known = last.entry(&entry.metric).or_default();
            *known = (*known).max(entry.last);
        }
        last.into_iter().map(|(metric, last_hour)| MetricEntry { metric: metric.clone(), last_hour }).collect()
    }

    /// The values of a dimension in an app's groups, rising.
    pub(super) fn values(&self, app: &AppId, dimension: &Dimension) -> Vec<String> {
        let of = |(owner, cuboid): &(AppId, Cuboid)| if owner == app { cuboid.position(dimension) } else { None };
        let mut values: Vec<&str> = self
            .by_cuboid
            .iter()
            .filter_map(|(key, ids)| of(key).map(|at| (at, ids)))
            .flat_map(|(at, ids)| ids.iter().filter_map(move |id| self.group_names.get(id).map(|group| group.values[at].as_ref())))
            .collect();
        values.sort_unstable();
        values.dedup();
        values.into_iter().map(str::to_owned).collect()
    }

    /// How many groups there are.
    pub(super) fn groups(&self) -> usize {
        self.groups.len()
    }

    /// The groups for which `keep` is false, which are forgotten.
    pub(super) fn forget_groups(&mut self, keep: impl Fn(GroupId) -> bool) -> Vec<GroupId> {
        let dead: Vec<GroupId> = self.group_names.keys().copied().filter(|id| !keep(*id)).collect();
        for id in &dead {
            if let Some(group) = self.group_names.remove(id) {
                self.groups.remove(&group);
                if let Some(ids) = self.by_cuboid.get_mut(&(group.app.clone(), group.cuboid.clone())) {
                    ids.retain(|own| own != id);
                }
            }
        }
        dead
    }
}

#[cfg(test)]
mod tests {
    use schemas::{metric::MetricName, unit::Unit};

    use super::*;

    fn app() -> AppId {
        AppId::new("shop").unwrap()
    }

    fn group(route: &str, browser: &str) -> Arc<Group> {
        Arc::new(Group { app: app(), cuboid: "route,browser".parse().unwrap(), values: [route.into(), browser.into()].into() })
    }

    fn catalog(groups: &[Arc<Group>]) -> Catalog {
        let mut catalog = Catalog::default();
        let mut additions = Additions::default();
        for group in groups {
            catalog.group_for_write(group, &mut additions);
        }
        catalog.apply(additions);
        catalog
    }

    #[test]
    fn a_group_keeps_its_number_and_new_ones_get_the_next() {
        let catalog = catalog(&[group("/", "Chrome"), group("/", "Safari")]);
        let mut additions = Additions::default();
        assert_eq!(catalog.group_for_write(&group("/", "Safari"), &mut additions), GroupId(1));
        assert_eq!(catalog.group_for_write(&group("/x", "Safari"), &mut additions), GroupId(2));
        assert_eq!(catalog.group_for_write(&group("/y", "Safari"), &mut additions), GroupId(3));
        assert_eq!(additions.groups.len(), 2);
    }

    #[test]
    fn filters_keep_the_groups_with_one_of_their_values() {
        let catalog = catalog(&[group("/", "Chrome"), group("/", "Safari"), group("/x", "Firefox")]);
        let filter = Filter { dimension: Dimension::Browser, values: vec!["Safari".into(), "Firefox".into()] };
        let cuboid = "route,browser".parse().unwrap();
        assert_eq!(catalog.matching(&app(), &cuboid, &[filter], Some(&Dimension::Route)), [(GroupId(1), "/"), (GroupId(2), "/x")]);
        assert_eq!(catalog.matching(&app(), &cuboid, &[], None).len(), 3);
        assert_eq!(catalog.values(&app(), &Dimension::Browser), ["Chrome", "Firefox", "Safari"]);
    }

    #[test]
    fn a_metrics_last_hour_is_noted_once_an_hour() {
        let mut catalog = Catalog::default();
        let metric = Metric { name: MetricName::new("LCP").unwrap(), unit: Unit::Duration };
        let cube = Cube { app: app(), metric: metric.clone(), cuboid: Cuboid::default() };
        for (hour, noted) in [(5, 1), (5, 0), (4, 0), (6, 1)] {
            let mut additions = Additions::default();
            assert_eq!(catalog.cube_for_write(&cube, Hour(hour), &mut additions), CubeId(0));
            assert_eq!(additions.cubes.len(), noted, "hour {hour}");
            catalog.apply(additions);
        }
        assert_eq!(catalog.metrics(&app()), [MetricEntry { metric, last_hour: Hour(6) }]);
    }

    #[test]
    fn forgotten_groups_are_no_longer_found() {
        let mut catalog = catalog(&[group("/", "Chrome"), group("/", "Safari")]);
        assert_eq!(catalog.forget_groups(|id| id == GroupId(1)), [GroupId(0)]);
        assert_eq!(catalog.matching(&app(), &"route,browser".parse().unwrap(), &[], None).len(), 1);
        assert_eq!(catalog.values(&app(), &Dimension::Browser), ["Safari"]);
    }
}
