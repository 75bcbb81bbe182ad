//! The cluster's own certificates: one CA, a certificate for each node and for each client. What a certificate is
//! for stands in its subject alternative name as a URI, and only the CA can write it:
//! `cloister://node/<id, 16 hex digits>` or `cloister://client/<name>`.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use openssl::asn1::Asn1Time;
use openssl::bn::{BigNum, MsbOption};
use openssl::ec::{EcGroup, EcKey};
use openssl::error::ErrorStack;
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{
    AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectAlternativeName,
    SubjectKeyIdentifier,
};
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef, X509Ref};

use super::types::NodeId;

/// How long the CA's certificate holds.
const CA_DAYS: i64 = 20 * 365;
/// How long a node's or client's certificate holds.
const LEAF_DAYS: i64 = 10 * 365;
/// Certificates begin to hold this much before they are made: clocks differ.
const EARLIER: i64 = 24 * 3600;

/// The longest name of a client.
const LONGEST_NAME: usize = 64;

/// What can go wrong with certificates and keys.
#[derive(Debug)]
pub enum PkiError {
    /// OpenSSL refused.
    OpenSsl(ErrorStack),
    /// A file can't be read or written, or is there already.
    Io(io::Error),
    /// A name that is empty, too long, or of other characters than letters, digits, `-`, `_` and `.`.
    Name,
}

impl std::fmt::Display for PkiError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PkiError::OpenSsl(error) => write!(f, "a certificate or key can't be made or read: {error}"),
            PkiError::Io(error) => write!(f, "a certificate or key file can't be read or written: {error}"),
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

impl From<io::Error> for PkiError {
    fn from(error: io::Error) -> PkiError {
        PkiError::Io(error)
    }
}

/// What the owner of a certificate may be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Role {
    /// A node of the cluster: may speak on the sync socket.
    Node(NodeId),
    /// A client: may speak on the client socket only.
    Client(String),
}

impl Role {
    /// The URI that says so.
    fn uri(&self) -> Result<String, PkiError> {
        match self {
            Role::Node(id) => Ok(format!("cloister://node/{id:016x}")),
            Role::Client(name) if is_name(name) => Ok(format!("cloister://client/{name}")),
            Role::Client(_) => Err(PkiError::Name),
        }
    }

    fn of_uri(uri: &str) -> Option<Role> {
        let (kind, name) = uri.strip_prefix("cloister://")?.split_once('/')?;
        let role = match kind {
            "node" => Role::Node(NodeId::from_str_radix(name, 16).ok()?),
            "client" => Role::Client(name.to_owned()),
            _ => return None,
        };
        // One way to write each: no leading signs, no other lengths.
        (role.uri().ok()? == uri).then_some(role)
    }

    /// The role in a certificate; `None` without exactly one. That the CA signed it is for TLS to check.
    pub fn of(certificate: &X509Ref) -> Option<Role> {
        let names = certificate.subject_alt_names()?;
        let mut roles = names.iter().filter_map(|name| name.uri());
        match (roles.next(), roles.next()) {
            (Some(uri), None) => Role::of_uri(uri),
            _ => None,
        }
    }
}

fn is_name(name: &str) -> bool {
    (1..=LONGEST_NAME).contains(&name.len())
        && name.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte))
}

/// A certificate and its private key.
#[derive(Clone)]
pub struct Identity {
    /// The certificate.
    pub certificate: X509,
    /// The private key.
    pub key: PKey<Private>,
}

impl Identity {
    /// Makes the CA of a new cluster.
    pub fn new_ca(cluster: &str) -> Result<Identity, PkiError> {
        let key = new_key()?;
        let name = common_name(cluster)?;
        let mut builder = builder(&name, &key, CA_DAYS)?;
        builder.set_issuer_name(&name)?;
        builder.append_extension(BasicConstraints::new().critical().ca().pathlen(0).build()?)?;
        builder.append_extension(KeyUsage::new().critical().key_cert_sign().crl_sign().build()?)?;
        let subject_key = SubjectKeyIdentifier::new().build(&builder.x509v3_context(None, None))?;
        builder.append_extension(subject_key)?;
        builder.sign(&key, MessageDigest::sha256())?;
        Ok(Identity { certificate: builder.build(), key })
    }

