//! Who visits: countries, browsers and connections, the routes of a shop, and its releases.

pub mod agent;
pub mod connection;
pub mod country;
pub mod release;
pub mod route;
pub(crate) mod version;
pub(crate) mod visitor;
