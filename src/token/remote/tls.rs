//! Who this side is to the nodes, and whom it takes for one: the cluster's own CA vouches, and no other.

use crate::config::TlsFiles;
use openssl::ssl::{SslConnector, SslMethod, SslVersion};
use openssl::x509::X509;
use openssl::x509::store::X509StoreBuilder;
use openssl::{error::ErrorStack, pkey::PKey};
use std::io;
use std::path::Path;
use zeroize::Zeroizing;

/// Reads the files. What is wrong is told with the name of the file.
pub(super) fn connector(files: &TlsFiles) -> io::Result<SslConnector> {
    let mut builder = SslConnector::builder(SslMethod::tls_client())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_3))?;
    // Instead of the system's own list of CAs.
    let mut store = X509StoreBuilder::new()?;
    store.add_cert(read(&files.ca, X509::from_pem)?)?;
    builder.set_cert_store(store.build());
    builder.set_certificate(&*read(&files.certificate, X509::from_pem)?)?;
    builder.set_private_key(&*read(&files.key, PKey::private_key_from_pem)?)?;
    builder.check_private_key()?;
    // A record and its head in one system call.
    builder.set_read_ahead(true);
    Ok(builder.build())
}

fn read<T>(path: &Path, parse: impl Fn(&[u8]) -> Result<T, ErrorStack>) -> io::Result<T> {
    let named = |why: &dyn std::fmt::Display| io::Error::other(format!("{}: {why}", path.display()));
    let bytes = Zeroizing::new(std::fs::read(path).map_err(|error| named(&error))?);
    parse(&bytes).map_err(|_| named(&"no such PEM file"))
}
