//! A folder being made: whole in the end, or gone.

use super::{CA, CA_KEY, CERTIFICATE, Folder, FolderError, KEY, LOCK, SETTINGS, absolute, lock};
use crate::clock;
use crate::pki::check::{Flaw, check_node};
use crate::pki::{Identity, write_certificate, write_new};
use crate::settings::{NewSettings, Settings};
use openssl::x509::X509;
use std::fs::{DirBuilder, File, Permissions};
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Only its owner may look into a node's folder.
const MODE: u32 = 0o700;

/// The folder of a node that is being founded or joins. Dropped before [`NewFolder::keep`], all of it is removed again.
#[derive(Debug)]
pub struct NewFolder {
    // The first: what removes the files goes before the lock in `folder`.
    room: Room,
    folder: Folder,
    text: String,
}

impl NewFolder {
    /// Writes everything but `node.toml` into a new folder, or one that is empty: `identity` is a node's certificate of `ca`.
    pub fn create(
        path: &Path,
        settings: &NewSettings,
        ca: &X509,
        identity: Identity,
    ) -> Result<NewFolder, FolderError> {
        let path = absolute(path)?;
        let text = settings.to_toml();
        let settings = Settings::of_text(&path.join(SETTINGS), &text).map_err(FolderError::Settings)?;
        let wrong = |flaw: Flaw| FolderError::Certificate(path.join(CERTIFICATE), flaw);
        let certified = check_node(ca, &identity, clock::now()).map_err(wrong)?;
        if certified != settings.id {
            return Err(FolderError::OtherId { file: path.join(SETTINGS), written: settings.id, certified });
        }
        let (room, lock) = Room::take(&path)?;
        write_certificate(ca, &path.join(CA))?;
        identity.write(&path.join(CERTIFICATE), &path.join(KEY))?;
        let folder = Folder { path, settings, ca: ca.clone(), identity, _lock: Some(lock) };
        Ok(NewFolder { room, folder, text })
    }

    /// Keeps the CA's private key in the folder too.
    pub fn keep_ca_key(&self, ca: &Identity) -> Result<(), FolderError> {
        let pem = ca.key.private_key_to_pem_pkcs8().map(zeroize::Zeroizing::new);
        let pem = pem.map_err(crate::pki::PkiError::from)?;
        Ok(write_new(&self.folder.path.join(CA_KEY), &pem, 0o600)?)
    }

    /// The folder, for the node to be founded or to join.
    pub fn folder(&self) -> &Folder {
        &self.folder
    }

    /// The node is a member: from now on the folder is a node's.
    pub fn keep(mut self) -> Result<(), FolderError> {
        write_new(&self.folder.path.join(SETTINGS), self.text.as_bytes(), 0o644)?;
        self.room.kept = true;
        Ok(())
    }
}

/// An empty folder that is ours to fill, and empty again when this is dropped, unless it is kept.
#[derive(Debug)]
struct Room {
    path: PathBuf,
    /// Whether it was made here; one that was there before stays, for it may be where a disk is mounted.
    made: bool,
    kept: bool,
}

impl Room {
    /// Nobody else can fill it while it is locked, and nothing is removed from a folder that another process has come to fill first.
    fn take(path: &Path) -> Result<(Room, File), FolderError> {
        let failed = |error| FolderError::Io(path.to_owned(), error);
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(failed)?;
        }
        let made = match DirBuilder::new().mode(MODE).create(path) {
            Ok(()) => true,
            Err(error) if error.kind() == ErrorKind::AlreadyExists => false,
            Err(error) => return Err(failed(error)),
        };
        if !made {
            if !path.is_dir() {
                return Err(FolderError::NoFolder(path.to_owned()));
            }
            check_empty(path)?;
        }
        // Also where it was made: the process may have a mask that takes permissions away from the owner.
        std::fs::set_permissions(path, Permissions::from_mode(MODE)).map_err(failed)?;
        let lock = lock(path)?;
        check_empty(path)?;
        Ok((Room { path: path.to_owned(), made, kept: false }, lock))
    }

    fn empty(&self) -> std::io::Result<()> {
        if self.made {
            return std::fs::remove_dir_all(&self.path);
        }
        for entry in std::fs::read_dir(&self.path)? {
            let entry = entry?;
            match entry.file_type()?.is_dir() {
                true => std::fs::remove_dir_all(entry.path())?,
                false => std::fs::remove_file(entry.path())?,
            }
        }
        Ok(())
    }
}

/// Refuses a folder with anything in it but a lock.
fn check_empty(path: &Path) -> Result<(), FolderError> {
    let failed = |error| FolderError::Io(path.to_owned(), error);
    for entry in std::fs::read_dir(path).map_err(failed)? {
        if entry.map_err(failed)?.file_name() != LOCK {
            return Err(FolderError::NotEmpty(path.to_owned()));
        }
    }
    Ok(())
}

impl Drop for Room {
    fn drop(&mut self) {
        if self.kept {
            return;
        }
        if let Err(error) = self.empty() {
            tracing::warn!("{} could not be removed again: {error}", self.path.display());
        }
    }
}
