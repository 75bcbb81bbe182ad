//! Join tokens: all that a new node needs to join a cluster, in one line of text.
//!
//! `cloister-join-1:` and then, in base64, the parts and the SHA-256 of all before it. The checksum is for tokens cut short on their way; what
//! keeps tokens from being made up is the CA's signature inside. A token is a secret: it holds the private key of the node to come.

use crate::clock;
use crate::pki::check::{Flaw, check_node};
use crate::pki::{Identity, PkiError, invited_until, write_new};
use crate::raft::types::{NodeId, new_node_id};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use cloister::attribute::Bytes;
use cloister::codec::Codec;
use cloister::config::host_and_port;
use openssl::pkey::PKey;
use openssl::sha::Sha256;
use openssl::x509::X509;
use serde::{Deserialize, Serialize};
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use zeroize::Zeroizing;

/// What every token begins with, up to its version.
const KIND: &str = "cloister-join-";
const VERSION: u8 = 1;
/// A token is far shorter.
const MOST_BYTES: u64 = 64 << 10;
const CHECKSUM: usize = 32;
const CODEC: Codec = Codec::new(VERSION, MOST_BYTES);

/// What a new node needs to join: who it is, whom to trust, and whom to ask.
pub struct JoinToken {
    /// The certificate of the cluster's CA.
    pub ca: X509,
    /// The certificate and key of the node to come.
    pub identity: Identity,
    /// Its id.
    pub id: NodeId,
    /// Sync addresses of members.
    pub via: Vec<String>,
    /// Until when it may join, in seconds since 1970.
    pub until: u64,
}

// The key has no place in a log line.
impl std::fmt::Debug for JoinToken {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "join token of node {:016x}", self.id)
    }
}

/// What is in the text.
#[derive(Serialize, Deserialize)]
struct Parts {
    ca: Bytes,
    certificate: Bytes,
    key: Bytes,
    via: Vec<String>,
}

/// Why a text is no token that can be used. Each is one line that says what to do.
#[derive(Debug)]
pub enum JoinTokenError {
    /// The file can't be read or written.
    File(PathBuf, io::Error),
    /// It does not begin as tokens do.
    NoToken,
    /// It was made by another version.
    Version(String),
    /// Something in it was changed or cut off.
    Damaged,
    /// It was good until this time, so many seconds ago.
    Expired(u64),
    /// Its certificate is not right.
    Certificate(Flaw),
    /// It names nobody to ask, or an address that is none.
    Via(String),
    /// OpenSSL refused, or a file can't be written.
    Pki(PkiError),
}

