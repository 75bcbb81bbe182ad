//! A node's log: events of `tracing`, and those lines of `log` that the library writes, one line each on standard error.

use clap::ValueEnum;
use std::io::{self, Write};
use tracing_subscriber::filter::{LevelFilter, Targets};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

/// How much to log.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, ValueEnum)]
pub enum Level {
    /// Nothing
    Off,
    /// What keeps the node from its work
    Error,
    /// What somebody should look at
    Warn,
    /// What happens now and then
    Info,
    /// What happens all the time
    Debug,
    /// Everything
    Trace,
}

impl Level {
    fn filter(self) -> LevelFilter {
        match self {
            Level::Off => LevelFilter::OFF,
            Level::Error => LevelFilter::ERROR,
            Level::Warn => LevelFilter::WARN,
            Level::Info => LevelFilter::INFO,
            Level::Debug => LevelFilter::DEBUG,
            Level::Trace => LevelFilter::TRACE,
        }
    }

    /// Our own events from this level on; of the libraries beneath, those that somebody should look at. What openraft says at every heartbeat that a
    /// peer misses, and what ends it, our own events say once.
    fn targets(self) -> Targets {
        let beneath =
            if self == Level::Trace { LevelFilter::TRACE } else { self.filter().min(LevelFilter::WARN) };
        let consensus = if self >= Level::Debug { beneath } else { LevelFilter::OFF };
        let targets = Targets::new().with_default(beneath).with_target("openraft", consensus);
        // What it hashes holds session tokens, and at the finest level it logs that.
        let targets = targets.with_target("aws_sigv4", LevelFilter::WARN.min(beneath));
        targets.with_target("cloister", self.filter())
    }
}

/// Starts the log of this process; where there is one already, that stays.
pub fn start(level: Level) {
    let lines = tracing_subscriber::fmt::layer().with_ansi(false).with_writer(|| OneLine(io::stderr()));
    let _ = tracing_subscriber::registry().with(level.targets()).with(lines).try_init();
}

/// Keeps each event, which comes in one piece, on one line: what is in it may be other people's text.
struct OneLine<W>(W);

impl<W: Write> Write for OneLine<W> {
    fn write(&mut self, event: &[u8]) -> io::Result<usize> {
        let text = event.strip_suffix(b"\n").unwrap_or(event);
        let mut line: Vec<u8> =
            text.iter().map(|byte| if byte.is_ascii_control() { b' ' } else { *byte }).collect();
        line.push(b'\n');
        self.0.write_all(&line).map(|()| event.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_is_one_line_whatever_is_in_it() {
        let mut written = OneLine(Vec::new());
        written.write_all(b"INFO a\nb\x1b[2J\n").unwrap();
        written.write_all(b"INFO c\n").unwrap();
        assert_eq!(written.0, b"INFO a b [2J\nINFO c\n");
    }

    #[test]
    fn libraries_beneath_are_heard_when_something_is_wrong() {
        let enabled =
            |level: Level, target: &str, event: tracing::Level| level.targets().would_enable(target, &event);
        assert!(enabled(Level::Info, "cloister_node::raft", tracing::Level::INFO));
        assert!(enabled(Level::Info, "cloister::store", tracing::Level::INFO));
        assert!(!enabled(Level::Debug, "openraft::core", tracing::Level::INFO));
        assert!(enabled(Level::Info, "hyper", tracing::Level::WARN));
        assert!(!enabled(Level::Info, "openraft::core", tracing::Level::ERROR), "it repeats itself");
        assert!(enabled(Level::Debug, "openraft::core", tracing::Level::WARN));
        assert!(enabled(Level::Trace, "openraft::core", tracing::Level::DEBUG));
        assert!(!enabled(Level::Off, "cloister", tracing::Level::ERROR));
    }
}
