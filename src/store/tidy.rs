//! The log kept short. SQLite's own checkpoints go on while others commit, and so never come to the log's end when several processes are at it: it would
//! grow without end, and each start would have to read it. Here a checkpoint holds the write lock.

use super::connection::{Database, PATIENCE};
use super::error::Step;
use rusqlite::Connection;
use std::time::Duration;

/// Bytes of pages in the log from which on it is brought into the database.
const BYTES: i64 = 4 << 20;

/// Commits of a connection after which it looks how long the log is; the first is one of them.
const COMMITS: u32 = 16;

/// How often to try to have the write lock, or to find nobody reading an older state.
const TRIES: usize = 16;

impl Database {
    /// Brings the log into the database if it has become long. `commits`: those of this connection before. A failure is no failure of the commit: the
    /// log only stays long.
    pub(super) fn tidy(&self, connection: &Connection, commits: u32) {
        if commits.is_multiple_of(COMMITS)
            && let Err(fault) = self.shorten(connection, commits == 0)
        {
            log::warn!("{}", fault.at(self.path()));
        }
    }

    fn shorten(&self, connection: &Connection, is_first: bool) -> Step<()> {
        if is_first {
            connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        }
        let mut looks = connection.prepare_cached("PRAGMA wal_checkpoint(NOOP)")?;
        let pages: i64 = looks.query_row((), |row| row.get(1))?;
        let page: i64 = connection.prepare_cached("PRAGMA page_size")?.query_row((), |row| row.get(0))?;
        if pages.saturating_mul(page) < BYTES {
            return Ok(());
        }
        connection.busy_timeout(Duration::ZERO)?;
        let done = self.checkpoint(connection);
        connection.busy_timeout(PATIENCE)?;
        self.counter().call_next();
        done
    }

    fn checkpoint(&self, connection: &Connection) -> Step<()> {
        for _ in 0..TRIES {
            let seen = self.counter().raw();
            let is_busy: bool = connection.query_row("PRAGMA wal_checkpoint(FULL)", (), |row| row.get(0))?;
            if !is_busy {
                break;
            }
            self.counter().await_writer(seen);
        }
        Ok(())
    }
}
