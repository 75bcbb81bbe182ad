//! Log lines of the library, on standard error: `cloister: WARN ...`.

use log::{LevelFilter, Log, Metadata, Record};

struct StandardError;

impl Log for StandardError {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.level() <= log::max_level()
    }

    fn log(&self, record: &Record<'_>) {
        if self.enabled(record.metadata()) {
            eprintln!("cloister: {} {}", record.level(), record.args());
        }
    }

    fn flush(&self) {}
}

/// From now on shows warnings, or what `CLOISTER_LOG` asks for.
pub fn to_standard_error() {
    let asked = std::env::var("CLOISTER_LOG").ok().and_then(|level| level.parse().ok());
    if log::set_logger(&StandardError).is_ok() {
        log::set_max_level(asked.unwrap_or(LevelFilter::Warn));
    }
}
