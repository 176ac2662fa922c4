//! The generator: the traffic of an imagined shop's users, made from a seed, and the truth about it.
//!
//! A [`population`] visits: each minute some visits begin, a visit has page views, a page view becomes one
//! or two [`delivery`]s, some of them late, repeated, a robot's or hostile. A [`scenario`] says what goes
//! wrong when. All of that is the [`stream`], a pure function of [`traffic`] and a span of time. The
//! [`driver`] sends a stream over HTTP to an intake and keeps the [`truth`]: what the server must have
//! counted of all that it acknowledged. A simulation takes the stream and the truth without the driver.
//!
//! It knows the contract of beacons and nothing else of the server: what it expects of it stands in
//! [`delivery::fate`] and [`delivery::hostile`].

mod cycle;
pub mod delivery;
mod draw;
pub mod driver;
pub mod options;
mod page;
pub mod population;
pub mod scenario;
pub mod stream;
pub mod traffic;
pub mod truth;

pub use delivery::{Delivery, Kind, context::FLOODED, post::LONG_TASK};
pub use driver::{Progress, RunError, Summary, run, run_reporting};
pub use options::{Mode, Options};
pub use page::{measurement::MARGIN_MS, view::TTFT};
pub use scenario::Scenario;
pub use stream::Stream;
pub use traffic::{Rates, Traffic};
pub use truth::{Truth, TruthOptions};
