//! The shell that every role shares. It knows nothing of beacons or rollups: only how a long-running
//! process of this project is configured, told the time, watched and stopped.

pub mod clock;
pub mod config;
pub mod health;
pub mod logging;
pub mod metrics;
pub mod pace;
pub mod server;
pub mod shares;
pub mod shutdown;
