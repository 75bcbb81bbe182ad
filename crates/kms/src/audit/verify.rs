//! Checking a trail: the first line that isn't as it was written.

use std::fmt;
use std::fs::File;
use std::io::{self, BufRead, BufReader};
use std::path::{Path, PathBuf};

use super::chain::{Link, NOTHING, Position, link};
use super::segment::{numbers, path};

/// What a whole trail shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// How many files it is in.
    pub segments: usize,
    /// How many events it has.
    pub events: u64,
    /// The number of its first line: more than 1 if older files were put away.
    pub first: u64,
    /// Where it ends: that nothing is missing after it shows only who has kept a later one.
    pub last: Position,
}

/// The first line that isn't as it was written.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Broken {
    /// The file.
    pub file: PathBuf,
    /// The line in it, from 1 on; 0 if it is the file as a whole.
    pub line: u64,
    /// What is wrong there.
    pub why: Why,
}

/// What is wrong with a trail.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Why {
    /// The file can't be read.
    Unreadable(io::ErrorKind),
    /// The line is no event of a trail.
    Foreign,
    /// The line is not the one that the next was chained to.
    Changed,
    /// So many lines are missing before this one.
    Removed(u64),
    /// The line is not one that the next was written after.
    Inserted,
    /// The line stands at another place than it was written at.
    Moved,
    /// The line has no end: a crash tore it, or its file was cut.
    Torn,
    /// The trail ends here and does not hold the line that was its last once.
    CutOff,
}

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: ", self.file.display(), self.line)?;
        match &self.why {
            Why::Unreadable(kind) => write!(f, "can't be read: {kind}"),
            Why::Foreign => f.write_str("is not an event of an audit trail"),
            Why::Changed => f.write_str("was changed"),
            Why::Removed(1) => f.write_str("a line was removed before this one"),
            Why::Removed(lines) => write!(f, "{lines} lines were removed before this one"),
            Why::Inserted => f.write_str("was put in"),
            Why::Moved => f.write_str("was moved here"),
            Why::Torn => f.write_str("is torn: it has no end"),
            Why::CutOff => f.write_str("the trail was cut off here: the line with the given hash is missing"),
        }
    }
}

impl std::error::Error for Broken {}

/// Checks the trail in directory `trail`, or one file of it. `last` is the hash of what was its last line when that
/// was noted: the line must still be there.
pub fn verify(trail: &Path, last: Option<[u8; 32]>) -> Result<Report, Broken> {
    let unreadable = |cause: io::Error| broken(trail, 0, Why::Unreadable(cause.kind()));
    let files: Vec<PathBuf> = if trail.is_dir() {
        numbers(trail).map_err(unreadable)?.into_iter().map(|number| path(trail, number)).collect()
    } else {
        vec![trail.to_owned()]
    };
    let mut lines = Lines { files: files.clone(), file: None, at: 0, line: 0 };
    let mut walk = Walk { anchor: last, found: last.is_none(), ..Walk::default() };
    while let Some(line) = lines.next()? {
        if let Some((at, why)) = walk.step(&line, &mut lines)? {
            return Err(broken(&at.0, at.1, why));
        }
    }
    if !walk.found {
        let (file, line) = walk.here.map_or((trail.to_owned(), 0), |here| here.place);
        return Err(broken(&file, line, Why::CutOff));
    }
    let end = walk.here.map_or(Position::START, |here| here.position);
    Ok(Report { segments: files.len(), events: walk.events, first: walk.first, last: end })
}

/// A line's file and number.
type Place = (PathBuf, u64);

/// A line that has been read.
struct Read {
    place: Place,
    link: Link,
    hash: [u8; 32],
}

/// A line that has been checked against the one before.
struct Here {
    place: Place,
    position: Position,
    /// The hash of the line before.
    before: [u8; 32],
}

#[derive(Default)]
struct Walk {
    here: Option<Here>,
    events: u64,
    first: u64,
    anchor: Option<[u8; 32]>,
    found: bool,
}

impl Walk {
    /// Goes on to `line`; tells the place and kind of the break, if there is one between it and the line before.
    fn step(&mut self, line: &Read, rest: &mut Lines) -> Result<Option<(Place, Why)>, Broken> {
        let Link { sequence, previous } = line.link;
        let before = match &self.here {
            None => {
                self.first = sequence;
                if sequence == 1 && previous != NOTHING {
                    return Ok(Some((line.place.clone(), Why::Changed)));
                }
                previous
            }
            Some(here) => {
                let expected = here.position.sequence.saturating_add(1);
                let why = if sequence > expected {
                    let moved = rest.any_has(expected);
                    let missing = sequence.saturating_sub(expected);
                    Some((line.place.clone(), if moved { Why::Moved } else { Why::Removed(missing) }))
                } else if sequence < expected && previous == here.before {
                    Some((here.place.clone(), Why::Inserted))
                } else if sequence < expected {
                    Some((line.place.clone(), Why::Moved))
                } else if previous != here.position.hash {
                    Some((here.place.clone(), Why::Changed))
                } else {
                    None
                };
                if why.is_some() {
                    return Ok(why);
                }
                here.position.hash
            }
        };
        self.events = self.events.saturating_add(1);
        self.found |= self.anchor == Some(line.hash);
        let position = Position { sequence, hash: line.hash };
        self.here = Some(Here { place: line.place.clone(), position, before });
        Ok(None)
    }
}

/// The lines of several files, one after the other.
struct Lines {
    files: Vec<PathBuf>,
    file: Option<BufReader<File>>,
    /// The index of the file after the open one.
    at: usize,
    line: u64,
}

impl Lines {
    fn next(&mut self) -> Result<Option<Read>, Broken> {
        loop {
            let Some(reader) = &mut self.file else {
                let Some(path) = self.files.get(self.at) else { return Ok(None) };
                let file =
                    File::open(path).map_err(|cause| broken(path, 0, Why::Unreadable(cause.kind())))?;
                self.file = Some(BufReader::new(file));
                self.at = self.at.saturating_add(1);
                self.line = 0;
                continue;
            };
            let mut bytes = Vec::new();
            let read = reader.read_until(b'\n', &mut bytes);
            self.line = self.line.saturating_add(1);
            let place = self.place();
            let fail = |why| Err(broken(&place.0, place.1, why));
            match read {
                Err(cause) => return fail(Why::Unreadable(cause.kind())),
                Ok(0) => self.file = None,
                Ok(_) if bytes.pop() != Some(b'\n') => return fail(Why::Torn),
                Ok(_) => match link(&bytes) {
                    Some(link) => return Ok(Some(Read { place, link, hash: openssl::sha::sha256(&bytes) })),
                    None => return fail(Why::Foreign),
                },
            }
        }
    }

    fn place(&self) -> Place {
        let file = self.at.checked_sub(1).and_then(|at| self.files.get(at)).cloned();
        (file.unwrap_or_default(), self.line)
    }

    /// Whether a later line has number `sequence`: it was moved then, not removed.
    fn any_has(&mut self, sequence: u64) -> bool {
        while let Ok(Some(line)) = self.next() {
            if line.link.sequence == sequence {
                return true;
            }
        }
        false
    }
}

fn broken(file: &Path, line: u64, why: Why) -> Broken {
    Broken { file: file.to_owned(), line, why }
}
