//! Copies of the machine's state as files: the machine's bytes, then a trailer that says what they are and proves
//! that they are whole.
//!
//! ```text
//! the machine's bytes | what and up to where | its length, u32 | SHA-256 of all before | "CLSTSNP1"
//! ```

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};

use openssl::sha::Sha256;
use parking_lot::Mutex;

use super::encoding::{DecodeError, decode, encode};
use super::types::SnapshotMeta;

const MAGIC: &[u8; 8] = b"CLSTSNP1";

/// Length, digest and magic.
const FIXED: usize = 4 + 32 + 8;

/// The most bytes of "what and up to where": a membership of thousands of nodes.
const MOST_META: u32 = 1 << 20;

/// What can be wrong with a snapshot file.
#[derive(Debug)]
pub(crate) enum SnapshotError {
    /// It can't be read or written.
    Io(io::Error),
    /// Its end is not that of a snapshot: cut short, or something else.
    NotASnapshot,
    /// Its bytes are not those that were written.
    Checksum,
    /// It says what it is in a way this program can't read.
    Decode(DecodeError),
}

impl std::fmt::Display for SnapshotError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            SnapshotError::Io(error) => write!(f, "a snapshot can't be read or written: {error}"),
            SnapshotError::NotASnapshot => f.write_str("a snapshot is cut short"),
            SnapshotError::Checksum => f.write_str("a snapshot's checksum is wrong: its bytes changed"),
            SnapshotError::Decode(error) => write!(f, "a snapshot can't be read: {error}"),
        }
    }
}

impl std::error::Error for SnapshotError {}

impl From<io::Error> for SnapshotError {
    fn from(error: io::Error) -> SnapshotError {
        SnapshotError::Io(error)
    }
}

/// The folder of snapshots: one current, and those that are being made.
pub(crate) struct Snapshots {
    folder: PathBuf,
    next: AtomicU64,
    /// Held while the current one is looked at and replaced.
    replacing: Mutex<()>,
}

impl Snapshots {
    /// The snapshots in `folder`; what an earlier run left unfinished or damaged is removed.
    pub(crate) fn open(folder: PathBuf) -> Result<Snapshots, SnapshotError> {
        DirBuilder::new().recursive(true).mode(0o700).create(&folder)?;
        for entry in fs::read_dir(&folder)? {
            let path = entry?.path();
            if path.extension().is_some_and(|extension| extension == "part") {
                fs::remove_file(path)?;
            }
        }
        let snapshots = Snapshots { folder, next: AtomicU64::new(0), replacing: Mutex::new(()) };
        match snapshots.current() {
            Ok(_) => {}
            Err(error @ SnapshotError::Io(_)) => return Err(error),
            Err(error) => {
                tracing::warn!(%error, "the current snapshot is removed; another will be made");
                fs::remove_file(snapshots.current_path())?;
            }
        }
        Ok(snapshots)
    }

    fn current_path(&self) -> PathBuf {
        self.folder.join("current")
    }

    /// The path of a file to be made; a later run removes it if this one does not get to.
    pub(crate) fn part(&self) -> PathBuf {
        self.folder.join(format!("{}.part", self.next.fetch_add(1, Ordering::Relaxed)))
    }

    /// A file without a name to receive a snapshot in: gone when it is closed.
    pub(crate) fn receiving(&self) -> io::Result<File> {
        let path = self.part();
        let file = create(&path)?;
        fs::remove_file(path)?;
        Ok(file)
    }

    /// The current snapshot, checked from end to end.
    pub(crate) fn current(&self) -> Result<Option<(SnapshotMeta, File)>, SnapshotError> {
        let mut file = match File::open(self.current_path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            file => file?,
        };
        let (meta, _) = verify(&mut file)?;
        Ok(Some((meta, file)))
    }

    /// Seals the machine's bytes in `part` with `meta` and makes them the current snapshot, unless that is newer
    /// already. Answers the sealed file.
    pub(crate) fn keep(&self, part: &Path, meta: &SnapshotMeta) -> Result<File, SnapshotError> {
        seal(part, meta)?;
        let file = File::open(part)?;
        let _replacing = self.replacing.lock();
        match self.current()? {
            Some((current, _)) if current.last_log_id > meta.last_log_id => fs::remove_file(part)?,
            _ => {
                fs::rename(part, self.current_path())?;
                File::open(&self.folder)?.sync_all()?;
            }
        }
        Ok(file)
    }

    /// Copies the machine's bytes out of the sealed `file` to a new file; answers what it is and where the copy is.
    pub(crate) fn unpack(&self, file: &mut File) -> Result<(SnapshotMeta, PathBuf), SnapshotError> {
        let (meta, length) = verify(file)?;
        let part = self.part();
        let mut copy = create(&part)?;
        file.seek(SeekFrom::Start(0))?;
        io::copy(&mut file.take(length), &mut copy)?;
        Ok((meta, part))
    }
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().read(true).write(true).create_new(true).mode(0o600).open(path)
}

