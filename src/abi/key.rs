//! Key management functions (PKCS#11 3.2, section 5.18).

use super::args::{Pointer, deliver};
use super::{params, template};
use crate::error::Result;
use crate::session::Session;
use cryptoki_sys::{CK_ATTRIBUTE, CK_MECHANISM, CK_ULONG};

/// `C_GenerateKey`.
pub(super) fn generate(
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    key: Pointer<CK_ULONG>,
) -> Result<()> {
    let key = key.required()?;
    let mechanism = params::mechanism(mechanism)?;
    key.write(session.generate_key(&mechanism, &template::read(template, count)?)?)
}

/// `C_GenerateKeyPair`.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn generate_pair(
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    public_template: Pointer<CK_ATTRIBUTE>,
    public_count: CK_ULONG,
    private_template: Pointer<CK_ATTRIBUTE>,
    private_count: CK_ULONG,
    public_key: Pointer<CK_ULONG>,
    private_key: Pointer<CK_ULONG>,
) -> Result<()> {
    let (public_key, private_key) = (public_key.required()?, private_key.required()?);
    let mechanism = params::mechanism(mechanism)?;
    let public = template::read(public_template, public_count)?;
    let private = template::read(private_template, private_count)?;
    let (public, private) = session.generate_key_pair(&mechanism, &public, &private)?;
    public_key.write(public)?;
    private_key.write(private)
}

/// `C_WrapKey`.
pub(super) fn wrap(
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    wrapping_key: CK_ULONG,
    key: CK_ULONG,
    wrapped: Pointer<u8>,
    wrapped_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let given = mechanism;
    let mut mechanism = params::mechanism(given)?;
    let iv = session.choose_iv(&mut mechanism)?;
    deliver(wrapped, wrapped_length, |output| session.wrap_key(&mechanism, wrapping_key, key, output))?;
    params::tell_iv(given, iv.as_ref().map(<[u8; 12]>::as_slice))
}

/// `C_UnwrapKey`.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn unwrap(
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    unwrapping_key: CK_ULONG,
    wrapped: Pointer<u8>,
    wrapped_length: CK_ULONG,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    key: Pointer<CK_ULONG>,
) -> Result<()> {
    let key = key.required()?;
    let mechanism = params::mechanism(mechanism)?;
    let wrapped = wrapped.bytes(wrapped_length)?;
    key.write(session.unwrap_key(&mechanism, unwrapping_key, wrapped, &template::read(template, count)?)?)
}
