//! The proxy's own TLS, and by which client certificate it knows KMS (specification, "Authentication").

use super::settings::{TlsFiles, Wrong};
use crate::front;
use openssl::error::ErrorStack;
use openssl::nid::Nid;
use openssl::ssl::{Ssl, SslContext, SslVerifyMode};
use openssl::x509::{X509, X509Ref};
use std::fmt::Display;
use std::io;
use std::pin::Pin;
use tokio::net::TcpStream;
use tokio_openssl::SslStream;

/// TLS 1.2 and 1.3 with the cipher suites of the specification among others with forward secrecy.
pub(super) fn context(files: &TlsFiles) -> Result<SslContext, Wrong> {
    let of = |path: &std::path::Path, why: &dyn Display| Wrong(format!("{}: {why}", path.display()));
    let unready = |error: ErrorStack| Wrong(format!("TLS can't be set up: {error}"));
    let mut builder = front::tls::builder(&files.certificate, &files.key).map_err(Wrong)?;
    if let Some(ca) = &files.client_ca {
        let text = std::fs::read(ca).map_err(|error| of(ca, &error))?;
        let authorities = X509::stack_from_pem(&text).ok().filter(|all| !all.is_empty());
        for authority in authorities.ok_or_else(|| of(ca, &"no PEM certificates"))? {
            builder.add_client_ca(&authority).map_err(unready)?;
            builder.cert_store_mut().add_cert(authority).map_err(unready)?;
        }
        let names = files.client_names.clone();
        let wanted = SslVerifyMode::PEER | SslVerifyMode::FAIL_IF_NO_PEER_CERT;
        builder.set_verify_callback(wanted, move |chained, context| {
            // The client's own is at depth 0; those above it need only be right.
            let own = context.error_depth() == 0;
            chained
                && (!own || context.current_cert().is_some_and(|certificate| is_named(certificate, &names)))
        });
        // A session that is resumed was verified under the same rules.
        builder.set_session_id_context(b"cloister-xks-proxy").map_err(unready)?;
    }
    Ok(builder.build().into_context())
}

/// Whether the certificate's subject has one common name, and that is one of `names`.
fn is_named(certificate: &X509Ref, names: &[String]) -> bool {
    let mut entries = certificate.subject_name().entries_by_nid(Nid::COMMONNAME);
    let (Some(entry), None) = (entries.next(), entries.next()) else { return false };
    entry.data().to_string().is_ok_and(|name| names.iter().any(|wanted| *wanted == *name))
}

/// The handshake.
pub(super) async fn accept(stream: TcpStream, context: &SslContext) -> io::Result<SslStream<TcpStream>> {
    let mut stream = SslStream::new(Ssl::new(context)?, stream)?;
    Pin::new(&mut stream).accept().await.map_err(io::Error::other)?;
    Ok(stream)
}
