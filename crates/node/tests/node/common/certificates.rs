//! A cluster's CA, and certificates of it, made for one test.

use openssl::asn1::Asn1Time;
use openssl::bn::BigNum;
use openssl::ec::{EcGroup, EcKey};
use openssl::hash::MessageDigest;
use openssl::nid::Nid;
use openssl::pkey::{PKey, Private};
use openssl::x509::extension::{BasicConstraints, SubjectAlternativeName};
use openssl::x509::{X509, X509Builder, X509Name};
use std::path::Path;

/// A CA.
#[derive(Clone)]
pub struct Certificates {
    /// Its certificate.
    pub ca: X509,
    key: PKey<Private>,
}

/// A certificate with its key.
pub struct Identity {
    pub certificate: X509,
    pub key: PKey<Private>,
}

impl Certificates {
    /// A new CA.
    pub fn new() -> Certificates {
        let key = new_key();
        let name = name("", "test CA");
        let mut builder = begin(&name, &name, &key);
        builder.append_extension(BasicConstraints::new().critical().ca().build().unwrap()).unwrap();
        builder.sign(&key, MessageDigest::sha256()).unwrap();
        Certificates { ca: builder.build(), key }
    }

    /// A certificate for this role (OU) and host.
    pub fn issue(&self, role: &str, host: &str) -> Identity {
        let key = new_key();
        let mut builder = begin(&name(role, host), self.ca.subject_name(), &key);
        let context = builder.x509v3_context(Some(&self.ca), None);
        let names = SubjectAlternativeName::new().dns(host).build(&context).unwrap();
        builder.append_extension(names).unwrap();
        builder.sign(&self.key, MessageDigest::sha256()).unwrap();
        Identity { certificate: builder.build(), key }
    }

    /// Writes `ca.pem`, `client.pem` and `client.key` of a client into `folder`.
    pub fn write_client(&self, folder: &Path) {
        let client = self.issue("client", "a client");
        let write = |name: &str, bytes: Vec<u8>| std::fs::write(folder.join(name), bytes).unwrap();
        write("ca.pem", self.ca.to_pem().unwrap());
        write("client.pem", client.certificate.to_pem().unwrap());
        write("client.key", client.key.private_key_to_pem_pkcs8().unwrap());
    }
}

fn new_key() -> PKey<Private> {
    let group = EcGroup::from_curve_name(Nid::X9_62_PRIME256V1).unwrap();
    PKey::from_ec_key(EcKey::generate(&group).unwrap()).unwrap()
}

fn name(unit: &str, common: &str) -> X509Name {
    let mut name = X509Name::builder().unwrap();
    if !unit.is_empty() {
        name.append_entry_by_nid(Nid::ORGANIZATIONALUNITNAME, unit).unwrap();
    }
    name.append_entry_by_nid(Nid::COMMONNAME, common).unwrap();
    name.build()
}

fn begin(
    subject: &openssl::x509::X509NameRef,
    issuer: &openssl::x509::X509NameRef,
    key: &PKey<Private>,
) -> X509Builder {
    let mut serial = BigNum::new().unwrap();
    serial.rand(100, openssl::bn::MsbOption::MAYBE_ZERO, false).unwrap();
    let mut builder = X509::builder().unwrap();
    builder.set_version(2).unwrap();
    builder.set_serial_number(&serial.to_asn1_integer().unwrap()).unwrap();
    builder.set_subject_name(subject).unwrap();
    builder.set_issuer_name(issuer).unwrap();
    builder.set_pubkey(key).unwrap();
    builder.set_not_before(&Asn1Time::days_from_now(0).unwrap()).unwrap();
    builder.set_not_after(&Asn1Time::days_from_now(1).unwrap()).unwrap();
    builder
}
