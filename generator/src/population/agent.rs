//! Browsers and robots: the user agents that they send, and what a parser makes of them.
//!
//! The names beside each are those that the intake shows.

use schemas::time::Timestamp;

use super::version::{self, Cadence};
use crate::draw::Draw;

/// A browser of one version on one kind of device, or a robot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Agent {
    /// The value of the `User-Agent` header.
    pub user_agent: String,
    /// The browser's family as the intake names it, such as `Chrome`.
    pub browser: &'static str,
    /// Family and major version, such as `Chrome 151`.
    pub browser_version: String,
    /// The operating system with its major version, where the user agent has one, such as `iOS 18`.
    pub os: &'static str,
    pub device: Device,
    pub engine: Engine,
    pub major: u32,
    /// Whether it is a known robot.
    pub bot: bool,
}

/// The class of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Device {
    Desktop,
    Mobile,
    Tablet,
}

impl Device {
    /// Its name as a dimension's value.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Desktop => "desktop",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
        }
    }
}

/// What renders the page, and so which metrics there are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Chromium,
    Gecko,
    WebKit,
}

/// A browser on a platform, in any version.
struct Make {
    /// How many use it among those of its class.
    weight: f64,
    browser: &'static str,
    os: &'static str,
    device: Device,
    engine: Engine,
    cadence: Cadence,
    /// Mean days that people are behind the current version.
    lag_days: f64,
    /// The user agent, `{v}` in place of the major version.
    template: &'static str,
}

/// Which makes a visitor is picked from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Class {
    Desktop,
    IPhone,
    AndroidPhone,
    Tablet,
}

#[rustfmt::skip]
#[expect(clippy::too_many_arguments, reason = "a row of the tables below")]
const fn make(
    weight: f64, browser: &'static str, os: &'static str, device: Device, engine: Engine, cadence: Cadence, lag_days: f64, template: &'static str,
) -> Make {
    Make { weight, browser, os, device, engine, cadence, lag_days, template }
}

use Device::{Desktop, Mobile, Tablet};
use Engine::{Chromium, Gecko, WebKit};
use version::{CHROME, EDGE, FIREFOX, SAFARI, SAMSUNG};

const DESKTOPS: &[Make] = &[
    make(
        46.0,
        "Chrome",
        "Windows 10",
        Desktop,
        Chromium,
        CHROME,
        6.0,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    ),
    make(
        13.0,
        "Chrome",
        "macOS",
        Desktop,
        Chromium,
        CHROME,
        6.0,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    ),
    make(
        3.0,
        "Chrome",
        "Linux",
        Desktop,
        Chromium,
        CHROME,
        6.0,
        "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    ),
    make(
        15.0,
        "Edge",
        "Windows 10",
        Desktop,
        Chromium,
        EDGE,
        8.0,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36 Edg/{v}.0.0.0",
    ),
    make(
        14.0,
        "Safari",
        "macOS",
        Desktop,
        WebKit,
        SAFARI,
        45.0,
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v}.1 Safari/605.1.15",
    ),
    make(
        7.0,
        "Firefox",
        "Windows 10",
        Desktop,
        Gecko,
        FIREFOX,
        10.0,
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0",
    ),
    make(2.0, "Firefox", "Linux", Desktop, Gecko, FIREFOX, 10.0, "Mozilla/5.0 (X11; Linux x86_64; rv:{v}.0) Gecko/20100101 Firefox/{v}.0"),
];

// Since iOS 26 the user agent says iOS 18 whatever the version.
const IPHONES: &[Make] = &[
    make(
        92.0,
        "Safari",
        "iOS 18",
        Mobile,
        WebKit,
        SAFARI,
        45.0,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v}.1 Mobile/15E148 Safari/604.1",
    ),
    make(
        8.0,
        "Chrome",
        "iOS 18",
        Mobile,
        WebKit,
        CHROME,
        12.0,
        "Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/{v}.0.6998.99 Mobile/15E148 Safari/604.1",
    ),
];

