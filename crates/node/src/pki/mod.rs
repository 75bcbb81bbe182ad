//! The cluster's own certificates: one CA, a certificate for each node and for each client. What a certificate is for is its
//! [`Role`], a URI that only the CA can write.
//!
//! - [`Identity`]: a certificate with its key, read and written as PEM files
//! - `issue`: makes them
//! - [`check`]: whether what a folder or a join token holds fits together

pub mod check;
mod issue;

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use cloister::proto::peer::{INVITED_UNTIL, LONGEST_NAME, Role};
use openssl::asn1::Asn1Time;
use openssl::error::ErrorStack;
use openssl::pkey::{PKey, Private};
use openssl::x509::{X509, X509Ref};
use zeroize::Zeroizing;

/// What can go wrong with certificates and keys.
#[derive(Debug)]
pub enum PkiError {
    /// OpenSSL refused.
    OpenSsl(ErrorStack),
    /// A file can't be read or written, or is there already.
    File(PathBuf, io::Error),
    /// A file holds no certificate or key in PEM.
    NotPem(PathBuf),
    /// A name that is empty, too long, or of other characters than letters, digits, `-`, `_` and `.`.
    Name,
}

impl std::fmt::Display for PkiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PkiError::OpenSsl(error) => write!(f, "a certificate or key can't be made or used: {error}"),
            PkiError::File(path, error) => write!(f, "{}: {error}", path.display()),
            PkiError::NotPem(path) => {
                write!(f, "{} is no PEM file of the expected kind: name another", path.display())
            }
            PkiError::Name => write!(f, "a name has 1 to {LONGEST_NAME} letters, digits, '-', '_' or '.'"),
        }
    }
}

impl std::error::Error for PkiError {}

impl From<ErrorStack> for PkiError {
    fn from(error: ErrorStack) -> PkiError {
        PkiError::OpenSsl(error)
    }
}

/// A certificate and its private key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: X509,
    /// The private key.
    pub key: PKey<Private>,
}

// The key has no place in a log line.
impl std::fmt::Debug for Identity {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match Role::of(&self.certificate) {
            Some(role) => write!(f, "identity of {role}"),
            None => f.write_str("identity without a role"),
        }
    }
}

impl Identity {
    /// Writes the certificate and the key as new PEM files, the key readable by its owner only.
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), PkiError> {
        let pem = Zeroizing::new(self.key.private_key_to_pem_pkcs8()?);
        write_new(key, &pem, 0o600)?;
        write_certificate(&self.certificate, certificate)
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(certificate: &Path, key: &Path) -> Result<Identity, PkiError> {
        let certificate = read_certificate(certificate)?;
        let pem = Zeroizing::new(read(key)?);
        let key = PKey::private_key_from_pem(&pem).map_err(|_| PkiError::NotPem(key.to_owned()))?;
        Ok(Identity { certificate, key })
    }
}

/// Reads a certificate from a PEM file.
pub fn read_certificate(path: &Path) -> Result<X509, PkiError> {
    X509::from_pem(&read(path)?).map_err(|_| PkiError::NotPem(path.to_owned()))
}

/// Writes a certificate as a new PEM file.
pub fn write_certificate(certificate: &X509Ref, path: &Path) -> Result<(), PkiError> {
    write_new(path, &certificate.to_pem()?, 0o644)
}

/// SHA-256 of a certificate: a cluster is known by that of its CA.
pub fn fingerprint(certificate: &X509Ref) -> Result<[u8; 32], PkiError> {
    Ok(openssl::sha::sha256(&certificate.to_der()?))
}

/// Until when, in seconds since 1970, the node with this certificate may join; `None` where an invitation says nothing of it.
pub fn invited_until(certificate: &X509Ref) -> Option<u64> {
    let names = certificate.subject_alt_names()?;
    let mut times = names.iter().filter_map(|name| name.uri()?.strip_prefix(INVITED_UNTIL));
    let time = times.next()?.parse().ok()?;
    times.next().is_none().then_some(time)
}

/// Until when a certificate holds, in seconds since 1970.
pub fn holds_until(certificate: &X509Ref) -> Result<u64, PkiError> {
    let since = Asn1Time::from_unix(0)?.diff(certificate.not_after())?;
    let seconds = i64::from(since.days).saturating_mul(24 * 3600).saturating_add(i64::from(since.secs));
    Ok(u64::try_from(seconds).unwrap_or(0))
}

fn read(path: &Path) -> Result<Vec<u8>, PkiError> {
    std::fs::read(path).map_err(|error| PkiError::File(path.to_owned(), error))
}

/// Writes a file that is not there yet, durably.
pub(crate) fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PkiError> {
    let write = || {
        let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|error| PkiError::File(path.to_owned(), error))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_certificate_says_its_role_and_an_invited_node_until_when() {
        let ca = Identity::new_ca("test").unwrap();
        for role in [Role::Node(0), Role::Node(u64::MAX), Role::Client("web-1".to_owned())] {
            let issued = ca.issue(&role).unwrap().certificate;
            assert_eq!((Role::of(&issued), invited_until(&issued)), (Some(role), None));
        }
        let invited = ca.invite(7, 1_900_000_000).unwrap().certificate;
        assert_eq!((Role::of(&invited), invited_until(&invited)), (Some(Role::Node(7)), Some(1_900_000_000)));
        assert_eq!(Role::of(&ca.certificate), None);
    }

    #[test]
    fn a_client_can_not_take_a_name_that_reads_as_a_node() {
        let ca = Identity::new_ca("test").unwrap();
        for name in ["", "a/b", "a,URI:cloister://node/0000000000000001", "a b", &"x".repeat(65)] {
            let role = Role::Client(name.to_owned());
            assert!(matches!(ca.issue(&role), Err(PkiError::Name)), "{name}");
        }
    }

    #[test]
    fn a_key_is_written_for_its_owner_only_and_never_over_another() {
        let folder = tempfile::tempdir().unwrap();
        let (certificate, key) = (folder.path().join("ca.pem"), folder.path().join("ca.key"));
        let ca = Identity::new_ca("test").unwrap();
        ca.write(&certificate, &key).unwrap();
        assert_eq!(std::fs::metadata(&key).unwrap().permissions().mode() & 0o777, 0o600);
        let read = Identity::read(&certificate, &key).unwrap();
        assert_eq!(fingerprint(&read.certificate).unwrap(), fingerprint(&ca.certificate).unwrap());
        assert!(read.key.public_eq(&ca.key));
        assert!(matches!(ca.write(&certificate, &key), Err(PkiError::File(path, _)) if path == key));
        assert!(matches!(Identity::read(&key, &key), Err(PkiError::NotPem(path)) if path == key));
    }
}
