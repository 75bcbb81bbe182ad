//! The other side of an agreement: a key of OpenSSL's that is given one point after the other. To make one anew means to make its curve anew, which
//! takes longer than to look whether the point is on it.

use super::curves::Curve;
use super::ec_key;
use crate::crypto::Places;
use crate::crypto::ffi::named_key;
use crate::error::{Error, Result};
use openssl::pkey::{Id, PKey, Public};

/// Keys at rest, each with its curve.
static IDLE: Places<(&'static Curve, PKey<Public>)> = Places::new();

/// Does `work` with the public key of that bare point (see [`super::point::bare`]): one that is not on the curve is `PublicKeyInvalid`. That it is a
/// point that may be used is seen here, once. Only what is of a small order is left to see for the agreement itself, on the curves that have such.
pub(super) fn with<R>(
    curve: &'static Curve,
    bare: &[u8],
    work: impl FnOnce(&PKey<Public>) -> Result<R>,
) -> Result<R> {
    let peer = match IDLE.take(|(of, _)| std::ptr::eq(*of, curve)) {
        Some((_, mut peer)) => {
            named_key::set_point(&mut peer, bare).map_err(|_| Error::PublicKeyInvalid)?;
            peer
        }
        None => new(curve, bare)?,
    };
    let result = work(&peer)?;
    IDLE.leave((curve, peer));
    Ok(result)
}

/// In the form that OpenSSL works with in an agreement, which it need not convert.
fn new(curve: &Curve, bare: &[u8]) -> Result<PKey<Public>> {
    if curve.id != Id::EC {
        return ec_key::public_key(curve, bare);
    }
    named_key::curve_point(curve.name, bare).map_err(|_| Error::PublicKeyInvalid)
}
