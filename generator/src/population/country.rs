//! Where visitors are: how many, at which local time, how far from a server, with which devices.

/// A country and its share of the visitors.
#[derive(Debug, Clone, Copy)]
pub struct Country {
    /// ISO 3166-1 alpha-2.
    pub code: &'static str,
    /// Its share of the sessions of a week, relative to the others'.
    pub weight: f64,
    /// Minutes that its clocks are ahead of UTC, all year.
    pub utc_offset_min: i32,
    /// The median round trip to the nearest server over a good connection, in milliseconds.
    pub rtt_ms: f64,
    /// The share of sessions on phones, in [0, 1].
    pub phones: f64,
    /// The share of iPhones among those, in [0, 1].
    pub iphones: f64,
    /// The share of phones on a slow network, in [0, 1].
    pub slow: f64,
}

#[rustfmt::skip]
const fn country(
    code: &'static str, weight: f64, utc_offset_min: i32, rtt_ms: f64, phones: f64, iphones: f64, slow: f64,
) -> Country {
    Country { code, weight, utc_offset_min, rtt_ms, phones, iphones, slow }
}

/// The countries that visitors come from. The shares are invented; their order of size is not.
pub const COUNTRIES: [Country; 14] = [
    country("US", 26.0, -300, 24.0, 0.48, 0.57, 0.03),
    country("IN", 13.0, 330, 62.0, 0.78, 0.05, 0.24),
    country("BR", 11.0, -180, 46.0, 0.64, 0.18, 0.15),
    country("DE", 9.0, 60, 18.0, 0.46, 0.38, 0.03),
    country("GB", 8.0, 0, 17.0, 0.52, 0.52, 0.03),
    country("FR", 6.0, 60, 21.0, 0.50, 0.36, 0.04),
    country("JP", 6.0, 540, 16.0, 0.50, 0.62, 0.02),
    country("MX", 4.0, -360, 52.0, 0.62, 0.22, 0.13),
    country("CA", 4.0, -300, 25.0, 0.47, 0.58, 0.03),
    country("AU", 3.0, 600, 34.0, 0.50, 0.58, 0.04),
    country("PL", 3.0, 60, 26.0, 0.54, 0.14, 0.05),
    country("KR", 3.0, 540, 14.0, 0.55, 0.28, 0.01),
    country("ZA", 2.0, 120, 74.0, 0.66, 0.16, 0.18),
    country("NG", 2.0, 60, 112.0, 0.84, 0.08, 0.36),
];
