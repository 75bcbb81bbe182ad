//! Whether a request is signed by who it says.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use http::request::Parts;

use super::claim::{CONTENT_SHA256, Claim, text};
use super::{Bound, Refused, rebuild};
use crate::auth::credentials::Credential;

/// What a signature must be for.
#[derive(Clone, Copy, Debug)]
pub struct Expected {
    /// The services whose scope is taken; the first is named to who signs for another.
    pub services: &'static [&'static str],
}

/// Who signed, and for what.
#[derive(Clone, Debug)]
pub struct Verified {
    /// The access key.
    pub access_key: String,
    /// The Region of the scope.
    pub region: String,
    /// The service of the scope.
    pub service: String,
    /// When it was signed.
    pub signed_at: SystemTime,
    /// What the access key stands for.
    pub credential: Arc<Credential>,
}

/// Checks that `parts` and `body` were signed for one of the `expected` services, within `skew` of `now` (a presigned
/// request: within its own lifetime), by a credential that `lookup` knows.
pub fn verify(
    parts: &Parts,
    body: &[u8],
    expected: &Expected,
    now: SystemTime,
    skew: Duration,
    lookup: impl Fn(&str) -> Option<Arc<Credential>>,
) -> Result<Verified, Refused> {
    let claim = Claim::read(parts)?;
    if !expected.services.contains(&claim.service.as_str()) {
        return Err(Refused::WrongService(expected.services.first().copied().unwrap_or_default()));
    }
    whole(parts, &claim)?;
    timely(&claim, now, skew)?;
    let credential = lookup(&claim.access_key).ok_or(Refused::UnknownKey)?;
    let digest = digest(parts, body)?;
    let signature = rebuild::signature(parts, &claim, digest, &credential)?;
    if !same(&signature, &claim.signature) {
        return Err(Refused::Mismatch);
    }
    token_fits(&claim, &credential)?;
    if credential.expired(now) {
        return Err(Refused::ExpiredCredential);
    }
    let Claim { access_key, region, service, signed_at, .. } = claim;
    Ok(Verified { access_key, region, service, signed_at, credential })
}

/// All that AWS reads from a request must be signed: `X-Amz-Target` is the operation. `X-Amz-User-Agent` says nothing
/// that counts, and some clients leave it out.
fn whole(parts: &Parts, claim: &Claim) -> Result<(), Refused> {
    let counts = |name: &str| name.starts_with("x-amz-") && name != "x-amz-user-agent";
    match parts.headers.keys().find(|name| counts(name.as_str()) && !claim.signs(name.as_str())) {
        None => Ok(()),
        Some(name) => Err(Refused::Incomplete(format!("'{name}' must be a signed header."))),
    }
}

fn timely(claim: &Claim, now: SystemTime, skew: Duration) -> Result<(), Refused> {
    let latest = now.checked_add(skew).unwrap_or(now);
    if claim.signed_at > latest {
        return Err(Refused::NotYet(Bound { stamped: claim.signed_at, limit: latest }));
    }
    let (stamped, limit) = match claim.lifetime {
        Some(lifetime) => (claim.signed_at.checked_add(lifetime).unwrap_or(claim.signed_at), now),
        None => (claim.signed_at, now.checked_sub(skew).unwrap_or(now)),
    };
    if stamped < limit { Err(Refused::Expired(Bound { stamped, limit })) } else { Ok(()) }
}

/// The SHA-256 of `body`, which `X-Amz-Content-SHA256` must say too where it is sent: no body goes unsigned here.
fn digest(parts: &Parts, body: &[u8]) -> Result<String, Refused> {
    let digest = hex::encode(openssl::sha::sha256(body));
    match text(&parts.headers, CONTENT_SHA256)? {
        Some(sent) if sent.len() != digest.len() => {
            Err(Refused::Incomplete("X-Amz-Content-SHA256 must be the SHA-256 of the body.".to_owned()))
        }
        Some(sent) if sent != digest => Err(Refused::Mismatch),
        _ => Ok(digest),
    }
}

/// A temporary credential comes with its token, any other with none.
fn token_fits(claim: &Claim, credential: &Credential) -> Result<(), Refused> {
    match (&claim.session_token, &credential.session_token) {
        (None, None) => Ok(()),
        (Some(sent), Some(token)) if same(sent, token.expose()) => Ok(()),
        _ => Err(Refused::WrongToken),
    }
}

/// Compares in a time that tells only the lengths.
fn same(one: &str, other: &str) -> bool {
    one.len() == other.len() && openssl::memcmp::eq(one.as_bytes(), other.as_bytes())
}
