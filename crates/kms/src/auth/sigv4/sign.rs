//! Signing what goes out: the requests to an XKS proxy.

use std::time::SystemTime;

use aws_sigv4::http_request::{SignableBody, SignableRequest, SigningSettings};
use aws_sigv4::sign::v4;
use http::{HeaderName, HeaderValue, Request};

use super::rebuild::for_signing;
use crate::api::error::{Code, Fault, Result};
use crate::auth::credentials::{Credential, Secret};

/// Signs `request` as it stands, all its headers but those that proxies change, and adds the headers of the
/// signature (`authorization`, `x-amz-date` and the session token, if the credential has one). Its URI must name the
/// host where it has no `host` header.
pub fn sign(
    request: &mut Request<Vec<u8>>,
    credential: &Credential,
    region: &str,
    service: &str,
    now: SystemTime,
) -> Result<()> {
    if request.uri().host().is_none() && !request.headers().contains_key("host") {
        return Err(unsignable());
    }
    let identity = for_signing(credential, credential.session_token.as_ref().map(Secret::expose)).into();
    let params = v4::SigningParams::builder()
        .identity(&identity)
        .region(region)
        .name(service)
        .time(now)
        .settings(SigningSettings::default())
        .build()
        .map_err(|_| unsignable())?
        .into();
    let headers: Option<Vec<(&str, &str)>> = request
        .headers()
        .iter()
        .map(|(name, value)| Some((name.as_str(), std::str::from_utf8(value.as_bytes()).ok()?)))
        .collect();
    let signable = SignableRequest::new(
        request.method().as_str(),
        request.uri().to_string(),
        headers.ok_or_else(unsignable)?.into_iter(),
        SignableBody::Bytes(request.body()),
    )
    .map_err(|_| unsignable())?;
    let signed = aws_sigv4::http_request::sign(signable, &params).map_err(|_| unsignable())?;
    let (added, _) = signed.into_parts().0.into_parts();
    for header in added {
        let mut value = HeaderValue::from_str(header.value()).map_err(|_| unsignable())?;
        value.set_sensitive(header.sensitive());
        request.headers_mut().insert(HeaderName::from_static(header.name()), value);
    }
    Ok(())
}

fn unsignable() -> Fault {
    Code::KMSInternalException.because("The request to the external key store proxy cannot be signed.")
}
