//! How KMS secures its connections to a proxy.

use std::fmt::Display;
use std::path::Path;

use openssl::ssl::{SslConnector, SslConnectorBuilder, SslMethod, SslVersion};

use super::Failure;
use crate::secret_file;
use crate::settings::XksEndpoint;

/// TLS 1.2 or 1.3, the proxy's certificate checked for its name, ours shown if there is one.
pub fn connector(endpoint: Option<&XksEndpoint>) -> Result<SslConnectorBuilder, Failure> {
    let failed = |what: &dyn Display| Failure::Tls(what.to_string());
    let of = |path: &Path, what: &str| Failure::Tls(format!("{}: {what}", path.display()));
    let mut tls = SslConnector::builder(SslMethod::tls_client()).map_err(|error| failed(&error))?;
    tls.set_min_proto_version(Some(SslVersion::TLS1_2)).map_err(|error| failed(&error))?;
    let Some(endpoint) = endpoint else { return Ok(tls) };
    if let Some(ca) = &endpoint.ca {
        // Only this one: the system's don't speak for the proxy's owner.
        tls.set_cert_store(
            openssl::x509::store::X509StoreBuilder::new().map_err(|error| failed(&error))?.build(),
        );
        tls.set_ca_file(ca).map_err(|_| of(ca, "no PEM certificates"))?;
    }
    if let (Some(certificate), Some(key)) = (&endpoint.certificate, &endpoint.key) {
        tls.set_certificate_chain_file(certificate).map_err(|_| of(certificate, "no PEM certificate"))?;
        let private = secret_file::private_key(key).map_err(Failure::Tls)?;
        let mismatch = |_| of(key, "not the key of the certificate");
        tls.set_private_key(&private).map_err(mismatch)?;
        tls.check_private_key().map_err(mismatch)?;
    }
    Ok(tls)
}
