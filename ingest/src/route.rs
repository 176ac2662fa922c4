//! Routes: pages of the same kind under one name, such as `/product/:id`.
//!
//! A page that knows its route says so. For the others the app's rules are tried in order, and where
//! none fits, parts of the path that look like an id are collapsed.

use std::borrow::Cow;

/// The rules of one app, in order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RouteRules(Vec<Rule>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    pattern: String,
    parts: Vec<Part>,
    /// Whether anything may follow.
    open: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Exactly(String),
    Any,
}

/// A pattern that can't be a rule.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{pattern}` is no route: {why}")]
pub struct RouteError {
    pattern: String,
    why: &'static str,
}

impl RouteRules {
    /// The rules of `patterns`: paths in which `:name` stands for one part, and `*` at the end for
    /// everything that follows. The pattern is the route's name.
    ///
    /// # Errors
    /// When a pattern does not begin with `/`, or has `*` before its end.
    pub fn new<'a>(patterns: impl IntoIterator<Item = &'a str>) -> Result<Self, RouteError> {
        patterns.into_iter().map(Rule::new).collect::<Result<_, _>>().map(Self)
    }

    /// The route of a path.
    pub fn route<'a>(&'a self, path: &'a str) -> Cow<'a, str> {
        match self.0.iter().find(|rule| rule.fits(path)) {
            Some(rule) => Cow::Borrowed(&rule.pattern),
            None => collapse_ids(path),
        }
    }
}

impl Rule {
    fn new(pattern: &str) -> Result<Self, RouteError> {
        let error = |why| RouteError { pattern: pattern.to_owned(), why };
        let path = pattern.strip_prefix('/').ok_or_else(|| error("it begins with /"))?;
        let (path, open) = match path.strip_suffix('*') {
            Some(before) if before.is_empty() || before.ends_with('/') => (before.trim_end_matches('/'), true),
            Some(_) => return Err(error("`*` stands alone at the end, after a /")),
            None => (path, false),
        };
        if path.contains('*') {
            return Err(error("`*` stands alone at the end, after a /"));
        }
        let part = |part: &str| if part.starts_with(':') { Part::Any } else { Part::Exactly(part.to_owned()) };
        let parts = if path.is_empty() { Vec::new() } else { path.split('/').map(part).collect() };
        Ok(Self { pattern: pattern.to_owned(), parts, open })
    }

    fn fits(&self, path: &str) -> bool {
        let mut given = path.split('/').filter(|part| !part.is_empty());
        let all = self.parts.iter().filter(|part| !matches!(part, Part::Exactly(text) if text.is_empty())).all(|part| {
            match (part, given.next()) {
                (_, None) => false,
                (Part::Any, Some(_)) => true,
                (Part::Exactly(text), Some(part)) => text == part,
            }
        });
        all && (self.open || given.next().is_none())
    }
}

/// The path of an address: without scheme, host, query and fragment. A path is its own.
pub fn path_of(url: &str) -> &str {
    let after_host = match url.split_once("://") {
        Some((_, rest)) => rest.find(['/', '?', '#']).map_or("", |at| &rest[at..]),
        None => url,
    };
    let path = after_host.find(['?', '#']).map_or(after_host, |at| &after_host[..at]);
    if path.is_empty() { "/" } else { path }
}

/// An address without query, fragment and credentials.
pub fn public_url(url: &str) -> Cow<'_, str> {
    let url = url.find(['?', '#']).map_or(url, |at| &url[..at]);
    let Some((scheme, rest)) = url.split_once("://") else { return Cow::Borrowed(url) };
    let host_end = rest.find('/').unwrap_or(rest.len());
    match rest[..host_end].rfind('@') {
        Some(at) => Cow::Owned(format!("{scheme}://{}", &rest[at + 1..])),
        None => Cow::Borrowed(url),
    }
}

/// `path` with each part that looks like an id replaced by `:id`.
fn collapse_ids(path: &str) -> Cow<'_, str> {
    if !path.split('/').any(looks_like_id) {
        return Cow::Borrowed(path);
    }
    let parts: Vec<&str> = path.split('/').map(|part| if looks_like_id(part) { ":id" } else { part }).collect();
    Cow::Owned(parts.join("/"))
}

/// Numbers, UUIDs, long hexadecimal texts, and long texts with several digits in them. A version such
/// as `v2`, a year in a slug, or a word is none.
fn looks_like_id(part: &str) -> bool {
    let digits = part.bytes().filter(u8::is_ascii_digit).count();
    let hex = part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    let token = part.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
    let numeric = digits > 0 && part.bytes().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-' | b'_'));
    numeric || (hex && digits > 0 && part.len() >= 8) || (token && !part.contains('-') && digits >= 3 && part.len() >= 12)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_are_tried_in_order_and_name_the_route() {
        let rules = RouteRules::new(["/product/new", "/product/:id", "/docs/*", "/"]).unwrap();
        let cases = [
            ("/", "/"),
            ("/product/new", "/product/new"),
            ("/product/red-shoes", "/product/:id"),
            ("/product/red-shoes/", "/product/:id"),
            ("/product/1/reviews", "/product/:id/reviews"),
            ("/docs/a/b", "/docs/*"),
            ("/docs", "/docs/*"),
            ("/about", "/about"),
        ];
        for (path, route) in cases {
            assert_eq!(rules.route(path), if path.ends_with("reviews") { "/product/:id/reviews" } else { route }, "{path}");
        }
    }

    #[test]
    fn patterns_that_make_no_rule_are_refused() {
        for pattern in ["product", "/a*", "/*/b"] {
            assert!(RouteRules::new([pattern]).is_err(), "{pattern}");
        }
    }

    #[test]
    fn parts_that_look_like_an_id_are_collapsed_and_words_are_not() {
        let rules = RouteRules::default();
        let cases = [
            ("/product/4711", "/product/:id"),
            ("/u/9f8b3c2e-0d4a-4f6b-8a55-1234567890ab/edit", "/u/:id/edit"),
            ("/c/deadbeef01", "/c/:id"),
            ("/t/01JD7Q2M8Y3V9K4T6W5X7Z0ABC", "/t/:id"),
            ("/2024/11/21/post", "/:id/:id/:id/post"),
            ("/v2/checkout", "/v2/checkout"),
            ("/best-of-2024-in-review", "/best-of-2024-in-review"),
            ("/facade", "/facade"),
            ("/", "/"),
        ];
        for (path, route) in cases {
            assert_eq!(rules.route(path), route, "{path}");
        }
    }

    #[test]
    fn addresses_lose_what_is_private() {
        let cases = [
            ("https://user:pass@shop.example/a/b?x=1#y", "/a/b", "https://shop.example/a/b"),
            ("https://shop.example", "/", "https://shop.example"),
            ("https://shop.example?x", "/", "https://shop.example"),
            ("/a?b", "/a", "/a"),
            ("", "/", ""),
        ];
        for (url, path, public) in cases {
            assert_eq!((path_of(url), &*public_url(url)), (path, public), "{url}");
        }
    }
}
