//! The runbook: that each alert has its section, and each text it quotes stands in the code.

use std::{collections::BTreeSet, fs, path::Path};

/// The anchors of the headings, as Markdown's readers make them.
pub fn anchors(markdown: &str) -> BTreeSet<String> {
    let heading = |line: &str| {
        let title = line.trim_start_matches('#').strip_prefix(' ')?;
        line.starts_with('#').then(|| {
            let kept = title.to_lowercase().chars().filter(|c| c.is_alphanumeric() || " -_".contains(*c)).collect::<String>();
            kept.replace(' ', "-")
        })
    };
    markdown.lines().filter_map(heading).collect()
}

/// The texts that are quoted as the program's own: lines that begin with `> `, as they stand there.
pub fn quoted(markdown: &str) -> Vec<&str> {
    markdown.lines().filter_map(|line| line.strip_prefix("> ")).collect()
}

/// The pieces of a quotation between its ellipses, which stand for what differs each time.
fn pieces(quotation: &str) -> impl Iterator<Item = &str> {
    quotation.split('…').map(str::trim).filter(|piece| !piece.is_empty())
}

/// Quotations of which a piece stands nowhere in the sources.
pub fn misquoted(markdown: &str, sources: &str) -> Vec<String> {
    quoted(markdown).into_iter().filter(|quotation| !pieces(quotation).all(|piece| sources.contains(piece))).map(str::to_owned).collect()
}

/// The sources of the rooms that run, with texts over several lines as they are printed.
pub fn sources(root: &Path) -> String {
    let mut text = String::new();
    for entry in fs::read_dir(root).unwrap() {
        let source = entry.unwrap().path().join("src");
        if source.is_dir() && !source.starts_with(root.join("e2e")) {
            collect(&source, &mut text);
        }
    }
    joined(&text)
}

fn collect(dir: &Path, text: &mut String) {
    for entry in fs::read_dir(dir).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            collect(&path, text);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            text.push_str(&fs::read_to_string(&path).unwrap());
        }
    }
}

/// Strings that go on after a backslash at a line's end, on one line.
fn joined(text: &str) -> String {
    let mut lines = text.split("\\\n");
    let mut all = lines.next().unwrap_or_default().to_owned();
    lines.for_each(|line| all.push_str(line.trim_start()));
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headings_have_the_anchors_that_links_name() {
        let anchors = anchors("# A page\n## Kafka is lost: what now?\n#no heading\n### IcarusRoleDown\n");
        assert_eq!(anchors.into_iter().collect::<Vec<_>>(), ["a-page", "icarusroledown", "kafka-is-lost-what-now"]);
    }

    #[test]
    fn a_text_that_the_code_does_not_have_is_named() {
        let sources = joined("format!(\"topic {name} has {there} partitions, \\\n             the rest\")");
        assert!(misquoted("> topic … has … partitions, the rest\n", &sources).is_empty());
        assert_eq!(misquoted("text\n> topic … had … partitions\n", &sources), ["topic … had … partitions"]);
    }
}
