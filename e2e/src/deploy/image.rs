//! The Dockerfile: that what it copies is there, and what it builds can be built.

use std::path::Path;

/// One instruction, its lines joined and without its flags.
#[derive(Debug, PartialEq, Eq)]
pub struct Instruction {
    pub name: String,
    /// Those that begin with `--`.
    pub flags: Vec<String>,
    pub rest: String,
}

/// The instructions in their order.
pub fn instructions(dockerfile: &str) -> Vec<Instruction> {
    let lines: Vec<_> = dockerfile.lines().filter(|line| !line.trim_start().starts_with('#')).collect();
    let joined = lines.join("\n").replace("\\\n", " ");
    let instruction = |line: &str| {
        let (name, rest) = line.trim().split_once(char::is_whitespace)?;
        let mut rest = rest.trim_start();
        let mut flags = Vec::new();
        while rest.starts_with("--") {
            let (flag, after) = rest.split_once(char::is_whitespace).unwrap_or((rest, ""));
            flags.push(flag.to_owned());
            rest = after.trim_start();
        }
        Some(Instruction { name: name.to_uppercase(), flags, rest: rest.to_owned() })
    };
    joined.lines().filter_map(instruction).collect()
}

/// The words of an instruction in its JSON form, such as `["icarus", "health"]`.
pub fn words(instruction: &Instruction) -> Vec<String> {
    let json = instruction.rest.strip_prefix("CMD").unwrap_or(&instruction.rest);
    serde_json::from_str(json.trim()).unwrap_or_default()
}

/// Sources that are not there or kept from the builder, stages that nobody made, bases without a version.
pub fn built(dockerfile: &str, ignore: &str, root: &Path) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut stages = Vec::new();
    for instruction in instructions(dockerfile) {
        let words: Vec<_> = instruction.rest.split_whitespace().collect();
        match instruction.name.as_str() {
            "FROM" => {
                let tag = words[0].rsplit_once(':').map_or("", |(_, tag)| tag);
                if tag.is_empty() || tag == "latest" {
                    wrong.push(format!("{} has no version", words[0]));
                }
                stages.extend(words.get(2).map(|stage| (*stage).to_owned()));
            }
            "COPY" => match instruction.flags.iter().find_map(|flag| flag.strip_prefix("--from=")) {
                Some(stage) if stages.iter().any(|made| made == stage) => {}
                Some(stage) => wrong.push(format!("there is no stage {stage}")),
                None => {
                    for source in &words[..words.len() - 1] {
                        if !root.join(source).exists() {
                            wrong.push(format!("{source} is not there"));
                        } else if *source != "." && !let_in(ignore, source) {
                            wrong.push(format!("{source} is kept from the builder by .dockerignore"));
                        }
                    }
                }
            },
            _ => {}
        }
    }
    wrong
}

/// Whether `.dockerignore`, which keeps out everything and names what it lets in, lets in `path`.
pub fn let_in(ignore: &str, path: &str) -> bool {
    let named = ignore.lines().filter_map(|line| line.strip_prefix('!'));
    named.into_iter().any(|let_in| path == let_in || path.strip_prefix(let_in).is_some_and(|rest| rest.starts_with('/')))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deploy::{read, root};

    #[test]
    fn instructions_are_read_over_several_lines_and_with_flags() {
        let read = instructions(
            "# c\nRUN --mount=type=cache,target=/x \\\n    a && \\\n    b\nHEALTHCHECK --timeout=1s CMD [\"icarus\", \"health\"]\n",
        );
        assert_eq!((read[0].flags.len(), read[0].rest.split_whitespace().collect::<Vec<_>>()), (1, vec!["a", "&&", "b"]));
        assert_eq!(words(&read[1]), ["icarus", "health"]);
    }

    #[test]
    fn what_is_broken_in_the_image_is_named() {
        let (dockerfile, ignore) = (read("Dockerfile"), read(".dockerignore"));
        for (old, new, named) in [
            ("COPY sdk sdk", "COPY sdks sdk", "sdks is not there"),
            ("COPY sdk sdk", "COPY README.md sdk", "README.md is kept from the builder"),
            ("--from=web", "--from=wobble", "there is no stage wobble"),
            ("debian:bookworm-slim", "debian", "debian has no version"),
        ] {
            assert!(dockerfile.contains(old), "{old}");
            let wrong = built(&dockerfile.replace(old, new), &ignore, &root());
            assert!(wrong.iter().any(|wrong| wrong.contains(named)), "{named} in {wrong:?}");
        }
    }
}