    /// Makes a certificate for `role`; `self` is the CA.
    pub fn issue(&self, role: &Role) -> Result<Identity, PkiError> {
        let key = new_key()?;
        let uri = role.uri()?;
        let name = match role {
            Role::Node(id) => common_name(&format!("node {id:016x}"))?,
            Role::Client(name) => common_name(name)?,
        };
        let mut builder = builder(&name, &key, LEAF_DAYS)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        let mut usage = ExtendedKeyUsage::new();
        usage.client_auth();
        if let Role::Node(_) = role {
            usage.server_auth();
        }
        builder.append_extension(usage.build()?)?;
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let alternative = SubjectAlternativeName::new().uri(&uri).build(&context)?;
        let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(alternative)?;
        builder.append_extension(authority)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(Identity { certificate: builder.build(), key })
    }

    /// Writes the certificate and the key as new PEM files, the key readable by its owner only.
    pub fn write(&self, certificate: &Path, key: &Path) -> Result<(), PkiError> {
        let pem = zeroize::Zeroizing::new(self.key.private_key_to_pem_pkcs8()?);
        write_new(key, &pem, 0o600)?;
        write_new(certificate, &self.certificate.to_pem()?, 0o644)
    }

    /// Reads what [`Self::write`] wrote.
    pub fn read(certificate: &Path, key: &Path) -> Result<Identity, PkiError> {
        let pem = zeroize::Zeroizing::new(std::fs::read(key)?);
        Ok(Identity { certificate: read_certificate(certificate)?, key: PKey::private_key_from_pem(&pem)? })
    }
}

/// Reads a certificate from a PEM file.
pub fn read_certificate(path: &Path) -> Result<X509, PkiError> {
    Ok(X509::from_pem(&std::fs::read(path)?)?)
}

/// SHA-256 of a certificate: a cluster is known by that of its CA.
pub fn fingerprint(certificate: &X509Ref) -> Result<[u8; 32], PkiError> {
    Ok(openssl::sha::sha256(&certificate.to_der()?))
}

fn new_key() -> Result<PKey<Private>, ErrorStack> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1)?;
    PKey::from_ec_key(EcKey::generate(&group)?)
}

fn common_name(name: &str) -> Result<X509Name, ErrorStack> {
    let mut builder = X509Name::builder()?;
    builder.append_entry_by_nid(Nid::COMMONNAME, name)?;
    Ok(builder.build())
}

/// A version 3 certificate (RFC 5280) with a random serial number, a key, a subject and its days.
fn builder(name: &X509NameRef, key: &PKey<Private>, days: i64) -> Result<X509Builder, PkiError> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_err(io::Error::other)?;
    let now = i64::try_from(now.as_secs()).map_err(io::Error::other)?;
    let mut builder = X509Builder::new()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(name)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::from_unix(now.saturating_sub(EARLIER))?)?;
    builder.set_not_after(&*Asn1Time::from_unix(now.saturating_add(days * 24 * 3600))?)?;
    Ok(builder)
}

fn write_new(path: &Path, bytes: &[u8], mode: u32) -> Result<(), PkiError> {
    let mut file = OpenOptions::new().write(true).create_new(true).mode(mode).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    File::open(path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new(".")))?
        .sync_all()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn a_certificate_says_one_role_and_only_in_one_way() {
        let ca = Identity::new_ca("test").unwrap();
        for role in [Role::Node(0), Role::Node(u64::MAX), Role::Client("web-1".to_owned())] {
            assert_eq!(Role::of(&ca.issue(&role).unwrap().certificate), Some(role));
        }
        assert_eq!(Role::of(&ca.certificate), None);
        for uri in
            ["cloister://node/1", "cloister://node/+000000000000001", "cloister://client/", "cloister://x/y"]
        {
            assert_eq!(Role::of_uri(uri), None, "{uri}");
        }
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
        assert!(matches!(ca.write(&certificate, &key), Err(PkiError::Io(_))));
    }
}
