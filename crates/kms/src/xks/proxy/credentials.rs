//! The access keys of a prefix: a file that may change while the proxy runs (specification, "SigV4 credentials rotation").

use super::settings::{Wrong, from_toml};
use crate::auth::credentials::{Credential, Secret};
use crate::secret_file;
use crate::xks::protocol::limits;
use parking_lot::RwLock;
use serde::Deserialize;
use std::collections::HashMap;
use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;
use std::sync::Arc;

/// The access keys that count at one moment, by their ids.
pub(super) type Credentials = Arc<HashMap<String, Arc<Credential>>>;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(rename = "credential")]
    credentials: Vec<WrittenCredential>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenCredential {
    /// 20 to 30 of `A-Z2-7`.
    access_key_id: String,
    /// 43 to 64 of `A-Za-z0-9/+=`.
    secret_access_key: Secret,
}

/// More than the two that a rotation takes are most likely forgotten ones.
const AT_ONCE: usize = 4;

/// A file of access keys.
#[derive(Debug)]
pub(super) struct CredentialFile {
    path: PathBuf,
    known: RwLock<Known>,
}

#[derive(Debug)]
struct Known {
    stamp: Option<Stamp>,
    credentials: Credentials,
}

/// By what it shows that a file has changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    inode: u64,
    bytes: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(file: &Metadata) -> Stamp {
        Stamp {
            inode: file.ino(),
            bytes: file.size(),
            modified: (file.mtime(), file.mtime_nsec()),
            changed: (file.ctime(), file.ctime_nsec()),
        }
    }
}

impl CredentialFile {
    /// Reads the file, which only its owner may read.
    pub(super) fn open(path: PathBuf) -> Result<CredentialFile, Wrong> {
        let file = CredentialFile {
            known: RwLock::new(Known { stamp: None, credentials: Credentials::default() }),
            path,
        };
        let (stamp, credentials) = file.read()?;
        *file.known.write() = Known { stamp: Some(stamp), credentials };
        Ok(file)
    }

    /// The access keys of now. While the file can't be followed, those of before count, and the log says why.
    pub(super) fn current(&self) -> Credentials {
        let stamp = std::fs::metadata(&self.path).ok().map(|file| Stamp::of(&file));
        {
            let known = self.known.read();
            if known.stamp == stamp {
                return known.credentials.clone();
            }
        }
        let mut known = self.known.write();
        if known.stamp != stamp {
            match self.read() {
                Ok((stamp, credentials)) => {
                    tracing::info!("{}: read again, {} access keys", self.path.display(), credentials.len());
                    *known = Known { stamp: Some(stamp), credentials };
                }
                Err(wrong) => {
                    tracing::error!("{wrong}; the access keys of before still count");
                    known.stamp = stamp;
                }
            }
        }
        known.credentials.clone()
    }

    fn read(&self) -> Result<(Stamp, Credentials), Wrong> {
        let wrong = |why: &dyn fmt::Display| Wrong(format!("{}: {why}", self.path.display()));
        let (text, metadata) = secret_file::read(&self.path).map_err(Wrong)?;
        let written: Written = from_toml(&self.path, &text)?;
        let credentials = checked(written.credentials).map_err(|Wrong(why)| wrong(&why))?;
        Ok((Stamp::of(&metadata), Arc::new(credentials)))
    }
}

/// Errors name no secret.
fn checked(written: Vec<WrittenCredential>) -> Result<HashMap<String, Arc<Credential>>, Wrong> {
    if !(1..=AT_ONCE).contains(&written.len()) {
        return Err(Wrong(format!("write 1 to {AT_ONCE} [[credential]]")));
    }
    let mut credentials = HashMap::new();
    for WrittenCredential { access_key_id: id, secret_access_key: secret } in written {
        if !limits::is_access_key_id(&id) {
            return Err(Wrong(format!("access-key-id {id:?}: write 20 to 30 of A-Z and 2-7")));
        }
        if !limits::is_secret_access_key(secret.expose()) {
            let why = "write 43 to 64 of A-Z, a-z, 0-9, '/', '+' and '='";
            return Err(Wrong(format!("the secret-access-key of {id}: {why}")));
        }
        if credentials.insert(id.clone(), Arc::new(credential(&id, secret))).is_some() {
            return Err(Wrong(format!("access-key-id {id} is there twice")));
        }
    }
    Ok(credentials)
}