// Chrome says Android 10 and model K whatever the device.
const ANDROID_PHONES: &[Make] = &[
    make(
        84.0,
        "Chrome",
        "Android 10",
        Mobile,
        Chromium,
        CHROME,
        9.0,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Mobile Safari/537.36",
    ),
    make(
        12.0,
        "Samsung Internet",
        "Android 10",
        Mobile,
        Chromium,
        SAMSUNG,
        40.0,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/{v}.0 Chrome/136.0.0.0 Mobile Safari/537.36",
    ),
    make(
        4.0,
        "Firefox",
        "Android 15",
        Mobile,
        Gecko,
        FIREFOX,
        10.0,
        "Mozilla/5.0 (Android 15; Mobile; rv:{v}.0) Gecko/{v}.0 Firefox/{v}.0",
    ),
];

// An iPad with Safari's default settings can't be told from a Mac; these ask for mobile pages.
const TABLETS: &[Make] = &[
    make(
        55.0,
        "Safari",
        "iOS 18",
        Tablet,
        WebKit,
        SAFARI,
        45.0,
        "Mozilla/5.0 (iPad; CPU OS 18_7 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/{v}.1 Mobile/15E148 Safari/604.1",
    ),
    make(
        45.0,
        "Chrome",
        "Android 10",
        Tablet,
        Chromium,
        CHROME,
        9.0,
        "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/{v}.0.0.0 Safari/537.36",
    ),
];

/// User agents of robots that run scripts, and so send beacons.
const BOTS: [&str; 6] = [
    "Mozilla/5.0 (Linux; Android 6.0.1; Nexus 5X Build/MMB29P) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/151.0.0.0 Mobile Safari/537.36 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/136.0.0.0 Safari/537.36",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/13.1.1 Safari/605.1.15 (Applebot/0.1; +http://www.apple.com/go/applebot)",
    "Mozilla/5.0 (compatible; YandexBot/3.0; +http://yandex.com/bots)",
    "Mozilla/5.0 (compatible; SemrushBot/7~bl; +http://www.semrush.com/bot.html)",
];

impl Agent {
    /// A browser of `class` at `at`, of a version that somebody may have then.
    pub(crate) fn draw(class: Class, at: Timestamp, draw: &mut Draw) -> Self {
        let makes = match class {
            Class::Desktop => DESKTOPS,
            Class::IPhone => IPHONES,
            Class::AndroidPhone => ANDROID_PHONES,
            Class::Tablet => TABLETS,
        };
        let make = draw.pick(makes, |make| make.weight);
        let lag = version::lag_days(make.lag_days, draw);
        make.of_major(make.cadence.major_behind(at, lag))
    }

    /// A robot.
    pub(crate) fn draw_bot(draw: &mut Draw) -> Self {
        Self::bot(BOTS[draw.below(BOTS.len() as u64) as usize])
    }

    fn bot(user_agent: &str) -> Self {
        Self {
            user_agent: user_agent.to_owned(),
            browser: "",
            browser_version: String::new(),
            os: "",
            device: Desktop,
            engine: Chromium,
            major: 0,
            bot: true,
        }
    }

    /// Every browser of the population in its version current at `at`, and every robot.
    pub fn all(at: Timestamp) -> Vec<Self> {
        let makes = [DESKTOPS, IPHONES, ANDROID_PHONES, TABLETS].into_iter().flatten();
        makes.map(|make| make.of_major(make.cadence.major(at))).chain(BOTS.into_iter().map(Self::bot)).collect()
    }
}

impl Make {
    fn of_major(&self, major: u32) -> Agent {
        let version = major.to_string();
        Agent {
            user_agent: self.template.replace("{v}", &version),
            browser: self.browser,
            browser_version: format!("{} {version}", self.browser),
            os: self.os,
            device: self.device,
            engine: self.engine,
            major,
            bot: false,
        }
    }
}
