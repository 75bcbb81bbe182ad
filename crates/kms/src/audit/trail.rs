//! Writing the trail.

use serde::Deserialize;
use std::fmt;
use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use parking_lot::Mutex;
use serde_json::json;

use super::chain::Position;
use super::event::{Event, Who};
use super::segment::{End, Segment, Torn, end, numbers, path};
use crate::api::error::{Code, Result};

/// How often [`Trail::flush`] goes to the disk at most.
const FLUSH: Duration = Duration::from_secs(1);

/// What is done when an event can't be written, a full disk for one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unwritable {
    /// The request fails: nothing is used without being told of.
    #[default]
    Refuse,
    /// The request is answered, and the trail later says how many events it lacks.
    Continue,
}

/// Where and how a trail is kept.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The directory of its files: made if missing, and nobody else's.
    pub directory: PathBuf,
    /// How long a file grows before the next begins, in bytes.
    pub segment_bytes: u64,
    /// What is done when an event can't be written.
    pub unwritable: Unwritable,
}

/// Why a trail can't be opened.
#[derive(Debug)]
pub enum OpenError {
    /// Another process writes it.
    Busy(PathBuf),
    /// The last line of this file is not an event of a trail: it was changed, and there is nothing to go on from.
    Foreign(PathBuf),
    /// A file can't be read or written.
    File(PathBuf, io::Error),
}

impl fmt::Display for OpenError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Busy(path) => write!(f, "{}: another process writes this audit trail", path.display()),
            Self::Foreign(path) => {
                write!(f, "{}: the last line is not an event of the trail", path.display())
            }
            Self::File(path, cause) => write!(f, "{}: {cause}", path.display()),
        }
    }
}

impl std::error::Error for OpenError {}

/// An audit trail that is being written: one writer a directory, any number of threads.
#[derive(Debug)]
pub struct Trail {
    settings: Settings,
    writer: Mutex<Writer>,
    /// Events that are not in the trail, since it was opened.
    lost: AtomicU64,
    /// Held as long as the trail is open.
    _lock: File,
}

#[derive(Debug)]
struct Writer {
    segment: Segment,
    position: Position,
    /// Events that the trail lacks and has not said so.
    untold: u64,
    /// Files with lines that may not be on the disk yet.
    unsynced: Vec<Arc<File>>,
    last_sync: Option<Instant>,
}

impl Trail {
    /// Opens the trail in the directory of `settings`, to go on where it ends. A last line that a crash has torn is
    /// cut off and told of.
    pub fn open(settings: Settings) -> std::result::Result<(Self, Option<Torn>), OpenError> {
        let directory = settings.directory.as_path();
        let at = |path: &Path| {
            let path = path.to_owned();
            move |cause| OpenError::File(path, cause)
        };
        DirBuilder::new().recursive(true).mode(0o700).create(directory).map_err(at(directory))?;
        let lock = lock(&directory.join("audit.lock"))?;
        let existing = numbers(directory).map_err(at(directory))?;
        let number = existing.last().copied().unwrap_or(1);
        let last = path(directory, number);
        let mut segment = Segment::open(directory, number).map_err(at(&last))?;
        let (position, whole) = match end(&segment.file).map_err(at(&last))? {
            End::At(position, whole) => (position, whole),
            End::Foreign => return Err(OpenError::Foreign(last)),
            End::Empty => (earlier(directory, &existing)?, 0),
        };
        let torn = segment.mend(directory, whole).map_err(at(&last))?;
        let unsynced = vec![Arc::clone(&segment.file)];
        let writer = Writer { segment, position, untold: 0, unsynced, last_sync: None };
        Ok((Self { settings, writer: Mutex::new(writer), lost: AtomicU64::new(0), _lock: lock }, torn))
    }

    /// Writes `event`. Before its request is answered: an error here is the answer then.
    pub fn record(&self, event: &Event<'_>) -> Result<()> {
        let line = event.open_line();
        let mut writer = self.writer.lock();
        let written = match line {
            Ok(line) => writer.resume(&self.settings).and_then(|()| writer.append(&self.settings, line)),
            Err(_) => Err(io::ErrorKind::InvalidData.into()),
        };
        if let Err(cause) = &written {
            writer.untold = writer.untold.saturating_add(1);
            self.lost.fetch_add(1, Ordering::Relaxed);
            tracing::error!(%cause, event = event.operation, "an audit event can't be written");
        }
        self.judge(written)
    }

    /// Whether events can be written, as far as the last one showed; if it could not, tries again. Asked before a
    /// request is begun, so that a full disk stops it before it has changed anything.
    pub fn ready(&self) -> Result<()> {
        let resumed = self.writer.lock().resume(&self.settings);
        self.judge(resumed)
    }

