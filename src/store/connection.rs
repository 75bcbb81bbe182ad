//! The process's one connection to a token's file: opened when it is needed, closed while the process forks. [`super::gather`] writes through it.

use super::counter::Counter;
use super::error::{Error, Fault, Result, Step};
use super::gather::Queue;
use super::replica::Replica;
use super::schema::{self, Content, Format};
use super::settle::{Log, beside};
use super::sight::Sight;
use super::tray::Tray;
use crate::crypto::ffi::vfs;
use once_cell::sync::OnceCell;
use parking_lot::{Mutex, MutexGuard};
use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags};
use std::any::Any;
use std::fs::DirBuilder;
use std::io::{self, ErrorKind};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicI32, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// Name of the file in the token's folder.
const FILE: &str = "token.db";

/// Bytes of a page in new files. A new object changes six pages or seven of either size, and SQLite's 4 KiB mean twice as much to check, to write and to wait for. With still
/// smaller ones rows would not fit, and indexes grow deeper.
const PAGE: i64 = 2048;

/// How long to wait for another process's transaction.
pub(super) const PATIENCE: Duration = Duration::from_secs(60);

/// A token's file.
///
/// SQLite keeps locks that belong to the whole process and are lost when any descriptor of the file is closed: nothing else
/// in the process may open it while a connection is open.
pub(super) struct Database {
    file: PathBuf,
    counter: Arc<Counter>,
    read_only: AtomicBool,
    /// Device and inode of the file first opened.
    identity: OnceLock<(u64, u64)>,
    /// Number of the format that it had at the last look; 0 before there was something in it.
    format: AtomicI32,
    /// When that file was last found under its path.
    sight: Sight,
    pub(super) slot: Arc<Mutex<Slot>>,
    /// How many wait for the connection.
    wanted: AtomicUsize,
    /// Those who want to write.
    pub(super) queue: Queue,
    /// What is shared with other processes that write, once something has been written; `None`: it can't be.
    pub(super) tray: OnceCell<Option<Tray>>,
    /// Held by the one that has the log synced.
    pub(super) syncing: Mutex<()>,
    /// The highest value of the change counter of which this process knows that all is on the disk.
    pub(super) settled: AtomicU64,
    /// In a store that is one of several: the only way to write.
    pub(super) replica: Option<Replica>,
}

/// The place of the connection.
#[derive(Default)]
pub(super) struct Slot {
    /// `None`: not open at the moment.
    pub(super) open: Option<Connection>,
    /// The log's file, once it has been needed.
    log: OnceCell<Arc<Log>>,
    /// Transactions of this connection that changed something.
    pub(super) commits: u32,
}

impl Slot {
    /// The connection, which has been opened.
    pub(super) fn connection(&self) -> Step<&Connection> {
        self.open.as_ref().ok_or_else(|| Fault::Damaged("the connection is closed".to_owned()))
    }

    /// The log of the database in `file`, if there is one.
    pub(super) fn log(&self, file: &Path) -> Result<Option<Arc<Log>>> {
        if self.log.get().is_none()
            && let Some(log) = Log::open(file).map_err(|error| Error::from_io(file, &error))?
        {
            let _ = self.log.set(Arc::new(log));
        }
        Ok(self.log.get().cloned())
    }
}

impl Database {
    /// The file of the token in `folder`. Opens nothing.
    pub(super) fn new(folder: &Path) -> Self {
        Database {
            file: path(folder),
            identity: OnceLock::new(),
            format: AtomicI32::new(0),
            sight: Sight::default(),
            counter: Arc::new(Counter::open(folder)),
            read_only: AtomicBool::new(false),
            slot: Arc::default(),
            wanted: AtomicUsize::new(0),
            queue: Queue::default(),
            tray: OnceCell::new(),
            syncing: Mutex::default(),
            settled: AtomicU64::new(0),
            replica: None,
        }
    }

    /// The file's path.
    pub(super) fn path(&self) -> &Path {
        &self.file
    }

    /// Whether nothing can be written, as far as the last opening told.
    pub(super) fn is_read_only(&self) -> bool {
        self.read_only.load(Ordering::Relaxed)
    }

    /// The change counter.
    pub(super) fn counter(&self) -> &Arc<Counter> {
        &self.counter
    }

    /// What the file is.
    pub(super) fn content(&self) -> Result<Content> {
        self.peek(|connection| schema::identify(connection, &self.file))
    }

