//! A node's data folder: the one place that a node keeps everything in.
//!
//! | | |
//! |---|---|
//! | `node.toml` | [`Settings`]; written last: without it, the folder is not a node's |
//! | `ca.pem` | the certificate of the cluster's CA |
//! | `node.pem`, `node.key` | the node's own certificate and its private key |
//! | `ca.key` | the CA's private key, on one node or nowhere |
//! | `raft/`, `token/` | the log with its snapshots, and the token's store |
//! | `admin.sock`, `client.sock` | sockets of the running node |
//! | `lock` | locked by the process that runs the node |

mod error;
mod new;

pub use error::FolderError;
pub use new::NewFolder;

use crate::clock;
use crate::pki::check::{Flaw, check_node};
use crate::pki::{Identity, PkiError, fingerprint, holds_until, read_certificate};
use crate::raft::types::NodeId;
use crate::settings::Settings;
use cloister::proto::peer::Role;
use openssl::x509::X509;
use std::fs::{File, TryLockError};
use std::io::ErrorKind;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

const SETTINGS: &str = "node.toml";
const CA: &str = "ca.pem";
const CA_KEY: &str = "ca.key";
const CERTIFICATE: &str = "node.pem";
const KEY: &str = "node.key";
const LOCK: &str = "lock";

/// Permissions that others than the owner have.
const OF_OTHERS: u32 = 0o077;
/// The same, to write.
const WRITE_OF_OTHERS: u32 = 0o022;

/// A node's folder, checked.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    settings: Settings,
    ca: X509,
    identity: Identity,
    /// Held by the process that runs the node.
    _lock: Option<File>,
}

impl Folder {
    /// Opens the folder to run the node: no other process can until this is dropped.
    pub fn open(path: &Path) -> Result<Folder, FolderError> {
        let folder = Folder::look(path)?;
        let lock = lock(&folder.path)?;
        Ok(Folder { _lock: Some(lock), ..folder })
    }

    /// Opens the folder to read what does not change; a process may be running the node.
    pub fn look(path: &Path) -> Result<Folder, FolderError> {
        Folder::look_at(path, clock::now())
    }

    /// The same at another time, in seconds since 1970.
    fn look_at(path: &Path, now: u64) -> Result<Folder, FolderError> {
        let path = &absolute(path)?;
        let metadata = path.metadata().map_err(|error| match error.kind() {
            ErrorKind::NotFound => FolderError::Missing(path.clone()),
            _ => FolderError::Io(path.clone(), error),
        })?;
        if !metadata.is_dir() {
            return Err(FolderError::NoFolder(path.clone()));
        }
        if metadata.permissions().mode() & WRITE_OF_OTHERS != 0 {
            return Err(FolderError::OpenToOthers(path.clone(), "go-w"));
        }
        if !path.join(SETTINGS).exists() {
            return Err(FolderError::NotANodes(path.clone()));
        }
        let settings = Settings::read(&path.join(SETTINGS)).map_err(FolderError::Settings)?;
        check_secret(&path.join(KEY))?;
        if path.join(CA_KEY).exists() {
            check_secret(&path.join(CA_KEY))?;
        }
        let ca = read_certificate(&path.join(CA))?;
        let identity = Identity::read(&path.join(CERTIFICATE), &path.join(KEY))?;
        let wrong = |flaw| FolderError::Certificate(path.join(CERTIFICATE), flaw);
        let id = check_node(&ca, &identity, now).map_err(wrong)?;
        if id != settings.id {
            return Err(FolderError::OtherId {
                file: path.join(SETTINGS),
                written: settings.id,
                certified: id,
            });
        }
        Ok(Folder { path: path.clone(), settings, ca, identity, _lock: None })
    }

    /// Where it is, from the root.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is in `node.toml`.
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    /// The node's id.
    pub fn id(&self) -> NodeId {
        self.settings.id
    }

    /// The certificate of the cluster's CA.
    pub fn ca(&self) -> &X509 {
        &self.ca
    }

    /// The node's certificate and key.
    pub fn identity(&self) -> &Identity {
        &self.identity
    }

    /// Until when the node's certificate and its CA's hold, in seconds since 1970; 0 if that can't be read.
    pub fn certified_until(&self) -> u64 {
        let ends =
            [&self.ca, &self.identity.certificate].map(|certificate| holds_until(certificate).unwrap_or(0));
        ends[0].min(ends[1])
    }

    /// The folder of the log and its snapshots; made by whoever needs it first.
    pub fn raft(&self) -> PathBuf {
        self.path.join("raft")
    }

    /// The folder of the token's store; made by whoever needs it first.
    pub fn token(&self) -> PathBuf {
        self.path.join("token")
    }

    /// The local administration socket.
    pub fn admin_socket(&self) -> PathBuf {
        self.path.join("admin.sock")
    }

    /// The cluster's CA with its private key, from `key`, or from where the folder keeps it.
    pub fn ca_with_key(&self, key: Option<&Path>) -> Result<Identity, FolderError> {
        let own = self.path.join(CA_KEY);
        let key = key.unwrap_or(&own);
        if !key.exists() {
            return Err(FolderError::NoCaKey(key.to_owned()));
        }
        check_secret(key)?;
        let ca = Identity::read(&self.path.join(CA), key)?;
        match ca.certificate.public_key().map_err(PkiError::from)?.public_eq(&ca.key) {
            true => Ok(ca),
            false => Err(FolderError::OtherCaKey(key.to_owned())),
        }
    }

    /// Makes a certificate for a client called `name`, by the CA whose key is in `key` or in the folder.
    pub fn issue_client(&self, name: &str, key: Option<&Path>) -> Result<Identity, FolderError> {
        Ok(self.ca_with_key(key)?.issue(&Role::Client(name.to_owned()))?)
    }

    /// What the cluster is known by: SHA-256 of its CA's certificate.
    pub fn cluster(&self) -> Result<[u8; 32], FolderError> {
        Ok(fingerprint(&self.ca)?)
    }
}

fn absolute(path: &Path) -> Result<PathBuf, FolderError> {
    std::path::absolute(path).map_err(|error| FolderError::Io(path.to_owned(), error))
}

/// A file that nobody but its owner may read.
fn check_secret(path: &Path) -> Result<(), FolderError> {
    let metadata = path.metadata().map_err(|error| FolderError::Io(path.to_owned(), error))?;
    match metadata.permissions().mode() & OF_OTHERS {
        0 => Ok(()),
        _ => Err(FolderError::OpenToOthers(path.to_owned(), "go=")),
    }
}

/// Locks the folder for this process; the kernel lets go of it when the process ends, in whatever way.
fn lock(path: &Path) -> Result<File, FolderError> {
    let file = path.join(LOCK);
    let failed = |error| FolderError::Io(file.clone(), error);
    let opened =
        File::options().write(true).create(true).truncate(false).mode(0o600).open(&file).map_err(failed)?;
    match opened.try_lock() {
        Ok(()) => Ok(opened),
        Err(TryLockError::WouldBlock) => Err(FolderError::Locked(path.to_owned())),
        Err(TryLockError::Error(error)) => Err(failed(error)),
    }
}

#[cfg(test)]
mod tests;
