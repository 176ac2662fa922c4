//! Self-metrics: which ones there are, and which ones a question to Prometheus names.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// The kinds of all self-metrics by name, from the `metrics.rs` of each room.
pub fn described(root: &Path) -> BTreeMap<String, String> {
    let rooms = fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path().join("src/metrics.rs"));
    rooms.filter_map(|file| fs::read_to_string(file).ok()).flat_map(|text| described_in(&text)).collect()
}

/// Those that one file names in a constant and describes with it.
fn described_in(text: &str) -> BTreeMap<String, String> {
    let constant = |line: &str| {
        let (name, rest) = line.split_once("const ")?.1.split_once(": &str = \"")?;
        Some((name.to_owned(), rest.split_once('"')?.0.to_owned()))
    };
    let constants: BTreeMap<_, _> = text.lines().filter_map(constant).collect();
    let described = text.split("name: ").skip(1).filter_map(|part| {
        let (name, rest) = part.split_once(',')?;
        let kind = rest.trim_start().strip_prefix("kind: Kind::")?.split(',').next()?;
        Some((constants.get(name.trim())?.clone(), kind.to_owned()))
    });
    described.filter(|(name, _)| name.starts_with("icarus_")).collect()
}

/// The names of metrics in a question.
pub fn asked(question: &str) -> BTreeSet<String> {
    let bare = without_lists(&without(&without(&without(question, '"', '"'), '{', '}'), '[', ']'));
    let mut found = BTreeSet::new();
    let mut rest = bare.as_str();
    while let Some(at) = rest.find(|c: char| c.is_ascii_alphanumeric() || c == '_') {
        let word: String = rest[at..].chars().take_while(|c| c.is_ascii_alphanumeric() || "_:".contains(*c)).collect();
        rest = &rest[at + word.len()..];
        let function = rest.trim_start().starts_with('(');
        if !function && !word.starts_with(|c: char| c.is_ascii_digit()) && !KEYWORDS.contains(&word.as_str()) {
            found.insert(word);
        }
    }
    found
}

const KEYWORDS: [&str; 10] = ["and", "or", "unless", "offset", "bool", "by", "without", "on", "ignoring", "group_left"];

/// `text` without what stands between `open` and the next `close`.
fn without(text: &str, open: char, close: char) -> String {
    let mut kept = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(open) {
        kept.push_str(before);
        kept.push(' ');
        rest = after.split_once(close).map_or("", |(_, after)| after);
    }
    kept + rest
}

/// `text` without the lists of labels after `by` and the like.
fn without_lists(text: &str) -> String {
    let mut text = text.to_owned();
    for word in ["by", "without", "on", "ignoring"] {
        for list in [format!(" {word} ("), format!(" {word}(")] {
            while let Some(at) = text.find(&list) {
                let end = text[at..].find(')').map_or(text.len(), |end| at + end + 1);
                text.replace_range(at..end, " ");
            }
        }
    }
    text
}

/// The names that are neither described nor among `foreign`, and histograms that are not asked by their series.
pub fn unknown(question: &str, described: &BTreeMap<String, String>, foreign: &[&str]) -> Vec<String> {
    let known = |name: &String| {
        let histogram = ["_bucket", "_sum", "_count"].iter().find_map(|suffix| name.strip_suffix(suffix));
        foreign.contains(&name.as_str())
            || described.get(name).is_some_and(|kind| kind != "Histogram")
            || histogram.is_some_and(|name| described.get(name).is_some_and(|kind| kind == "Histogram"))
    };
    asked(question).into_iter().filter(|name| !known(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_in_a_question_are_found_and_nothing_else() {
        let question = "sum by (le, role) (rate(a_total{x=~\"b|c\", y=\"d\"}[5m])) / on (z) e unless e offset 15m > 0.5 and deriv(sum(f)[15m:1m]) > 1e3";
        assert_eq!(asked(question).into_iter().collect::<Vec<_>>(), ["a_total", "e", "f"]);
    }

    #[test]
    fn a_metric_that_no_room_describes_is_named() {
        let text = "const A: &str = \"icarus_a_total\";\nconst B: &str = \"icarus_b_seconds\";\nconst C: &str = \"icarus_c\";\n\
                    SelfMetric { name: A, kind: Kind::Counter, help: \"\" }, SelfMetric {\n name: B,\n kind: Kind::Histogram,\n }";
        let described = described_in(text);
        assert_eq!(described.len(), 2, "C is not described");
        assert!(unknown("rate(icarus_a_total[1m]) + icarus_b_seconds_count + up", &described, &["up"]).is_empty());
        assert_eq!(unknown("icarus_c + icarus_b_seconds + icarus_a_total_bucket", &described, &[]).len(), 3);
    }
}