impl std::fmt::Display for JoinTokenError {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            JoinTokenError::File(path, error) => write!(f, "{}: {error}", path.display()),
            JoinTokenError::NoToken => write!(
                f,
                "this is no join token, which begins with {KIND}{VERSION}: take one that `cloister cluster invite` wrote"
            ),
            JoinTokenError::Version(found) => write!(
                f,
                "the join token is of version {found}, this program reads version {VERSION}: use the same version of cloister on both \
                 machines"
            ),
            JoinTokenError::Damaged => {
                f.write_str("the join token was changed or cut short on its way: copy it again, whole")
            }
            JoinTokenError::Expired(ago) => write!(
                f,
                "the join token expired {ago} seconds ago: make another with `cloister cluster invite`, or set this machine's clock right"
            ),
            JoinTokenError::Certificate(flaw) => write!(f, "the join token is not right: {flaw}"),
            JoinTokenError::Via(address) => write!(
                f,
                "\"{address}\" is no address of a member: give --via <host>:<port>, the sync address of one"
            ),
            JoinTokenError::Pki(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for JoinTokenError {}

impl From<PkiError> for JoinTokenError {
    fn from(error: PkiError) -> JoinTokenError {
        JoinTokenError::Pki(error)
    }
}

impl JoinToken {
    /// Invites one new node: draws its id, and makes its certificate by the CA. It may join until a time in seconds since 1970 by
    /// asking members at the sync addresses `via`.
    pub fn invite(ca: &Identity, via: Vec<String>, until: u64) -> Result<JoinToken, JoinTokenError> {
        check_via(&via)?;
        let id = new_node_id().map_err(PkiError::from)?;
        let identity = ca.invite(id, until)?;
        Ok(JoinToken { ca: ca.certificate.clone(), identity, id, via, until })
    }

    /// The token as text, one line without its end.
    pub fn to_text(&self) -> Result<Zeroizing<String>, JoinTokenError> {
        let parts = Parts {
            ca: self.ca.to_der().map_err(PkiError::from)?.into(),
            certificate: self.identity.certificate.to_der().map_err(PkiError::from)?.into(),
            key: self.identity.key.private_key_to_pkcs8().map_err(PkiError::from)?.into(),
            via: self.via.clone(),
        };
        let encoded = CODEC.encode(&parts).map_err(|_| JoinTokenError::Damaged)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(encoded.len().saturating_add(CHECKSUM)));
        bytes.extend_from_slice(&encoded);
        bytes.extend_from_slice(&checksum(&encoded));
        // All room at once: a text that grows leaves unwiped copies behind.
        let mut text =
            Zeroizing::new(String::with_capacity(bytes.len().saturating_mul(2).saturating_add(64)));
        text.push_str(KIND);
        text.push_str(&format!("{VERSION}:"));
        STANDARD.encode_string(&bytes, &mut text);
        Ok(text)
    }

    /// Reads a text that is no older than its `until` at `now`, in seconds since 1970.
    pub fn of_text(text: &str, now: u64) -> Result<JoinToken, JoinTokenError> {
        let (version, encoded) = text
            .trim()
            .strip_prefix(KIND)
            .and_then(|rest| rest.split_once(':'))
            .ok_or(JoinTokenError::NoToken)?;
        if version != VERSION.to_string() {
            return Err(JoinTokenError::Version(version.escape_default().take(16).collect()));
        }
        let mut bytes = Zeroizing::new(vec![0; encoded.len()]);
        let length = STANDARD.decode_slice(encoded, &mut bytes).map_err(|_| JoinTokenError::Damaged)?;
        let (parts, sum) = bytes[..length].split_last_chunk::<CHECKSUM>().ok_or(JoinTokenError::Damaged)?;
        if checksum(parts) != *sum {
            return Err(JoinTokenError::Damaged);
        }
        let parts: Parts = CODEC.decode(parts).ok_or(JoinTokenError::Damaged)?;
        JoinToken::of_parts(parts, now)
    }

    fn of_parts(parts: Parts, now: u64) -> Result<JoinToken, JoinTokenError> {
        let ca = X509::from_der(&parts.ca).map_err(|_| JoinTokenError::Damaged)?;
        let certificate = X509::from_der(&parts.certificate).map_err(|_| JoinTokenError::Damaged)?;
        let key = PKey::private_key_from_pkcs8(&parts.key).map_err(|_| JoinTokenError::Damaged)?;
        let identity = Identity { certificate, key };
        let until = invited_until(&identity.certificate).ok_or(JoinTokenError::Damaged)?;
        if until < now {
            return Err(JoinTokenError::Expired(now.saturating_sub(until)));
        }
        let id = check_node(&ca, &identity, now).map_err(JoinTokenError::Certificate)?;
        check_via(&parts.via)?;
        Ok(JoinToken { ca, identity, id, via: parts.via, until })
    }

    /// Writes the text as a new file that only its owner may read.
    pub fn write(&self, path: &Path) -> Result<(), JoinTokenError> {
        let mut text = self.to_text()?;
        text.push('\n');
        Ok(write_new(path, text.as_bytes(), 0o600)?)
    }

    /// Reads a file with a token that may be used now.
    pub fn read(path: &Path) -> Result<JoinToken, JoinTokenError> {
        let failed = |error| JoinTokenError::File(path.to_owned(), error);
        let file = std::fs::File::open(path).map_err(failed)?;
        let mut bytes = Zeroizing::new(Vec::with_capacity(MOST_BYTES as usize));
        file.take(MOST_BYTES).read_to_end(&mut bytes).map_err(failed)?;
        let text = std::str::from_utf8(&bytes).map_err(|_| JoinTokenError::NoToken)?;
        JoinToken::of_text(text, clock::now())
    }
}

fn checksum(parts: &[u8]) -> [u8; CHECKSUM] {
    let mut sum = Sha256::new();
    sum.update(KIND.as_bytes());
    sum.update(parts);
    sum.finish()
}

fn check_via(via: &[String]) -> Result<(), JoinTokenError> {
    if via.is_empty() {
        return Err(JoinTokenError::Via(String::new()));
    }
    match via.iter().find(|address| host_and_port(address).is_none()) {
        Some(address) => Err(JoinTokenError::Via(address.escape_default().to_string())),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pki::fingerprint;
    use std::os::unix::fs::PermissionsExt;

    const NOW: u64 = 1_900_000_000;

    fn token(until: u64) -> (Identity, JoinToken) {
        let ca = Identity::new_ca("test").unwrap();
        let via = vec!["n1.example:7421".to_owned(), "[::1]:7421".to_owned()];
        let token = JoinToken::invite(&ca, via, until).unwrap();
        (ca, token)
    }

    #[test]
    fn a_token_is_read_as_it_was_made_and_each_is_for_another_node() {
        let (ca, token) = token(NOW);
        let read = JoinToken::of_text(&token.to_text().unwrap(), NOW).unwrap();
        assert_eq!(fingerprint(&read.ca).unwrap(), fingerprint(&ca.certificate).unwrap());
        assert!(read.identity.key.public_eq(&token.identity.key));
        assert_eq!((read.id, &read.via, read.until), (token.id, &token.via, NOW));
        let next = JoinToken::invite(&ca, token.via, NOW).unwrap();
        assert_ne!(next.id, token.id);
    }

    #[test]
    fn a_token_is_refused_after_its_time() {
        let (_, token) = token(NOW);
        let text = token.to_text().unwrap();
        assert!(matches!(JoinToken::of_text(&text, NOW + 5), Err(JoinTokenError::Expired(5))));
    }

    #[test]
    fn a_token_with_any_byte_changed_or_cut_off_is_refused() {
        let (_, token) = token(NOW);
        let text = token.to_text().unwrap();
        for place in 0..text.len() {
            assert!(JoinToken::of_text(&text[..place], NOW).is_err(), "cut at {place}");
            let mut bytes = text.as_bytes().to_vec();
            bytes[place] = if bytes[place] == b'A' { b'B' } else { b'A' };
            let changed = String::from_utf8(bytes).unwrap();
            assert!(JoinToken::of_text(&changed, NOW).is_err(), "changed at {place}");
            let mut bytes = text.as_bytes().to_vec();
            bytes.insert(place, b' ');
            // A blank before or after the text is no part of it.
            let changed = String::from_utf8(bytes).unwrap();
            assert!(place == 0 || JoinToken::of_text(&changed, NOW).is_err(), "a blank at {place}");
        }
    }

    #[test]
    fn what_is_no_token_or_of_another_version_is_told() {
        let told = |text: &str| JoinToken::of_text(text, NOW).unwrap_err().to_string();
        assert!(told("hello").contains("is no join token"));
        assert!(told("").contains("is no join token"));
        assert!(told("cloister-join-2:AAAA").contains("version 2"));
        assert!(told("cloister-join-1:").contains("cut short"));
        assert!(told("cloister-join-1:AAAA").contains("cut short"));
    }

    #[test]
    fn a_token_that_the_ca_did_not_sign_is_refused() {
        let (_, token) = token(NOW);
        let ca = Identity::new_ca("test").unwrap().certificate;
        let text = JoinToken { ca, ..token }.to_text().unwrap();
        assert!(matches!(JoinToken::of_text(&text, NOW), Err(JoinTokenError::Certificate(Flaw::OtherCa))));
    }

    #[test]
    fn a_node_that_was_not_invited_is_refused() {
        let (ca, token) = token(NOW);
        let identity = ca.issue(&cloister::proto::peer::Role::Node(3)).unwrap();
        let text = JoinToken { identity, ..token }.to_text().unwrap();
        assert!(matches!(JoinToken::of_text(&text, NOW), Err(JoinTokenError::Damaged)));
    }

    #[test]
    fn a_token_names_whom_to_ask() {
        let (ca, _) = token(NOW);
        for via in [vec![], vec!["n1".to_owned()]] {
            assert!(matches!(JoinToken::invite(&ca, via, NOW), Err(JoinTokenError::Via(_))));
        }
    }

    #[test]
    fn a_file_with_a_token_is_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("token");
        let (_, token) = token(clock::now() + 60);
        token.write(&path).unwrap();
        assert_eq!(path.metadata().unwrap().permissions().mode() & 0o777, 0o600);
        assert_eq!(JoinToken::read(&path).unwrap().id, token.id);
        assert!(token.write(&path).is_err(), "never over another file");
        let missing = JoinToken::read(&folder.path().join("none")).unwrap_err();
        assert!(missing.to_string().contains("none"));
    }
}
