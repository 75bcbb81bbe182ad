//! What can go wrong with a store, in words for the log and in the standard's codes for the caller.

use super::codec;
use super::schema::Format;
use crate::error::Error as Code;
use crate::logging;
use openssl::error::ErrorStack;
use rusqlite::{ErrorCode, ffi};
use std::fmt;
use std::io;
use std::path::{Path, PathBuf};

/// Why the store can't do as asked. Each carries what one log line needs to say; [`Error::code`] maps it, once, to what a caller sees.
#[derive(Clone, Debug)]
pub enum Error {
    /// The folder or file can't be opened or made.
    Unreachable(PathBuf, String),
    /// Read-only file or folder.
    ReadOnly(PathBuf),
    /// No space, or a quota.
    Full(PathBuf),
    /// Written by a later version of Cloister.
    Newer {
        /// The file.
        path: PathBuf,
        /// Its format.
        format: u32,
    },
    /// Not a store, or a record that fails its seal.
    Corrupt(PathBuf, String),
    /// Another process has held the store for too long.
    Busy(PathBuf),
    /// Anything else SQLite says.
    Failed(PathBuf, String),
    /// The record to be changed is gone.
    Gone,
    /// A user of that role and name exists, or an object of that id, or a token.
    Exists,
    /// The last officer can't be deleted.
    LastOfficer,
    /// A private object, a secret or a trusted key can't be written or deleted without a viewer.
    LoginNeeded,
    /// The token key is that of an earlier token, or its user is gone: the login is over.
    LoginOver,
    /// More than a record may hold.
    TooLarge,
    /// The request has been done before: [`super::Store::outcome_of`] tells what it came to.
    Repeated,
    /// The stores of the cluster could not agree: why.
    Unavailable(String),
}

/// The result of a store's method.
pub type Result<T> = std::result::Result<T, Error>;

impl Error {
    /// What a caller of the module sees.
    pub fn code(&self) -> Code {
        match self {
            Error::Unreachable(..) | Error::Unavailable(_) => Code::DeviceRemoved,
            Error::ReadOnly(_) => Code::TokenWriteProtected,
            Error::Full(_) | Error::TooLarge => Code::DeviceMemory,
            Error::Newer { .. } => Code::TokenNotRecognized,
            Error::Corrupt(..) => Code::DeviceError,
            Error::Busy(_) | Error::Repeated => Code::FunctionFailed,
            Error::Failed(..) => Code::GeneralError,
            Error::Gone => Code::ObjectHandleInvalid,
            Error::Exists => Code::ArgumentsBad,
            Error::LastOfficer => Code::ActionProhibited,
            Error::LoginNeeded | Error::LoginOver => Code::UserNotLoggedIn,
        }
    }

    /// Whether it is the store that is at fault, and somebody should read about it; the others are answers to a caller.
    fn is_trouble(&self) -> bool {
        use Error::*;
        match self {
            Unreachable(..) | ReadOnly(_) | Full(_) | Newer { .. } | Corrupt(..) | Busy(_) | Failed(..) => {
                true
            }
            Gone | Exists | LastOfficer | LoginNeeded | LoginOver | TooLarge | Repeated => false,
            Unavailable(_) => false,
        }
    }

    /// What the file system says about `path`.
    pub(super) fn from_io(path: &Path, error: &io::Error) -> Self {
        let path = path.to_path_buf();
        match error.kind() {
            io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => Error::Full(path),
            io::ErrorKind::ReadOnlyFilesystem => Error::ReadOnly(path),
            _ => Error::Unreachable(path, error.to_string()),
        }
    }

