//! A disk that takes long: a library in a node's process that lets each sync of a file wait first.

use std::io;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

const SOURCE: &str = include_str!("slow_disk.c");

/// A disk for one process that takes as long as a file says.
#[derive(Clone, Debug)]
pub struct SlowDisk {
    /// The library.
    pub library: PathBuf,
    /// The file that says how long, in milliseconds.
    pub file: PathBuf,
}

impl SlowDisk {
    /// From now on, each sync takes so long, and what it takes anyway.
    pub fn take(&self, time: Duration) -> io::Result<()> {
        let beside = self.file.with_extension("new");
        std::fs::write(&beside, format!("{}\n", time.as_millis()))?;
        std::fs::rename(beside, &self.file)
    }

    /// How many syncs have waited so far.
    pub fn syncs(&self) -> u64 {
        std::fs::metadata(self.file.with_extension("syncs")).map_or(0, |counted| counted.len())
    }
}

/// The library, compiled into a folder unless it is there.
pub fn built(folder: &Path) -> io::Result<PathBuf> {
    let (source, library) = (folder.join("slow_disk.c"), folder.join("slow_disk.so"));
    if library.exists() {
        return Ok(library);
    }
    std::fs::write(&source, SOURCE)?;
    let status =
        Command::new("cc").args(["-shared", "-fPIC", "-O1", "-o"]).args([&library, &source]).status()?;
    match status.success() {
        true => Ok(library),
        false => Err(io::Error::other("cc can't compile slow_disk.c")),
    }
}
