//! TLS for the API: 1.2 with forward secrecy, and 1.3.

use openssl::ssl::{SslAcceptor, SslFiletype, SslMethod, SslVersion};

use crate::settings::Tls;

/// The server's side, from certificate and key.
///
/// # Errors
///
/// One line that names the file.
pub fn acceptor(tls: &Tls) -> Result<SslAcceptor, String> {
    let refused =
        |what: &std::path::Path, e: openssl::error::ErrorStack| format!("can't use {}: {e}", what.display());
    // Mozilla's "intermediate" list: AEAD suites with ephemeral keys only.
    let mut builder =
        SslAcceptor::mozilla_intermediate_v5(SslMethod::tls_server()).map_err(|e| e.to_string())?;
    builder.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(|e| e.to_string())?;
    builder.set_certificate_chain_file(&tls.certificate).map_err(|e| refused(&tls.certificate, e))?;
    builder.set_private_key_file(&tls.key, SslFiletype::PEM).map_err(|e| refused(&tls.key, e))?;
    builder.check_private_key().map_err(|e| refused(&tls.key, e))?;
    Ok(builder.build())
}