    /// What SQLite says about `path`.
    pub(super) fn from_sqlite(path: &Path, error: &rusqlite::Error) -> Self {
        let path = path.to_path_buf();
        let Some(failure) = error.sqlite_error() else {
            // A column of another type than the format has.
            return Error::Corrupt(path, error.to_string());
        };
        match failure.code {
            ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => Error::Busy(path),
            ErrorCode::ReadOnly => Error::ReadOnly(path),
            ErrorCode::DiskFull => Error::Full(path),
            // SQLite says SQLITE_FULL for ENOSPC only; a quota, and room for the -shm file, come as these.
            ErrorCode::SystemIoFailure
                if [ffi::SQLITE_IOERR_WRITE, ffi::SQLITE_IOERR_SHMSIZE].contains(&failure.extended_code) =>
            {
                Error::Full(path)
            }
            ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt => Error::Corrupt(path, error.to_string()),
            ErrorCode::CannotOpen | ErrorCode::PermissionDenied => {
                Error::Unreachable(path, error.to_string())
            }
            ErrorCode::TooBig => Error::TooLarge,
            _ => Error::Failed(path, error.to_string()),
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (path, what) = match self {
            Error::Unreachable(path, why) => {
                (path, format!("can't be opened ({why}); check the path and its permissions"))
            }
            Error::ReadOnly(path) => {
                (path, "can't be written; make the file and its folder writable".to_owned())
            }
            Error::Full(path) => {
                (path, "has no room to grow; free space on the disk, or raise the quota".to_owned())
            }
            Error::Newer { path, format } => (
                path,
                format!(
                    "has format {format}, this Cloister knows {}; update Cloister",
                    Format::NEWEST as i32
                ),
            ),
            Error::Corrupt(path, why) => {
                (path, format!("is no token or is damaged ({why}); restore it from a backup"))
            }
            Error::Busy(path) => {
                (path, "has been held by another process for too long; look for one that hangs".to_owned())
            }
            Error::Failed(path, why) => (path, format!("failed ({why})")),
            Error::Gone => return f.write_str("there is no such record (any more)"),
            Error::Exists => return f.write_str("there is one already"),
            Error::LastOfficer => return f.write_str("the last officer of a token can't be deleted"),
            Error::LoginNeeded => return f.write_str("that can't be written without a login"),
            Error::LoginOver => return f.write_str("the token or the user of this login is gone"),
            Error::TooLarge => return f.write_str("more than a record can hold"),
            Error::Repeated => return f.write_str("the request has been done before"),
            Error::Unavailable(why) => return write!(f, "the cluster could not agree: {why}"),
        };
        write!(f, "token store {}: {what}", path.display())
    }
}

impl std::error::Error for Error {}

impl From<Error> for Code {
    /// Says in the log, once and not at every call, what is wrong with the store, and answers what the caller is to see.
    fn from(error: Error) -> Code {
        if error.is_trouble() {
            logging::error_once(&error.to_string());
        }
        error.code()
    }
}

/// A failure inside a transaction, where nobody knows the file's name.
#[derive(Debug)]
pub(super) enum Fault {
    /// SQLite's.
    Sqlite(rusqlite::Error),
    /// OpenSSL's.
    Crypto(ErrorStack),
    /// What is stored can't be: why.
    Damaged(String),
    /// Already what the caller is told.
    Told(Error),
}

/// The result of one step in a transaction.
pub(super) type Step<T> = std::result::Result<T, Fault>;

impl Fault {
    /// The error, now that the file is known.
    pub(super) fn at(self, path: &Path) -> Error {
        match self {
            Fault::Sqlite(error) => Error::from_sqlite(path, &error),
            Fault::Crypto(error) => Error::Failed(path.to_path_buf(), format!("OpenSSL: {error}")),
            Fault::Damaged(why) => Error::Corrupt(path.to_path_buf(), why),
            Fault::Told(error) => error,
        }
    }
}

impl From<rusqlite::Error> for Fault {
    fn from(error: rusqlite::Error) -> Self {
        Fault::Sqlite(error)
    }
}

impl From<ErrorStack> for Fault {
    fn from(error: ErrorStack) -> Self {
        Fault::Crypto(error)
    }
}

impl From<codec::TooLarge> for Fault {
    fn from(_: codec::TooLarge) -> Self {
        Fault::Told(Error::TooLarge)
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Fault::Told(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_trouble_has_a_code_of_its_own_and_names_the_path() {
        let path = || PathBuf::from("/some/token.db");
        let troubles = [
            Error::Unreachable(path(), "why".into()),
            Error::ReadOnly(path()),
            Error::Full(path()),
            Error::Newer { path: path(), format: 9 },
            Error::Corrupt(path(), "why".into()),
            Error::Busy(path()),
            Error::Failed(path(), "why".into()),
        ];
        let codes: std::collections::HashSet<_> = troubles.iter().map(Error::code).collect();
        assert_eq!(codes.len(), troubles.len());
        for trouble in &troubles {
            assert!(trouble.is_trouble() && trouble.to_string().contains("/some/token.db"), "{trouble}");
        }
    }
}
