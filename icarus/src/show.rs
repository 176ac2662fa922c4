//! Printing: the configuration, and errors.
#![expect(clippy::print_stdout, clippy::print_stderr, reason = "commands talk to people")]

use anyhow::Result;
use service::config::Setting;

use crate::{cli::ConfigFile, config};

/// `icarus config check`
pub(crate) fn check(file: ConfigFile) -> Result<()> {
    let checked = config::check(&config::merge(file.config, Vec::new())?)?;
    match checked.apps.as_slice() {
        [] => println!("the configuration is valid, but it has no app: nothing will be accepted until one is added as [apps.<id>]"),
        apps => println!("the configuration is valid: apps {}", apps.iter().map(|app| app.app.id.as_str()).collect::<Vec<_>>().join(", ")),
    }
    Ok(())
}

/// `icarus config show`
pub(crate) fn show(file: ConfigFile) -> Result<()> {
    let merged = config::merge(file.config, Vec::new())?;
    let shown = |setting: &Setting| if is_secret(&setting.key) { "\"***\"".to_owned() } else { setting.value.to_string() };
    let settings = merged.settings();
    let width = settings.iter().map(|setting| setting.key.len() + shown(setting).len()).max().unwrap_or_default();
    for setting in settings {
        let value = shown(&setting);
        println!("{} = {value}{:space$}  # {}", setting.key, "", setting.origin, space = width - setting.key.len() - value.len());
    }
    // Whatever is wrong is told after the values, which help to find it.
    config::check(&merged)?;
    Ok(())
}

/// Whether a key's value is nobody's business.
fn is_secret(key: &str) -> bool {
    key.ends_with("password")
}

/// `icarus config default`
pub(crate) fn default() -> Result<()> {
    print!("{}", config::DEFAULT);
    Ok(())
}

/// What made a command fail, with its causes.
pub(crate) fn error(error: &anyhow::Error) {
    for (i, line) in error.to_string().lines().enumerate() {
        eprintln!("{}{line}", if i == 0 { "icarus: " } else { "        " });
    }
    for cause in error.chain().skip(1) {
        eprintln!("        because {cause}");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_secret_and_the_names_of_their_files_are_not() {
        for key in ["log.kafka.sasl_password", "log.kafka.tls_key_password", "store.clickhouse.password"] {
            assert!(is_secret(key), "{key}");
        }
        for key in ["log.kafka.sasl_password_file", "store.clickhouse.user", "apps.shop.key"] {
            assert!(!is_secret(key), "{key}");
        }
    }
}
