//! What was measured on, with what, and when.

use crate::Result;
use std::fmt;
use std::path::Path;
use std::process::Command;

/// The machine and what ran on it.
pub struct Machine {
    processor: String,
    processors: usize,
    memory_gib: u64,
    kernel: String,
    versions: String,
    date: String,
}

impl Machine {
    /// This one. `program`: `cloister`.
    pub fn this(program: &Path) -> Result<Machine> {
        let version = Command::new(program).arg("--version").output()?.stdout;
        let version = String::from_utf8(version)?;
        let sqlite = rusqlite::version();
        Ok(Machine {
            processor: field("/proc/cpuinfo", "model name").unwrap_or_else(|| "unknown processor".to_owned()),
            processors: std::thread::available_parallelism()?.get(),
            memory_gib: memory_gib(),
            kernel: std::fs::read_to_string("/proc/sys/kernel/osrelease")
                .unwrap_or_default()
                .trim()
                .to_owned(),
            versions: format!("{}, {}, SQLite {sqlite}", version.trim(), openssl::version::version()),
            date: time::OffsetDateTime::now_utc().date().to_string(),
        })
    }
}

impl fmt::Display for Machine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Machine { processor, processors, memory_gib, kernel, versions, date } = self;
        write!(f, "{date}: {processors} × {processor}, {memory_gib} GiB, Linux {kernel}; {versions}.")
    }
}

/// The first line `name: value` of a file.
fn field(file: &str, name: &str) -> Option<String> {
    let text = std::fs::read_to_string(file).ok()?;
    let line = text.lines().find(|line| line.starts_with(name))?;
    Some(line.split_once(':')?.1.trim().to_owned())
}

fn memory_gib() -> u64 {
    let kib = field("/proc/meminfo", "MemTotal").and_then(|size| size.split(' ').next()?.parse::<u64>().ok());
    kib.unwrap_or(0).div_ceil(1 << 20)
}