    /// The file's format.
    pub(super) fn format(&self) -> Result<Format> {
        match Format::from_number(self.format.load(Ordering::Relaxed)) {
            Some(format) => Ok(format),
            // It is that of the first commit, without which there is nothing to be found.
            None => self.glance(|connection| self.format_on(connection)),
        }
    }

    /// The same looked at anew, for who has the connection: somebody may have restored a backup into the file, and what is written by another format
    /// is not found again. In a file without tables, those of the newest format will be made.
    pub(super) fn format_on(&self, connection: &Connection) -> Step<Format> {
        let known = self.format.load(Ordering::Relaxed);
        match schema::format_of(connection)? {
            Some(found) if found as i32 == known => Ok(found),
            Some(found) => {
                schema::check_tables(connection, found)?;
                self.format.store(found as i32, Ordering::Relaxed);
                Ok(found)
            }
            None if known == 0 => Ok(Format::NEWEST),
            None => Err(Fault::Damaged("it has no format any more".to_owned())),
        }
    }

    /// Reads with one statement. What has been read is on the disk when it is answered.
    pub(super) fn peek<T>(&self, work: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        let read = self.glance(work);
        self.settle_seen()?;
        read
    }

    /// Reads with one statement what may not be on the disk yet: for what can't become untrue if it never gets there.
    pub(super) fn glance<T>(&self, work: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        let mut slot = self.take_slot();
        self.make_ready(&mut slot)?;
        slot.connection().and_then(work).map_err(|fault| fault.at(&self.file))
    }

    /// Reads with several statements that see the same state.
    pub(super) fn read<T>(&self, work: impl FnOnce(&Connection) -> Step<T>) -> Result<T> {
        self.peek(|connection| {
            let _reading = Reading::begin(connection)?;
            work(connection)
        })
    }

    /// The place of the connection, when nobody else has it.
    pub(super) fn take_slot(&self) -> MutexGuard<'_, Slot> {
        self.slot.try_lock().unwrap_or_else(|| {
            self.wanted.fetch_add(1, Ordering::Relaxed);
            let slot = self.slot.lock();
            self.wanted.fetch_sub(1, Ordering::Relaxed);
            slot
        })
    }

    /// Whether somebody waits for it.
    pub(super) fn is_slot_wanted(&self) -> bool {
        self.wanted.load(Ordering::Relaxed) > 0
    }

    /// Closes the connection and keeps it closed until the answer is dropped, on this same thread.
    pub(super) fn pause(&self) -> Box<dyn Any> {
        let mut slot = self.slot.lock_arc();
        *slot = Slot::default();
        Box::new(slot)
    }

    /// Turns a file into one that keeps its changes in a write-ahead log, as every token does, if it is none. Nobody else may have it open then.
    pub(super) fn prepare(&self) -> Result<()> {
        self.peek(|connection| {
            connection.pragma_update(None, "page_size", PAGE)?;
            let mode: String =
                connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
            if mode == "wal" { Ok(()) } else { Err(Fault::Damaged(format!("journal mode {mode}"))) }
        })
    }

    /// Whether the file first opened is no longer what is found under its path. One that can't be looked at at all may still be it.
    pub(super) fn is_replaced(&self) -> bool {
        match self.look() {
            Ok(in_place) => !in_place,
            Err(error) => error.kind() == ErrorKind::NotFound,
        }
    }

    /// The same, for what must not cost a system call each time: a file that was there just now is taken to be there still.
    pub(super) fn seems_replaced(&self) -> bool {
        !self.sight.is_recent() && self.is_replaced()
    }

    /// Whether the file first opened was found under its path just now. Nothing else is as good as reading it.
    pub(super) fn seems_in_place(&self) -> bool {
        self.sight.is_recent() || self.look().unwrap_or(false)
    }

    /// Device and inode of the file first opened.
    pub(super) fn identity(&self) -> Option<(u64, u64)> {
        self.identity.get().copied()
    }

    /// Looks whether the file first opened is what is found under its path now.
    fn look(&self) -> io::Result<bool> {
        self.sight.look(|| {
            let now = self.identify()?;
            Ok(*self.identity.get_or_init(|| now) == now)
        })
    }

    /// Device and inode of what is found under the path now.
    fn identify(&self) -> io::Result<(u64, u64)> {
        let metadata = std::fs::metadata(&self.file)?;
        Ok((metadata.dev(), metadata.ino()))
    }

    /// Opens the connection if it is not.
    pub(super) fn make_ready(&self, slot: &mut Slot) -> Result<()> {
        let in_place = self.look().map_err(|error| Error::from_io(&self.file, &error))?;
        if !in_place {
            // What is open, and the mapped counter, belong to a file that nobody else sees any more.
            let why = "it was replaced while in use; close all sessions, and open new ones";
            return Err(Error::Unreachable(self.file.clone(), why.to_owned()));
        }
        if slot.open.as_ref().is_none_or(|connection| !connection.is_autocommit()) {
            // One in a transaction that could not be ended would see the same state for ever.
            *slot = Slot::default();
            slot.open = Some(self.connect()?);
        }
        Ok(())
    }

    /// One more connection, set up as every one is.
    pub(super) fn connect(&self) -> Result<Connection> {
        let connection = self.open_writable().or_else(|fault| self.open_immutable(fault));
        let connection = connection.map_err(|fault| fault.at(&self.file))?;
        let read_only = connection.is_readonly("main").map_err(|error| Fault::from(error).at(&self.file))?;
        self.read_only.store(read_only, Ordering::Relaxed);
        Ok(connection)
    }

    /// Opens for writing; SQLite itself falls back to reading if the file can't be written.
    fn open_writable(&self) -> Step<Connection> {
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = match vfs::name() {
            Some(name) => Connection::open_with_flags_and_vfs(&self.file, flags, name),
            None => Connection::open_with_flags(&self.file, flags),
        }?;
        configure(&connection)?;
        Ok(connection)
    }

    /// In a folder that can't be written, SQLite can't make the log's files beside the database. If there is no log, there is nothing in
    /// it, and nobody who could write: the file can be read as it is.
    fn open_immutable(&self, fault: Fault) -> Step<Connection> {
        let refused = matches!(&fault, Fault::Sqlite(error) if matches!(
            error.sqlite_error_code(),
            Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly)
        ));
        let log = std::fs::metadata(beside(&self.file)).map_or(0, |metadata| metadata.len());
        if !refused || log > 0 || std::fs::File::open(&self.file).is_err() {
            return Err(fault);
        }
        let flags =
            OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(immutable_uri(&self.file), flags)?;
        configure(&connection)?;
        Ok(connection)
    }
}

