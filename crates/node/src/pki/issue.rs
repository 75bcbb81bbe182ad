//! Makes certificates: the CA's own, nodes', clients'.

use cloister::proto::peer::{INVITED_UNTIL, Role};
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
use openssl::x509::{X509, X509Builder, X509Name, X509NameRef};

use super::{Identity, PkiError};
use crate::clock;

/// How long the CA's certificate holds.
const CA_DAYS: i64 = 20 * 365;
/// How long a node's or client's certificate holds.
const LEAF_DAYS: i64 = 10 * 365;
/// Certificates begin to hold this much before they are made: clocks differ.
const EARLIER: i64 = 24 * 3600;

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
        self.issue_with(role, None)
    }

    /// Makes a certificate for a node that may join until a time in seconds since 1970; `self` is the CA.
    pub fn invite(&self, node: u64, until: u64) -> Result<Identity, PkiError> {
        self.issue_with(&Role::Node(node), Some(format!("{INVITED_UNTIL}{until}")))
    }

    fn issue_with(&self, role: &Role, invited: Option<String>) -> Result<Identity, PkiError> {
        let key = new_key()?;
        let uri = role.uri().ok_or(PkiError::Name)?;
        let name = match role {
            Role::Node(_) => common_name(&role.to_string())?,
            Role::Client(name) => common_name(name)?,
        };
        let mut builder = builder(&name, &key, LEAF_DAYS)?;
        builder.set_issuer_name(self.certificate.subject_name())?;
        builder.append_extension(BasicConstraints::new().critical().build()?)?;
        builder.append_extension(KeyUsage::new().critical().digital_signature().build()?)?;
        let mut usage = ExtendedKeyUsage::new();
        usage.client_auth();
        if role.is_node() {
            usage.server_auth();
        }
        builder.append_extension(usage.build()?)?;
        let mut alternative = SubjectAlternativeName::new();
        for uri in [Some(uri), invited].iter().flatten() {
            alternative.uri(uri);
        }
        let context = builder.x509v3_context(Some(&self.certificate), None);
        let alternative = alternative.build(&context)?;
        let authority = AuthorityKeyIdentifier::new().keyid(true).build(&context)?;
        builder.append_extension(alternative)?;
        builder.append_extension(authority)?;
        builder.sign(&self.key, MessageDigest::sha256())?;
        Ok(Identity { certificate: builder.build(), key })
    }
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
fn builder(name: &X509NameRef, key: &PKey<Private>, days: i64) -> Result<X509Builder, ErrorStack> {
    let mut serial = BigNum::new()?;
    serial.rand(127, MsbOption::MAYBE_ZERO, false)?;
    let now = i64::try_from(clock::now()).unwrap_or(i64::MAX);
    let mut builder = X509::builder()?;
    builder.set_version(2)?;
    builder.set_serial_number(&*serial.to_asn1_integer()?)?;
    builder.set_subject_name(name)?;
    builder.set_pubkey(key)?;
    builder.set_not_before(&*Asn1Time::from_unix(now.saturating_sub(EARLIER))?)?;
    builder.set_not_after(&*Asn1Time::from_unix(now.saturating_add(days * 24 * 3600))?)?;
    Ok(builder)
}