/// It stands for no principal of AWS (specification, appendix A).
fn credential(id: &str, secret: Secret) -> Credential {
    Credential {
        access_key: id.to_owned(),
        secret,
        session_token: None,
        principal_arn: String::new(),
        account: String::new(),
        via_service: None,
        expires: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs::{self, Permissions};
    use std::os::unix::fs::PermissionsExt;
    use std::path::Path;

    fn id(last: char) -> String {
        format!("{}{last}", "A".repeat(19))
    }

    fn text(ids: &[String]) -> String {
        let one = |id: &String| {
            format!("[[credential]]\naccess-key-id = \"{id}\"\nsecret-access-key = \"{}\"\n", "s".repeat(43))
        };
        ids.iter().map(one).collect()
    }

    /// As an administrator does it: a new file in the place of the old.
    fn replace(path: &Path, text: &str, mode: u32) {
        let new = path.with_extension("new");
        fs::write(&new, text).unwrap();
        fs::set_permissions(&new, Permissions::from_mode(mode)).unwrap();
        fs::rename(&new, path).unwrap();
    }

    fn ids(credentials: &Credentials) -> Vec<String> {
        let mut ids: Vec<String> = credentials.keys().cloned().collect();
        ids.sort();
        ids
    }

    #[test]
    fn k81_access_keys_change_without_a_restart() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        replace(&path, &text(&[id('A')]), 0o600);
        let file = CredentialFile::open(path.clone()).unwrap();
        for now in [vec![id('A'), id('B')], vec![id('B')]] {
            replace(&path, &text(&now), 0o600);
            assert_eq!(ids(&file.current()), now);
        }
        // What can't be followed changes nothing.
        for (broken, mode) in [("[[credential]", 0o600), (text(&[id('C')]).as_str(), 0o644)] {
            replace(&path, broken, mode);
            assert_eq!(ids(&file.current()), [id('B')]);
        }
        fs::remove_file(&path).unwrap();
        assert_eq!(ids(&file.current()), [id('B')]);
        replace(&path, &text(&[id('D')]), 0o400);
        assert_eq!(ids(&file.current()), [id('D')]);
    }

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        for mode in [0o640, 0o604, 0o660, 0o644] {
            replace(&path, &text(&[id('A')]), mode);
            let wrong = CredentialFile::open(path.clone()).unwrap_err().to_string();
            assert!(wrong.contains(&format!("{mode:04o}")) && wrong.contains("0600"), "{wrong}");
        }
    }

    #[test]
    fn wrong_files_are_told_without_their_secrets() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("c.toml");
        let secret = "s".repeat(43);
        for (text, expected) in [
            (String::new(), "missing field `credential`"),
            (text(&[id('1')]), "20 to 30"),
            (text(&[id('A'), id('A')]), "twice"),
            (text(&[id('A')]).replace(&secret, &secret[..42]), "43 to 64"),
            (text(&[id('A')]) + "region = 1\n", "unknown field `region`"),
            (text(&[id('A'), id('B'), id('C'), id('D'), id('E')]), "1 to 4"),
        ] {
            replace(&path, &text, 0o600);
            let wrong = CredentialFile::open(path.clone()).unwrap_err().to_string();
            assert!(wrong.contains(expected), "{wrong}");
            assert!(!wrong.contains(&secret[..42]) && !wrong.contains('\n'), "{wrong}");
        }
        replace(&path, &text(&[id('A')]), 0o600);
        assert!(!format!("{:?}", CredentialFile::open(path).unwrap()).contains(&secret));
    }
}
