//! What a user agent tells: browser, its version, operating system, device class, and whether it is a
//! robot. The rules are uap-core's; the classes of devices, which it lacks, are ours.

use std::sync::Arc;

use quick_cache::sync::Cache;
use ua_parser::{Extractor, Regexes};

/// Distinct user agents that are remembered.
const CACHE_MAX: usize = 10_000;
/// Longer user agents are cut: the rules are costly, and real ones are shorter.
const AGENT_BYTES_MAX: usize = 512;

const RULES: &str = include_str!("../assets/uap-core/regexes.yaml");

/// A user agent as dimensions. Empty where it tells nothing.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Agent {
    /// The family, the same on all devices: `Chrome`, `Safari`, `Firefox`, `Edge`, `Samsung Internet` ...
    pub browser: String,
    /// Family and major version, such as `Chrome 151`.
    pub browser_version: String,
    /// Family and major version, such as `iOS 26`; `macOS` alone, whose version browsers have frozen.
    pub os: String,
    /// `desktop`, `mobile`, `tablet`, `tv` or `other`.
    pub device: &'static str,
    pub bot: bool,
}

/// Reads user agents, and remembers what it read.
pub struct Agents {
    extractor: Extractor<'static>,
    cache: Cache<Box<str>, Arc<Agent>>,
}

impl std::fmt::Debug for Agents {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Agents").field("cached", &self.cache.len()).finish_non_exhaustive()
    }
}

impl Default for Agents {
    fn default() -> Self {
        Self::new()
    }
}

impl Agents {
    /// Compiles the rules, which takes about a tenth of a second.
    #[expect(clippy::missing_panics_doc, reason = "the rules are part of the program")]
    pub fn new() -> Self {
        let rules: Regexes<'static> = serde_yaml_ng::from_str(RULES).expect("the rules are well-formed YAML");
        let extractor = Extractor::try_from(rules).expect("the rules are well-formed expressions");
        Self { extractor, cache: Cache::new(CACHE_MAX) }
    }

    /// What `user_agent` tells.
    pub fn read(&self, user_agent: &str) -> Arc<Agent> {
        let mut end = user_agent.len().min(AGENT_BYTES_MAX);
        while !user_agent.is_char_boundary(end) {
            end -= 1;
        }
        let user_agent = &user_agent[..end];
        if let Some(known) = self.cache.get(user_agent) {
            return known;
        }
        let agent = Arc::new(self.parse(user_agent));
        self.cache.insert(user_agent.into(), Arc::clone(&agent));
        agent
    }

    fn parse(&self, user_agent: &str) -> Agent {
        if user_agent.is_empty() {
            return Agent { device: "other", ..Agent::default() };
        }
        let (browser, os, device) = self.extractor.extract(user_agent);
        let bot = device.as_ref().is_some_and(|device| device.device == "Spider");
        let (family, major) = browser.map_or((String::new(), String::new()), |found| {
            (family_of(&found.family).to_owned(), found.major.unwrap_or_default().to_owned())
        });
        let os = os.map_or_else(String::new, |found| os_of(&found.os, found.major.as_deref()));
        let device = device_of(user_agent, &os);
        Agent { browser_version: joined(&family, &major), browser: family, os, device, bot }
    }
}

fn joined(family: &str, major: &str) -> String {
    if major.is_empty() { family.to_owned() } else { format!("{family} {major}") }
}

/// One name for a browser on all devices.
fn family_of(family: &str) -> &str {
    match family {
        "Chrome Mobile" | "Chrome Mobile iOS" => "Chrome",
        "Mobile Safari" => "Safari",
        "Mobile Safari UI/WKWebView" => "WebKit view",
        "Chrome Mobile WebView" => "Chrome view",
        "Firefox Mobile" | "Firefox iOS" => "Firefox",
        "Edge Mobile" => "Edge",
        "Opera Mobile" | "Opera Touch" => "Opera",
        other => other,
    }
}

fn os_of(family: &str, major: Option<&str>) -> String {
    match family {
        "Mac OS X" => "macOS".to_owned(),
        other => joined(other, major.unwrap_or_default()),
    }
}

fn device_of(user_agent: &str, os: &str) -> &'static str {
    const TV: [&str; 9] = ["SmartTV", "SMART-TV", "Smart TV", "AppleTV", "GoogleTV", "BRAVIA", "Web0S", "CrKey", "Roku"];
    let has = |text: &str| user_agent.contains(text);
    if TV.iter().any(|text| has(text)) {
        "tv"
    } else if has("iPad") || has("Tablet") || (has("Android") && !has("Mobile")) {
        "tablet"
    } else if has("Mobile") || has("iPhone") || has("iPod") {
        "mobile"
    } else if ["Windows", "macOS", "Linux", "Chrome OS", "Ubuntu", "Fedora"].iter().any(|desktop| os.starts_with(desktop)) {
        "desktop"
    } else {
        "other"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn current_browsers_are_told_apart() {
        let agents = Agents::new();
        let cases = [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/151.0.0.0 Safari/537.36",
                ("Chrome", "Chrome 151", "Windows 10", "desktop"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Safari/605.1.15",
                ("Safari", "Safari 26", "macOS", "desktop"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1",
                ("Safari", "Safari 26", "iOS 18", "mobile"),
            ),
            (
                "Mozilla/5.0 (iPad; CPU OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) CriOS/151.0.7000.1 Mobile/15E148 Safari/604.1",
                ("Chrome", "Chrome 151", "iOS 18", "tablet"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/151.0.0.0 Mobile Safari/537.36",
                ("Chrome", "Chrome 151", "Android 10", "mobile"),
            ),
            (
                "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/28.0 Chrome/130.0.0.0 Mobile Safari/537.36",
                ("Samsung Internet", "Samsung Internet 28", "Android 10", "mobile"),
            ),
            ("Mozilla/5.0 (X11; Linux x86_64; rv:149.0) Gecko/20100101 Firefox/149.0", ("Firefox", "Firefox 149", "Linux", "desktop")),
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/151.0.0.0 Safari/537.36 Edg/151.0.0.0",
                ("Edge", "Edge 151", "Windows 10", "desktop"),
            ),
            (
                "Mozilla/5.0 (SMART-TV; Linux; Tizen 8.0) AppleWebKit/537.36 (KHTML, like Gecko) SamsungBrowser/6.0 Chrome/108.0.0.0 TV Safari/537.36",
                ("Samsung Internet", "Samsung Internet 6", "Tizen 8", "tv"),
            ),
            ("", ("", "", "", "other")),
        ];
        for (user_agent, (browser, version, os, device)) in cases {
            let agent = agents.read(user_agent);
            assert_eq!(
                (&*agent.browser, &*agent.browser_version, &*agent.os, agent.device, agent.bot),
                (browser, version, os, device, false),
                "{user_agent}"
            );
        }
    }

    #[test]
    fn robots_are_known() {
        let agents = Agents::new();
        for robot in [
            "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)",
            "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm) Chrome/116.0.1938.76 Safari/537.36",
        ] {
            assert!(agents.read(robot).bot, "{robot}");
        }
    }

    #[test]
    fn endless_user_agents_are_cut_and_remembered_once() {
        let agents = Agents::new();
        let long = format!("Mozilla/5.0 {}", "ä".repeat(10_000));
        assert!(Arc::ptr_eq(&agents.read(&long), &agents.read(&long)));
    }
}