/// Appends the trailer to the machine's bytes and makes the file durable.
fn seal(path: &Path, meta: &SnapshotMeta) -> Result<(), SnapshotError> {
    let mut file = OpenOptions::new().read(true).append(true).open(path)?;
    let mut digest = Sha256::new();
    let length = file.metadata()?.len();
    hash(&mut file, length, &mut digest)?;
    let mut trailer = encode(meta);
    // invariant: a membership is far below 4 GiB
    let meta_length = u32::try_from(trailer.len()).map_err(|_| SnapshotError::NotASnapshot)?;
    trailer.extend(meta_length.to_le_bytes());
    digest.update(&trailer);
    trailer.extend(digest.finish());
    trailer.extend(MAGIC);
    file.write_all(&trailer)?;
    file.sync_all()?;
    Ok(())
}

/// Checks a sealed file from end to end; answers what it is and how many bytes of it are the machine's.
fn verify(file: &mut File) -> Result<(SnapshotMeta, u64), SnapshotError> {
    let total = file.metadata()?.len();
    let before_fixed = total.checked_sub(FIXED as u64).ok_or(SnapshotError::NotASnapshot)?;
    let mut fixed = [0; FIXED];
    file.seek(SeekFrom::Start(before_fixed))?;
    file.read_exact(&mut fixed)?;
    let (length, rest) = fixed.split_at(4);
    let (expected, magic) = rest.split_at(32);
    let meta_length = u32::from_le_bytes([length[0], length[1], length[2], length[3]]);
    if magic != MAGIC || meta_length > MOST_META {
        return Err(SnapshotError::NotASnapshot);
    }
    let payload = before_fixed.checked_sub(u64::from(meta_length)).ok_or(SnapshotError::NotASnapshot)?;
    let mut digest = Sha256::new();
    hash(file, payload, &mut digest)?;
    let mut meta = vec![0; meta_length as usize];
    file.read_exact(&mut meta)?;
    digest.update(&meta);
    digest.update(length);
    if digest.finish() != expected {
        return Err(SnapshotError::Checksum);
    }
    Ok((decode(&meta).map_err(SnapshotError::Decode)?, payload))
}

/// Hashes the first `length` bytes and leaves the file right after them.
fn hash(file: &mut File, length: u64, digest: &mut Sha256) -> Result<(), SnapshotError> {
    file.seek(SeekFrom::Start(0))?;
    let mut left = length;
    let mut buffer = vec![0; 1 << 16];
    while left > 0 {
        let most = usize::try_from(left).unwrap_or(usize::MAX).min(buffer.len());
        file.read_exact(&mut buffer[..most])?;
        digest.update(&buffer[..most]);
        left -= most as u64;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sealed(folder: &Path) -> Snapshots {
        let snapshots = Snapshots::open(folder.join("snapshots")).unwrap();
        let part = snapshots.part();
        fs::write(&part, b"the machine's bytes").unwrap();
        snapshots.keep(&part, &SnapshotMeta::default()).unwrap();
        snapshots
    }

    #[test]
    fn any_byte_changed_and_any_end_cut_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = sealed(folder.path());
        let whole = fs::read(snapshots.current_path()).unwrap();
        assert!(snapshots.current().unwrap().is_some());
        for place in 0..whole.len() {
            let mut changed = whole.clone();
            changed[place] ^= 1;
            fs::write(snapshots.current_path(), &changed).unwrap();
            assert!(snapshots.current().is_err(), "a changed byte {place} is not seen");
            fs::write(snapshots.current_path(), &whole[..place]).unwrap();
            assert!(snapshots.current().is_err(), "a cut at {place} is not seen");
        }
    }

    #[test]
    fn the_machine_gets_back_its_own_bytes_and_no_more() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = sealed(folder.path());
        let (_, mut file) = snapshots.current().unwrap().unwrap();
        let (_, copy) = snapshots.unpack(&mut file).unwrap();
        assert_eq!(fs::read(copy).unwrap(), b"the machine's bytes");
    }

    #[test]
    fn what_a_run_left_unfinished_or_damaged_is_removed_by_the_next() {
        let folder = tempfile::tempdir().unwrap();
        let snapshots = sealed(folder.path());
        fs::write(snapshots.part(), b"half").unwrap();
        fs::write(snapshots.current_path(), b"damaged").unwrap();
        let snapshots = Snapshots::open(folder.path().join("snapshots")).unwrap();
        assert!(snapshots.current().unwrap().is_none());
        assert_eq!(fs::read_dir(&snapshots.folder).unwrap().count(), 0);
    }
}