    fn judge(&self, written: io::Result<()>) -> Result<()> {
        match (written, self.settings.unwritable) {
            (Ok(()), _) | (Err(_), Unwritable::Continue) => Ok(()),
            (Err(_), Unwritable::Refuse) => {
                Err(Code::KMSInternalException
                    .because("The request was refused because it cannot be audited."))
            }
        }
    }

    /// Brings what was written to the disk, unless that was done less than a second ago.
    pub fn flush(&self) -> io::Result<()> {
        let recent = |last: Option<Instant>| last.is_some_and(|last| last.elapsed() < FLUSH);
        if recent(self.writer.lock().last_sync) { Ok(()) } else { self.sync() }
    }

    /// Brings what was written to the disk now: for the stop. Writers do not wait for it.
    pub fn sync(&self) -> io::Result<()> {
        let files = {
            let mut writer = self.writer.lock();
            writer.last_sync = Some(Instant::now());
            std::mem::take(&mut writer.unsynced)
        };
        let synced =
            files.iter().try_for_each(|file| file.sync_data()).and_then(|()| match files.as_slice() {
                [] => Ok(()),
                _ => File::open(&self.settings.directory)?.sync_all(),
            });
        if synced.is_err() {
            self.writer.lock().unsynced.extend(files);
        }
        synced
    }

    /// How far the trail goes. Kept elsewhere, it shows later whether its end was cut off.
    pub fn position(&self) -> Position {
        self.writer.lock().position
    }

    /// How many events could not be written since the trail was opened.
    pub fn lost(&self) -> u64 {
        self.lost.load(Ordering::Relaxed)
    }

    /// Lets the disk take `room` more bytes of each line at most.
    #[cfg(test)]
    pub(super) fn fill(&self, room: Option<u64>) {
        self.writer.lock().segment.room = room;
    }
}

impl Drop for Trail {
    fn drop(&mut self) {
        if let Err(cause) = self.sync() {
            tracing::error!(%cause, "the end of the audit trail may not be on the disk");
        }
    }
}

impl Writer {
    /// Chains and writes one event, in the next file if this one is full.
    fn append(&mut self, settings: &Settings, mut line: Vec<u8>) -> io::Result<()> {
        let next = self.position.chain(&mut line);
        line.push(b'\n');
        let length = self.segment.length.saturating_add(line.len() as u64);
        if self.segment.length > 0 && length > settings.segment_bytes {
            self.segment = Segment::open(&settings.directory, self.segment.number.saturating_add(1))?;
        }
        self.segment.append(&line)?;
        self.position = next;
        if !self.unsynced.iter().any(|file| Arc::ptr_eq(file, &self.segment.file)) {
            self.unsynced.push(Arc::clone(&self.segment.file));
        }
        Ok(())
    }

    /// After events that could not be written, an event that says how many.
    fn resume(&mut self, settings: &Settings) -> io::Result<()> {
        if self.untold == 0 {
            return Ok(());
        }
        let details = json!({ "lostEvents": self.untold });
        let event = Event {
            request_id: "",
            time: SystemTime::now(),
            operation: "AuditTrailResumed",
            read_only: true,
            who: Who::Service { account: "", region: "" },
            user_agent: None,
            tls: None,
            request: &details,
            outcome: Ok(&details),
            keys: &[],
        };
        let line = event.open_line().map_err(|_| io::Error::from(io::ErrorKind::InvalidData))?;
        self.append(settings, line)?;
        self.untold = 0;
        Ok(())
    }
}

/// Takes the one writer's place.
fn lock(path: &Path) -> std::result::Result<File, OpenError> {
    let failed = |cause| OpenError::File(path.to_owned(), cause);
    let open = OpenOptions::new().write(true).create(true).truncate(false).mode(0o600).open(path);
    let file = open.map_err(failed)?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(TryLockError::WouldBlock) => Err(OpenError::Busy(path.to_owned())),
        Err(TryLockError::Error(cause)) => Err(failed(cause)),
    }
}

/// Where the chain ends before the last segment, which has no whole line.
fn earlier(directory: &Path, existing: &[u64]) -> std::result::Result<Position, OpenError> {
    for number in existing.iter().rev().skip(1) {
        let path = path(directory, *number);
        match fs::File::open(&path).and_then(|file| end(&file)) {
            Ok(End::At(position, _)) => return Ok(position),
            Ok(End::Empty) => {}
            Ok(End::Foreign) => return Err(OpenError::Foreign(path)),
            Err(cause) => return Err(OpenError::File(path, cause)),
        }
    }
    Ok(Position::START)
}
