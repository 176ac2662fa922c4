//! Apps: whose pages send beacons.

use std::{borrow::Borrow, fmt, sync::Arc};

use serde::{Deserialize, Serialize};

use crate::{
    cuboid::{self, Cuboid},
    dimension::{Dimension, DimensionName},
};

/// An app's id: 1 to 64 characters of `a-z 0-9 - _`, the first a letter or digit. Cheap to clone.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct AppId(Arc<str>);

/// A text that can't name an app.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{0}` can't name an app: use 1 to 64 characters of a-z 0-9 - _, the first a letter or digit")]
pub struct AppIdError(String);

impl AppId {
    /// Takes `id` if it can name an app.
    ///
    /// # Errors
    /// When it is empty, too long, or has other characters.
    pub fn new(id: &str) -> Result<Self, AppIdError> {
        let known = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || matches!(b, b'-' | b'_');
        match id.as_bytes() {
            [first, rest @ ..] if first.is_ascii_alphanumeric() && known(*first) && rest.len() < 64 && rest.iter().all(|b| known(*b)) => {
                Ok(Self(id.into()))
            }
            _ => Err(AppIdError(id.to_owned())),
        }
    }

    /// The id.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for AppId {
    type Error = AppIdError;
    fn try_from(id: String) -> Result<Self, AppIdError> {
        Self::new(&id)
    }
}

impl From<AppId> for String {
    fn from(id: AppId) -> Self {
        id.0.as_ref().into()
    }
}

impl Borrow<str> for AppId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What every room may know of an app: how its events are sliced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct App {
    pub id: AppId,
    /// Its own dimensions; at most [`crate::dimension::CUSTOM_MAX`].
    pub custom: Vec<DimensionName>,
    /// The sets of dimensions for which rollups are kept; the total is always among them.
    pub cuboids: Vec<Cuboid>,
}

impl App {
    /// An app with the default cuboids.
    pub fn new(id: AppId, custom: Vec<DimensionName>) -> Self {
        let cuboids = cuboid::defaults(&custom);
        Self { id, custom, cuboids }
    }

    /// The dimensions that it can be asked about: those that stand in a cuboid.
    pub fn dimensions(&self) -> Vec<Dimension> {
        let mut all: Vec<_> = self.cuboids.iter().flat_map(|cuboid| cuboid.dimensions().iter().cloned()).collect();
        all.sort();
        all.dedup();
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_checked() {
        for good in ["shop", "my-app_2", "2nd"] {
            assert!(AppId::new(good).is_ok(), "{good}");
        }
        for bad in ["", "Shop", "-x", "a b", "a/b"] {
            assert!(AppId::new(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn an_app_can_be_asked_about_the_dimensions_of_its_cuboids() {
        let app = App::new(AppId::new("shop").unwrap(), vec![DimensionName::new("plan").unwrap()]);
        let names: Vec<_> = app.dimensions().iter().map(ToString::to_string).collect();
        assert!(names.contains(&"plan".to_owned()) && names.contains(&"route".to_owned()));
        assert!(!names.contains(&"navigation_type".to_owned()));
    }
}