/// A transaction that writes nothing, until it is dropped. Unlike `rusqlite`'s its statements are compiled once.
struct Reading<'a>(&'a Connection);

impl<'a> Reading<'a> {
    fn begin(connection: &'a Connection) -> Step<Self> {
        connection.prepare_cached("BEGIN")?.execute(())?;
        Ok(Reading(connection))
    }
}

impl Drop for Reading<'_> {
    fn drop(&mut self) {
        if self.0.is_autocommit() {
            // A failure has ended it.
            return;
        }
        let ended = self.0.prepare_cached("COMMIT").and_then(|mut statement| statement.execute(()));
        if let Err(error) = ended {
            log::error!("a transaction that only reads could not be ended: {error}");
        }
    }
}

/// Makes the folder of a token, for its owner only, if there is none.
pub(super) fn make_folder(folder: &Path) -> Result<()> {
    let made = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    made.map_err(|error| Error::from_io(folder, &error))
}

/// Makes an empty file for a token, for its owner only (SQLite would ask the umask), if there is none.
pub(super) fn make_file(folder: &Path) -> Result<()> {
    let file = path(folder);
    match std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&file) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(Error::from_io(&file, &error)),
        _ => Ok(()),
    }
}

/// Where the token in `folder` is.
pub(super) fn path(folder: &Path) -> PathBuf {
    folder.join(FILE)
}

/// What every connection is set to; reads from the file, so that one that can't be read fails here.
fn configure(connection: &Connection) -> Step<()> {
    connection.busy_timeout(PATIENCE)?;
    connection.set_prepared_statement_cache_capacity(64);
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    // The file may have been made by somebody who means harm: nothing in its schema is to run.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_VIEW, false)?;
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false)?;
    // Else SQLite, as it is built here, would compile a cached statement anew for each new value.
    connection.set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)?;
    // The log is synced by us, once the write lock is free again.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "cell_size_check", "ON")?;
    connection.query_row("SELECT count(*) FROM sqlite_schema", (), |_| Ok(()))?;
    Ok(())
}

/// SQLite's way to say that a file can't change.
fn immutable_uri(file: &Path) -> String {
    let escaped: String = file
        .as_os_str()
        .as_bytes()
        .iter()
        .map(|byte| match byte {
            b'/' | b'.' | b'-' | b'_' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z' => {
                char::from(*byte).to_string()
            }
            _ => format!("%{byte:02X}"),
        })
        .collect();
    format!("file:{escaped}?immutable=1")
}
