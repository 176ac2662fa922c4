//! Decoding: a body becomes a beacon, ours or the web-vitals library's. Nothing in it is trusted yet.

use schemas::beacon::{Beacon, RawEvent, WebVital};

use crate::error::Refusal;

/// A body, read.
#[derive(Debug)]
pub enum Decoded<'a> {
    /// Our own beacon.
    Ours(Box<Beacon<'a, RawEvent<'a>>>),
    /// Bare objects of the web-vitals library.
    Vitals(Vec<RawEvent<'a>>),
}

/// Reads a body: one of our beacons, one web-vitals object, or an array of these.
///
/// # Errors
/// When it is neither, with the place of the mistake.
pub fn decode(body: &[u8]) -> Result<Decoded<'_>, Refusal> {
    let text =
        std::str::from_utf8(body).map_err(|error| Refusal::InvalidJson(format!("it is not UTF-8 at byte {}", error.valid_up_to())))?;
    let text = text.trim_start_matches('\u{feff}').trim();
    match text.as_bytes().first() {
        None => Err(Refusal::NotABeacon("the body is empty")),
        Some(b'[') => Ok(Decoded::Vitals(serde_json::from_str(text).map_err(|error| invalid(&error))?)),
        Some(b'{') => decode_object(text),
        Some(_) => match serde_json::from_str::<serde::de::IgnoredAny>(text) {
            Ok(_) => Err(Refusal::NotABeacon("the body is neither an object nor an array")),
            Err(error) => Err(invalid(&error)),
        },
    }
}

fn decode_object(text: &str) -> Result<Decoded<'_>, Refusal> {
    let beacon: Beacon<'_, RawEvent<'_>> = serde_json::from_str(text).map_err(|error| {
        // Well-formed, but not a beacon's form: another message helps more.
        if error.is_data() { Refusal::InvalidBeacon(error.to_string()) } else { invalid(&error) }
    })?;
    if beacon.events.is_some() {
        return Ok(Decoded::Ours(Box::new(beacon)));
    }
    let vital: WebVital<'_> = serde_json::from_str(text).map_err(|error| Refusal::InvalidBeacon(error.to_string()))?;
    if vital.name.is_none() {
        return Err(Refusal::NotABeacon("the body has neither `events` nor a web-vitals `name`"));
    }
    Ok(Decoded::Vitals(vec![serde_json::from_str(text).map_err(|error| invalid(&error))?]))
}

fn invalid(error: &serde_json::Error) -> Refusal {
    Refusal::InvalidJson(error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reason(body: &[u8]) -> &'static str {
        decode(body).map(|_| "").map_err(|refusal| refusal.reason()).unwrap_or_else(|reason| reason)
    }

    #[test]
    fn our_beacons_and_web_vitals_are_told_apart() {
        assert!(matches!(decode(br#" {"events":[]}"#), Ok(Decoded::Ours(_))));
        assert!(matches!(decode(br#"{"name":"LCP","value":1}"#), Ok(Decoded::Vitals(vitals)) if vitals.len() == 1));
        assert!(
            matches!(decode(br#"[{"name":"LCP","value":1},{"name":"CLS","value":0}]"#), Ok(Decoded::Vitals(vitals)) if vitals.len() == 2)
        );
    }

    #[test]
    fn what_is_neither_is_refused_with_the_reason() {
        for (body, expected) in [
            (&b""[..], "not_a_beacon"),
            (b"7", "not_a_beacon"),
            (b"{}", "not_a_beacon"),
            (b"hello", "invalid_json"),
            (b"{\"events\":[", "invalid_json"),
            (b"{\"events\":7}", "invalid_beacon"),
            (b"\xff\xfe", "invalid_json"),
        ] {
            assert_eq!(reason(body), expected, "{}", String::from_utf8_lossy(body));
        }
        assert!(decode(b"{\"a\":\n tru}").unwrap_err().to_string().contains("line 2"));
    }
}
