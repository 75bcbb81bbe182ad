//! The request as its client signed it, signed again.

use std::borrow::Cow;

use aws_credential_types::Credentials;
use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings, sign};
use aws_sigv4::sign::v4;
use http::request::Parts;

use super::Refused;
use super::claim::{Claim, DATE};
use crate::auth::credentials::Credential;

/// The signature that `credential` gives the request under the scope, time and choice of headers of `claim`;
/// `digest` is the SHA-256 of its body in lower-case hexadecimal.
///
/// Presigned requests are made again as signed in the header, too: what is in their query is in it already, as it
/// was sent, and the crate would build those parameters anew. Only the date must then not come as a header.
pub(super) fn signature(
    parts: &Parts,
    claim: &Claim,
    digest: String,
    credential: &Credential,
) -> Result<String, Refused> {
    let mut settings = SigningSettings::default();
    settings.excluded_headers = (!claim.signs(DATE)).then(|| vec![Cow::Borrowed(DATE)]);
    // The session token is left out: where the client signed it, it is among the headers or in the query.
    let identity = for_signing(credential, None).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(&claim.region)
        .name(&claim.service)
        .time(claim.signed_at)
        .settings(settings)
        .build()
        .map_err(|_| Refused::Mismatch)?
        .into();
    let request = SignableRequest::new(
        parts.method.as_str(),
        target(parts.uri.path(), &claim.query),
        signed_headers(parts, claim)?.into_iter(),
        SignableBody::Precomputed(digest),
    )
    .map_err(|_| Refused::Mismatch)?;
    let (_, signature) = sign(request, &params).map_err(|_| Refused::Mismatch)?.into_parts();
    Ok(signature)
}

/// `credential` as the crate wants it.
pub(super) fn for_signing(credential: &Credential, token: Option<&str>) -> Credentials {
    let (key, secret) = (credential.access_key.as_str(), credential.secret.expose());
    Credentials::new(key, secret, token.map(str::to_owned), None, "cloister")
}

/// Path and query as they were sent.
fn target<'a>(path: &'a str, query: &str) -> Cow<'a, str> {
    if query.is_empty() { Cow::Borrowed(path) } else { Cow::Owned(format!("{path}?{query}")) }
}

/// Names and values of exactly the signed headers. One that isn't there can't have been signed.
fn signed_headers<'a>(parts: &'a Parts, claim: &'a Claim) -> Result<Vec<(&'a str, &'a str)>, Refused> {
    let mut headers = Vec::with_capacity(claim.signed_headers.len());
    for name in &claim.signed_headers {
        let before = headers.len();
        for value in parts.headers.get_all(name) {
            let value = std::str::from_utf8(value.as_bytes()).map_err(|_| Refused::Mismatch)?;
            headers.push((name.as_str(), value));
        }
        if headers.len() == before {
            return Err(Refused::Mismatch);
        }
    }
    Ok(headers)
}
