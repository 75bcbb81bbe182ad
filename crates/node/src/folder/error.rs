//! What is wrong with a data folder: one line each that says what to do.

use super::Flaw;
use crate::pki::PkiError;
use crate::raft::types::NodeId;
use cloister::config::Problem;
use std::io;
use std::path::PathBuf;

/// Why a data folder can't be made or used.
#[derive(Debug)]
pub enum FolderError {
    /// There is none.
    Missing(PathBuf),
    /// It is a file.
    NoFolder(PathBuf),
    /// It holds no node, or one that was left half made.
    NotANodes(PathBuf),
    /// A new node's folder has something in it.
    NotEmpty(PathBuf),
    /// Others than the owner can get at it; the change of mode that helps.
    OpenToOthers(PathBuf, &'static str),
    /// Another process runs the node.
    Locked(PathBuf),
    /// `node.toml` is wrong.
    Settings(Problem),
    /// The certificate is wrong.
    Certificate(PathBuf, Flaw),
    /// Settings and certificate are of different nodes.
    OtherId {
        /// The settings.
        file: PathBuf,
        /// The id in them.
        written: NodeId,
        /// The id in the certificate.
        certified: NodeId,
    },
    /// The CA's private key is not there.
    NoCaKey(PathBuf),
    /// A private key, but not of this cluster's CA.
    OtherCaKey(PathBuf),
    /// A certificate or key can't be made, read or written.
    Pki(PkiError),
    /// A file or folder can't be read or written.
    Io(PathBuf, io::Error),
}

impl std::fmt::Display for FolderError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            FolderError::Missing(path) => write!(
                f,
                "there is no folder {}: `cloister cluster init` or `cloister cluster join` makes a node's",
                path.display()
            ),
            FolderError::NoFolder(path) => {
                write!(f, "{} is no folder: name a node's data folder", path.display())
            }
            FolderError::NotANodes(path) => write!(
                f,
                "{} has no node.toml, so it is no node's data folder: name another, or delete it if a node was left half made in it",
                path.display()
            ),
            FolderError::NotEmpty(path) => {
                write!(f, "{} is not empty: name a new folder for the node's data", path.display())
            }
            FolderError::OpenToOthers(path, change) => {
                write!(f, "others than its owner can get at {0}: chmod {change} {0}", path.display())
            }
            FolderError::Locked(path) => write!(
                f,
                "another process runs the node in {}: stop that first, or name another folder",
                path.display()
            ),
            FolderError::Settings(problem) => problem.fmt(f),
            FolderError::Certificate(path, flaw) => write!(f, "{}: {flaw}", path.display()),
            FolderError::OtherId { file, written, certified } => write!(
                f,
                "{}: id = \"{written:016x}\", but the certificate is node {certified:016x}'s: put back what was made together",
                file.display()
            ),
            FolderError::NoCaKey(path) => write!(
                f,
                "the key of the cluster's CA is not in {}: do this where it is kept, or give --ca-key FILE",
                path.display()
            ),
            FolderError::OtherCaKey(path) => write!(
                f,
                "{} is not the key of this cluster's CA: name the one that was made by `cloister cluster init`",
                path.display()
            ),
            FolderError::Pki(error) => error.fmt(f),
            FolderError::Io(path, error) => write!(f, "{}: {error}", path.display()),
        }
    }
}

impl std::error::Error for FolderError {}

impl From<PkiError> for FolderError {
    fn from(error: PkiError) -> FolderError {
        FolderError::Pki(error)
    }
}
