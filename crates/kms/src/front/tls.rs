//! TLS for the API: 1.2 with forward secrecy, and 1.3.

use std::path::Path;

use openssl::ssl::{SslAcceptor, SslAcceptorBuilder, SslMethod, SslVersion};

use crate::secret_file;
use crate::settings::Tls;

/// The server's side, from certificate and key.
///
/// # Errors
///
/// One line that names the file.
pub fn acceptor(tls: &Tls) -> Result<SslAcceptor, String> {
    builder(&tls.certificate, &tls.key).map(SslAcceptorBuilder::build)
}

/// The same, for a server that wants more of its clients.
pub fn builder(certificate: &Path, key: &Path) -> Result<SslAcceptorBuilder, String> {
    let refused = |what: &Path, e: openssl::error::ErrorStack| format!("can't use {}: {e}", what.display());
    // Mozilla's "intermediate" list: AEAD suites with ephemeral keys only.
    let mut builder =
        SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(|e| e.to_string())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(|e| e.to_string())?;
    builder.set_certificate_chain_file(certificate).map_err(|e| refused(certificate, e))?;
    let private = secret_file::private_key(key)?;
    builder.set_private_key(&private).map_err(|e| refused(key, e))?;
    builder.check_private_key().map_err(|e| refused(key, e))?;
    Ok(builder)
}
