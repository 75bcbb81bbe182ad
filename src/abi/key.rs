//! Key management functions (PKCS#11 3.2, section 5.18).

use super::args::{Pointer, deliver};
use super::{mechanism, message, template, wrap_params};
use crate::error::Result;
use crate::mechanism::{Purpose, Row};
use crate::output::Delivery;
use crate::session::{Session, Turn};
use cryptoki_sys::{CK_ATTRIBUTE, CK_MECHANISM, CK_ULONG};

/// `C_GenerateKey`.
pub(super) fn generate(
    turn: &mut Turn<'_>,
    mechanism: Pointer<CK_MECHANISM>,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    key: Pointer<CK_ULONG>,
) -> Result<()> {
    let key = key.required()?;
    let mechanism = mechanism::required(turn.session(), mechanism)?;
    let template = template::take_known(turn, 0, template, count)?;
    let made = turn.generate_key(&mechanism, &template);
    turn.put_template(0, template);
    key.write(made?)
}

/// `C_GenerateKeyPair`.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn generate_pair(
    turn: &mut Turn<'_>,
    mechanism: Pointer<CK_MECHANISM>,
    public_template: Pointer<CK_ATTRIBUTE>,
    public_count: CK_ULONG,
    private_template: Pointer<CK_ATTRIBUTE>,
    private_count: CK_ULONG,
    public_key: Pointer<CK_ULONG>,
    private_key: Pointer<CK_ULONG>,
) -> Result<()> {
    let (public_key, private_key) = (public_key.required()?, private_key.required()?);
    let mechanism = mechanism::required(turn.session(), mechanism)?;
    let public = template::take_known(turn, 0, public_template, public_count)?;
    let private = template::take_known(turn, 1, private_template, private_count)?;
    let made = turn.generate_key_pair(&mechanism, &public, &private);
    turn.put_template(0, public);
    turn.put_template(1, private);
    let (public, private) = made?;
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
    if let Some((row, mut parameter, aad)) = wrap_params::read(Purpose::Encrypt, mechanism)? {
        let output = (wrapped, wrapped_length);
        return seal(session, row, (&mut parameter, &aad), (wrapping_key, key), &mut [], output).map(drop);
    }
    let given = mechanism;
    let mut mechanism = mechanism::required(session, given)?;
    let iv = session.choose_iv(&mut mechanism)?;
    deliver(wrapped, wrapped_length, |output| session.wrap_key(&mechanism, wrapping_key, key, output))?;
    mechanism::tell_iv(given, iv.as_ref().map(<[u8; 12]>::as_slice))
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
    let wrapped = wrapped.bytes(wrapped_length)?;
    if let Some((row, parameter, aad)) = wrap_params::read(Purpose::Decrypt, mechanism)? {
        let (message, wrapped) = ((&parameter.message, &aad[..]), (wrapped, &[][..]));
        let template = template::read_known(session, template, count)?;
        return key.write(session.unwrap_key_authenticated(
            row,
            message,
            unwrapping_key,
            wrapped,
            &template,
        )?);
    }
    let mechanism = mechanism::required(session, mechanism)?;
    let template = template::read_known(session, template, count)?;
    key.write(session.unwrap_key(&mechanism, unwrapping_key, wrapped, &template)?)
}

/// Wraps `key` under `wrapping_key`: whether that is done, and the wrapped key not only measured. The nonce goes into the parameter if the
/// module has made it, the end of what comes out into `tag`, as much as that takes.
fn seal(
    session: &Session,
    row: &'static Row,
    (parameter, aad): (&mut message::Parameter<'_>, &[u8]),
    keys: (CK_ULONG, CK_ULONG),
    tag: &mut [u8],
    (wrapped, wrapped_length): (Pointer<u8>, Pointer<CK_ULONG>),
) -> Result<bool> {
    let mut done = false;
    deliver(wrapped, wrapped_length, |output| {
        let delivery =
            session.wrap_key_authenticated(row, (&mut parameter.message, aad), keys, tag, output)?;
        done = delivery == Delivery::Done;
        Ok(delivery)
    })?;
    if done {
        parameter.give_nonce()?;
    }
    Ok(done)
}

/// `C_WrapKeyAuthenticated`: the tag goes into the parameter, and the nonce if the module has made it.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn wrap_authenticated(
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    wrapping_key: CK_ULONG,
    key: CK_ULONG,
    aad: Pointer<u8>,
    aad_length: CK_ULONG,
    wrapped: Pointer<u8>,
    wrapped_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let (row, mut parameter) = message::authenticated(Purpose::Encrypt, mechanism)?;
    let mut tag = parameter.tag(Purpose::Encrypt)?;
    let (aad, output) = (aad.bytes(aad_length)?, (wrapped, wrapped_length));
    let done = seal(session, row, (&mut parameter, aad), (wrapping_key, key), &mut tag, output)?;
    if done { parameter.give_tag(&tag) } else { Ok(()) }
}

/// `C_UnwrapKeyAuthenticated`.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn unwrap_authenticated(
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    unwrapping_key: CK_ULONG,
    wrapped: Pointer<u8>,
    wrapped_length: CK_ULONG,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    aad: Pointer<u8>,
    aad_length: CK_ULONG,
    key: Pointer<CK_ULONG>,
) -> Result<()> {
    let key = key.required()?;
    let (row, parameter) = message::authenticated(Purpose::Decrypt, mechanism)?;
    let tag = parameter.tag(Purpose::Decrypt)?;
    let message = (&parameter.message, aad.bytes(aad_length)?);
    let wrapped = (wrapped.bytes(wrapped_length)?, &tag[..]);
    let template = template::read_known(session, template, count)?;
    key.write(session.unwrap_key_authenticated(row, message, unwrapping_key, wrapped, &template)?)
}

/// `C_EncapsulateKey`.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn encapsulate(
    turn: &mut Turn<'_>,
    mechanism: Pointer<CK_MECHANISM>,
    public_key: CK_ULONG,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    ciphertext: Pointer<u8>,
    ciphertext_length: Pointer<CK_ULONG>,
    key: Pointer<CK_ULONG>,
) -> Result<()> {
    // Who asks for the size alone gets no key.
    let key = if ciphertext.is_null() { key } else { key.required()? };
    let mechanism = mechanism::required(turn.session(), mechanism)?;
    let template = template::take_known(turn, 0, template, count)?;
    let mut made = None;
    let told = deliver(ciphertext, ciphertext_length, |output| {
        let (delivery, handle) = turn.encapsulate_key(&mechanism, public_key, &template, output)?;
        made = handle;
        Ok(delivery)
    });
    turn.put_template(0, template);
    told?;
    made.map_or(Ok(()), |handle| key.write(handle))
}

/// `C_DecapsulateKey`.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn decapsulate(
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    private_key: CK_ULONG,
    template: Pointer<CK_ATTRIBUTE>,
    count: CK_ULONG,
    ciphertext: Pointer<u8>,
    ciphertext_length: CK_ULONG,
    key: Pointer<CK_ULONG>,
) -> Result<()> {
    let key = key.required()?;
    let mechanism = mechanism::required(session, mechanism)?;
    let ciphertext = ciphertext.bytes(ciphertext_length)?;
    let template = template::read_known(session, template, count)?;
    key.write(session.decapsulate_key(&mechanism, private_key, ciphertext, &template)?)
}
