//! Parameters of a request: each is taken by name, and one that nobody takes is an error.

use std::time::Duration;

use schemas::time::Timestamp;

use crate::error::{ApiError, near};

/// The parameters of one request's query.
pub(crate) struct Params {
    given: Vec<(String, String)>,
    asked: Vec<&'static str>,
}

impl Params {
    /// Those of a URL's query.
    pub(crate) fn of_query(query: Option<&str>) -> Self {
        Self { given: form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect(), asked: Vec::new() }
    }

    /// Every value of a repeatable parameter.
    pub(crate) fn all(&mut self, name: &'static str) -> Vec<String> {
        self.asked.push(name);
        self.given.iter().filter(|(given, _)| given == name).map(|(_, value)| value.clone()).collect()
    }

    /// The value of a parameter that may be left out; empty counts as left out.
    pub(crate) fn optional(&mut self, name: &'static str) -> Result<Option<String>, ApiError> {
        let mut values = self.all(name);
        if values.len() > 1 {
            return Err(ApiError::invalid(name, "it stands there more than once", "give it once"));
        }
        Ok(values.pop().filter(|value| !value.is_empty()))
    }

    /// The value of a parameter that must be there.
    pub(crate) fn required(&mut self, name: &'static str, hint: &str) -> Result<String, ApiError> {
        self.optional(name)?.ok_or_else(|| ApiError::invalid(name, "it is missing", hint))
    }

    /// A number in `[min, max]`.
    pub(crate) fn number(&mut self, name: &'static str, default: usize, min: usize, max: usize) -> Result<usize, ApiError> {
        let Some(text) = self.optional(name)? else { return Ok(default) };
        match text.parse() {
            Ok(number) if (min..=max).contains(&number) => Ok(number),
            _ => Err(ApiError::invalid(
                name,
                format!("`{text}` is not a whole number in [{min}, {max}]"),
                format!("such as {name}={default}"),
            )),
        }
    }

    /// A point in time.
    pub(crate) fn time(&mut self, name: &'static str, default: Timestamp, now: Timestamp) -> Result<Timestamp, ApiError> {
        let Some(text) = self.optional(name)? else { return Ok(default) };
        parse_time(&text, now).ok_or_else(|| {
            ApiError::invalid(
                name,
                format!("`{text}` is no time"),
                "use RFC 3339 (2026-11-21T10:00:00Z), seconds since 1970, now, or now-1h",
            )
        })
    }

    /// That every parameter was taken.
    pub(crate) fn finish(self) -> Result<(), ApiError> {
        match self.given.iter().find(|(name, _)| !self.asked.contains(&name.as_str())) {
            None => Ok(()),
            Some((name, _)) => Err(ApiError::invalid(
                name,
                "there is no such parameter here",
                format!("did you mean {}?", near(name, self.asked.iter().copied()).join(" or ")),
            )),
        }
    }
}

/// A time as RFC 3339, seconds since the Unix epoch, or relative to now.
fn parse_time(text: &str, now: Timestamp) -> Option<Timestamp> {
    if let Some(rest) = text.strip_prefix("now") {
        return match rest.split_at_checked(1) {
            None => rest.is_empty().then_some(now),
            Some(("-", ago)) => humantime::parse_duration(ago).ok().map(|ago| now.minus(ago)),
            // In a URL an unescaped plus is a blank.
            Some(("+" | " ", ahead)) => humantime::parse_duration(ahead).ok().map(|ahead| now.plus(ahead)),
            Some(_) => None,
        };
    }
    if let Ok(seconds) = text.parse::<f64>() {
        // Up to the year 9999.
        return (0.0..253_402_300_800.0).contains(&seconds).then(|| Timestamp::from_ms(0).plus(Duration::from_secs_f64(seconds)));
    }
    text.replace(' ', "+").parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::from_ms(1_763_719_200_000);

    #[test]
    fn times_are_read_in_every_form() {
        let cases = [
            ("now", Some(1_763_719_200_000)),
            ("now-1h", Some(1_763_715_600_000)),
            ("now-7d", Some(1_763_114_400_000)),
            ("1763719200", Some(1_763_719_200_000)),
            ("1763719200.5", Some(1_763_719_200_500)),
            ("2025-11-21T10:00:00Z", Some(1_763_719_200_000)),
            ("2025-11-21T11:00:00 01:00", Some(1_763_719_200_000)),
            ("yesterday", None),
            ("now-", None),
            ("nowhere", None),
            ("-5", None),
            ("1e30", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_time(text, NOW).map(Timestamp::as_ms), expected, "{text}");
        }
    }

    #[test]
    fn what_nobody_takes_is_an_error_with_the_name_that_was_meant() {
        let mut params = Params::of_query(Some("app=shop&metrik=LCP"));
        assert_eq!(params.required("app", "").unwrap(), "shop");
        assert_eq!(params.optional("metric").unwrap(), None);
        let ApiError::InvalidParameter { name, hint, .. } = params.finish().unwrap_err() else { panic!("another error") };
        assert_eq!((name.as_str(), hint.as_str()), ("metrik", "did you mean metric?"));
    }
}
