//! The module's own log, for hosts that have none: lines to a file or to standard error.
//!
//! It is used only if the host has set no logger of its own (a Rust program that links Cloister), takes only our own
//! lines, and can't fail: what can't be written is lost. Each line is one write, so that those of several threads
//! and processes don't mix.

mod told;

use crate::config::Config;
use log::{LevelFilter, Log, Metadata, Record};
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Instant;
use told::Told;

/// The environment variable that wins over the configured level.
pub const LEVEL_VARIABLE: &str = "CLOISTER_LOG";

static LOGGER: Logger = Logger { file: Mutex::new(None) };

static TOLD: Mutex<Told> = Mutex::new(Told::new());

/// Writes lines like `cloister[4711] WARN what happened`.
struct Logger {
    /// `None`: standard error.
    file: Mutex<Option<File>>,
}

/// While this lives, no line is half written; taken for a fork.
pub struct Held {
    _file: MutexGuard<'static, Option<File>>,
    _told: MutexGuard<'static, Told>,
}

/// Sets the logger, unless there is one, to warnings on standard error or what `CLOISTER_LOG` says.
pub fn start() {
    is_ours();
}

/// Takes level and file from a configuration; `CLOISTER_LOG` wins over its level.
pub fn configure(config: &Config) {
    // Who initialises again reads what is still wrong, too.
    told().clear();
    if !is_ours() {
        return;
    }
    log::set_max_level(level(variable().as_deref(), &config.log));
    let opened = config.log_file.as_ref().map(|path| OpenOptions::new().append(true).create(true).open(path));
    match opened.transpose() {
        Ok(file) => *LOGGER.file() = file,
        Err(error) => {
            *LOGGER.file() = None;
            let path = config.log_file.as_deref().unwrap_or("".as_ref()).display();
            log::warn!("the log file {path} can't be opened ({error}); log lines go to standard error");
        }
    }
}

/// Waits until no line is being written, and keeps it so.
pub fn hold() -> Held {
    Held { _file: LOGGER.file(), _told: told() }
}

/// Says what is wrong with something that many calls use: in the log once, not at each of them, and again after a while.
pub fn error_once(line: &str) {
    let news = told().is_news(line, Instant::now());
    if news {
        log::error!("{line}");
    }
}

fn told() -> MutexGuard<'static, Told> {
    TOLD.lock().unwrap_or_else(PoisonError::into_inner)
}

fn is_ours() -> bool {
    static OURS: OnceLock<bool> = OnceLock::new();
    *OURS.get_or_init(|| {
        let ours = log::set_logger(&LOGGER).is_ok();
        if ours {
            log::set_max_level(level(variable().as_deref(), "warn"));
        }
        ours
    })
}

fn variable() -> Option<String> {
    std::env::var(LEVEL_VARIABLE).ok()
}

/// What the environment says, or else the configuration; warnings if that is no level.
fn level(variable: Option<&str>, configured: &str) -> LevelFilter {
    variable.unwrap_or(configured).parse().unwrap_or(LevelFilter::Warn)
}

/// One line, whatever is in the message.
fn line(record: &Record<'_>) -> String {
    let message = record.args().to_string();
    let message: String =
        message.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    format!("cloister[{}] {} {message}\n", std::process::id(), record.level())
}

impl Logger {
    fn file(&self) -> MutexGuard<'_, Option<File>> {
        self.file.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Log for Logger {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target().starts_with("cloister")
    }

    fn log(&self, record: &Record<'_>) {
        if !self.enabled(record.metadata()) {
            return;
        }
        let line = line(record);
        let _ = match &mut *self.file() {
            Some(file) => file.write_all(line.as_bytes()),
            None => std::io::stderr().write_all(line.as_bytes()),
        };
    }

    fn flush(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_message_is_one_line_with_the_process_and_the_level() {
        let record =
            Record::builder().args(format_args!("two\nlines\x1b[1m")).level(log::Level::Warn).build();
        assert_eq!(line(&record), format!("cloister[{}] WARN two lines [1m\n", std::process::id()));
    }

    #[test]
    fn lines_of_other_libraries_are_left_out() {
        let ours = |target| LOGGER.enabled(&Metadata::builder().target(target).build());
        assert!(ours("cloister::store"));
        assert!(!ours("rusqlite"));
    }

    #[test]
    fn the_environment_wins_and_an_unknown_level_means_warnings() {
        assert_eq!(level(None, "debug"), LevelFilter::Debug);
        assert_eq!(level(Some("off"), "debug"), LevelFilter::Off);
        assert_eq!(level(Some("loud"), "debug"), LevelFilter::Warn);
    }
}
