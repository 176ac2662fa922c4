//! The last mile: what it adds to a round trip, and how fast it is.

use crate::draw::Draw;

/// A class of network between a visitor and the internet.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Connection {
    /// What the browser calls it, where it tells: `4g`, `3g`, `2g` or `slow-2g`.
    pub effective_type: &'static str,
    /// What it adds to a round trip, in milliseconds.
    pub rtt_ms: f64,
    /// Kilobits a second.
    pub kbps: f64,
}

const FIXED: Connection = Connection { effective_type: "4g", rtt_ms: 6.0, kbps: 60_000.0 };
const MOBILE: Connection = Connection { effective_type: "4g", rtt_ms: 38.0, kbps: 18_000.0 };
const SLOW: Connection = Connection { effective_type: "3g", rtt_ms: 240.0, kbps: 1_400.0 };
const SLOWER: Connection = Connection { effective_type: "2g", rtt_ms: 900.0, kbps: 240.0 };
const SLOWEST: Connection = Connection { effective_type: "slow-2g", rtt_ms: 1_900.0, kbps: 60.0 };

impl Connection {
    /// The connection of a visitor: `phone` or not, in a country where the share `slow` of the phones is
    /// on a slow network.
    pub(crate) fn draw(phone: bool, slow: f64, draw: &mut Draw) -> Self {
        // A third of the phones is at home.
        let slow = if phone { slow } else { slow * 0.2 };
        let fast = if phone && !draw.chance(0.33) { MOBILE } else { FIXED };
        if draw.chance(slow) { draw.pick(&[(SLOW, 0.85), (SLOWER, 0.12), (SLOWEST, 0.03)], |(_, weight)| *weight).0 } else { fast }
    }
}
