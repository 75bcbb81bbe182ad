//! The files of a trail: `audit-<n>.jsonl`, one after the other.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::chain::{Position, link};

/// How much of a file's end is looked at first for its last line, in bytes.
const WINDOW: u64 = 64 * 1024;

/// What a crash left of a line: no newline ends it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Torn {
    /// Where it was moved to: the segment's name with `.torn` after it.
    pub file: PathBuf,
    /// Its length in bytes.
    pub bytes: u64,
}

/// One file of a trail, open for more.
#[derive(Debug)]
pub(super) struct Segment {
    pub number: u64,
    pub file: Arc<File>,
    /// The bytes of whole lines in it.
    pub length: u64,
    /// Whether there may be bytes after those: part of a line that did not fit on the disk.
    frayed: bool,
    /// How many more bytes the disk takes; all if none is said.
    #[cfg(test)]
    pub room: Option<u64>,
}

impl Segment {
    /// Opens or makes segment `number` for appending, readable by its owner only.
    pub(super) fn open(directory: &Path, number: u64) -> io::Result<Self> {
        let path = path(directory, number);
        let file = OpenOptions::new().read(true).append(true).create(true).mode(0o600).open(path)?;
        let length = file.metadata()?.len();
        Ok(Self {
            number,
            file: Arc::new(file),
            length,
            frayed: false,
            #[cfg(test)]
            room: None,
        })
    }

    /// Appends `line`, whole or not at all.
    pub(super) fn append(&mut self, line: &[u8]) -> io::Result<()> {
        if self.frayed {
            self.file.set_len(self.length)?;
            self.frayed = false;
        }
        let written = self.write(line);
        if written.is_ok() {
            self.length = self.length.saturating_add(line.len() as u64);
        } else {
            self.frayed = self.file.set_len(self.length).is_err();
        }
        written
    }

    #[cfg(not(test))]
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        (&*self.file).write_all(line)
    }

    #[cfg(test)]
    fn write(&mut self, line: &[u8]) -> io::Result<()> {
        let taken = self.room.map_or(line.len(), |room| line.len().min(usize::try_from(room).unwrap()));
        (&*self.file).write_all(&line[..taken])?;
        if taken < line.len() { Err(io::ErrorKind::StorageFull.into()) } else { Ok(()) }
    }

    /// Cuts off a torn last line and keeps it beside the file.
    pub(super) fn mend(&mut self, directory: &Path, whole: u64) -> io::Result<Option<Torn>> {
        let bytes = self.length.saturating_sub(whole);
        if bytes == 0 {
            return Ok(None);
        }
        let name = path(directory, self.number).with_extension("jsonl.torn");
        let mut kept = OpenOptions::new().append(true).create(true).mode(0o600).open(&name)?;
        let mut file = &*self.file;
        file.seek(SeekFrom::Start(whole))?;
        io::copy(&mut file.take(bytes), &mut kept)?;
        kept.sync_all()?;
        file.set_len(whole)?;
        self.length = whole;
        Ok(Some(Torn { file: name, bytes }))
    }
}

/// The file of segment `number`.
pub(super) fn path(directory: &Path, number: u64) -> PathBuf {
    directory.join(format!("audit-{number:06}.jsonl"))
}

/// The numbers of the segments in `directory`, ascending.
pub(super) fn numbers(directory: &Path) -> io::Result<Vec<u64>> {
    let mut numbers = Vec::new();
    for entry in fs::read_dir(directory)? {
        let name = entry?.file_name();
        let digits = name.to_str().and_then(|name| name.strip_prefix("audit-")?.strip_suffix(".jsonl"));
        let number = digits.and_then(|digits| digits.parse().ok());
        numbers.extend(number.filter(|number| path(directory, *number).file_name() == Some(&name)));
    }
    numbers.sort_unstable();
    Ok(numbers)
}

/// The end of a segment.
pub(super) enum End {
    /// No whole line in it.
    Empty,
    /// The last line is not one of a trail.
    Foreign,
    /// Where the last whole line stands in the chain, and at which byte it ends, newline included.
    At(Position, u64),
}

/// Finds the last whole line of `file`.
pub(super) fn end(file: &File) -> io::Result<End> {
    let length = file.metadata()?.len();
    let mut window = WINDOW;
    loop {
        let start = length.saturating_sub(window);
        let mut bytes = Vec::new();
        let mut reader = file;
        reader.seek(SeekFrom::Start(start))?;
        reader.take(length - start).read_to_end(&mut bytes)?; // invariant: start is at most the length
        let newline = |bytes: &[u8]| bytes.iter().rposition(|byte| *byte == b'\n');
        let last = newline(&bytes);
        let before = last.and_then(|last| newline(bytes.get(..last)?));
        match (last, before) {
            (Some(last), before) if before.is_some() || start == 0 => {
                let begin = before.map_or(0, |before| before.saturating_add(1));
                let line = bytes.get(begin..last).unwrap_or_default();
                let whole = start.saturating_add(last as u64).saturating_add(1);
                let position = |sequence| Position { sequence, hash: openssl::sha::sha256(line) };
                return Ok(link(line).map_or(End::Foreign, |link| End::At(position(link.sequence), whole)));
            }
            _ if start == 0 => return Ok(End::Empty),
            _ => window = window.saturating_mul(4),
        }
    }
}
