//! Whether a CA, a certificate and a key fit together, and what is wrong if they don't.

use std::cmp::Ordering;

use cloister::proto::peer::Role;
use openssl::asn1::{Asn1Time, Asn1TimeRef};
use openssl::error::ErrorStack;
use openssl::x509::{X509Ref, X509VerifyResult};

use super::Identity;

/// What is wrong with a certificate. As text: one line that says what to do, to be put after the name of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Flaw {
    /// It is not signed by the CA.
    OtherCa,
    /// The private key is another's.
    OtherKey,
    /// It has no role, or several.
    NoRole,
    /// It has this role instead of the one that is needed.
    OtherRole(Role),
    /// It, or the CA's, does not hold before this time.
    NotYet(String),
    /// It, or the CA's, held until this time.
    Expired(String),
    /// OpenSSL can't tell.
    Unreadable(String),
}

impl std::fmt::Display for Flaw {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Flaw::OtherCa => f.write_str(
                "the certificate is not signed by this CA: put the CA's certificate there that came with it",
            ),
            Flaw::OtherKey => f.write_str(
                "the certificate belongs to another private key: put the key there that came with it",
            ),
            Flaw::NoRole => f.write_str(
                "the certificate is neither a node's nor a client's: have the cluster's CA make one \
                 (`cloister cluster invite` or `cloister cluster client`)",
            ),
            Flaw::OtherRole(role) => {
                write!(
                    f,
                    "the certificate is that of {role}, which is not what is needed here: put another there"
                )
            }
            Flaw::NotYet(from) => {
                write!(f, "the certificate does not hold before {from}: set this machine's clock right")
            }
            Flaw::Expired(until) => {
                write!(
                    f,
                    "the certificate held until {until}: set this machine's clock right, or have a new one made"
                )
            }
            Flaw::Unreadable(reason) => write!(f, "the certificate can't be read: {reason}"),
        }
    }
}

impl std::error::Error for Flaw {}

impl From<ErrorStack> for Flaw {
    fn from(error: ErrorStack) -> Flaw {
        Flaw::Unreadable(error.to_string())
    }
}

/// Checks that `identity` has a certificate of this CA that holds at `now`, in seconds since 1970, and its key; answers its role.
pub fn check(ca: &X509Ref, identity: &Identity, now: u64) -> Result<Role, Flaw> {
    let certificate = &identity.certificate;
    let signed = ca.issued(certificate) == X509VerifyResult::OK && certificate.verify(&*ca.public_key()?)?;
    if !signed {
        return Err(Flaw::OtherCa);
    }
    if !certificate.public_key()?.public_eq(&identity.key) {
        return Err(Flaw::OtherKey);
    }
    let now = Asn1Time::from_unix(i64::try_from(now).unwrap_or(i64::MAX))?;
    for certificate in [ca, certificate] {
        if is_before(&now, certificate.not_before())? {
            return Err(Flaw::NotYet(certificate.not_before().to_string()));
        }
        if is_before(certificate.not_after(), &now)? {
            return Err(Flaw::Expired(certificate.not_after().to_string()));
        }
    }
    Role::of(certificate).ok_or(Flaw::NoRole)
}

/// The same, and it has to be a node's; answers the node's id.
pub fn check_node(ca: &X509Ref, identity: &Identity, now: u64) -> Result<u64, Flaw> {
    match check(ca, identity, now)? {
        Role::Node(id) => Ok(id),
        other => Err(Flaw::OtherRole(other)),
    }
}

/// The same, and it has to be a client's.
pub fn check_client(ca: &X509Ref, identity: &Identity, now: u64) -> Result<(), Flaw> {
    match check(ca, identity, now)? {
        Role::Client(_) => Ok(()),
        other => Err(Flaw::OtherRole(other)),
    }
}

fn is_before(one: &Asn1TimeRef, other: &Asn1TimeRef) -> Result<bool, ErrorStack> {
    Ok(one.compare(other)? == Ordering::Less)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock;

    const YEAR: u64 = 365 * 24 * 3600;

    #[test]
    fn what_fits_together_passes_and_each_flaw_is_told() {
        let now = clock::now();
        let ca = Identity::new_ca("test").unwrap();
        let other_ca = Identity::new_ca("test").unwrap();
        let node = ca.issue(&Role::Node(5)).unwrap();
        let client = ca.issue(&Role::Client("web".to_owned())).unwrap();
        let check = |ca: &Identity, identity: &Identity, now| check_node(&ca.certificate, identity, now);
        assert_eq!(check(&ca, &node, now), Ok(5));
        assert_eq!(check(&other_ca, &node, now), Err(Flaw::OtherCa));
        let mixed = Identity { certificate: node.certificate.clone(), key: client.key.clone() };
        assert_eq!(check(&ca, &mixed, now), Err(Flaw::OtherKey));
        assert_eq!(check(&ca, &client, now), Err(Flaw::OtherRole(Role::Client("web".to_owned()))));
        assert_eq!(check_client(&ca.certificate, &client, now), Ok(()));
        assert_eq!(check(&ca, &ca, now), Err(Flaw::NoRole));
        assert!(matches!(check(&ca, &node, now - 2 * 24 * 3600), Err(Flaw::NotYet(_))));
        assert!(matches!(check(&ca, &node, now + 11 * YEAR), Err(Flaw::Expired(_))));
        assert!(matches!(check(&ca, &ca, now + 21 * YEAR), Err(Flaw::Expired(_))));
    }
}
