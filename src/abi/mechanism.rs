//! `CK_MECHANISM` made into [`Mechanism`]; what its parameter is made of is in `params`.

use super::args::Pointer;
use super::message;
use super::params::Parameter;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Purpose};
use crate::session::{Session, Turn};
use cryptoki_sys::{CK_MECHANISM, CK_ULONG};

/// A mechanism that must be there, and be offered in the session's slot: else its parameter is not looked at.
pub(super) fn required(session: &Session, pointer: Pointer<CK_MECHANISM>) -> Result<Mechanism> {
    let given = pointer.read()?;
    let row = session.mechanism(given.mechanism)?;
    Ok(Mechanism { row, params: Parameter::of(&given).read(row.shape)? })
}

/// Begins what rests again, where that takes no more than a new parameter; whether it has begun.
#[inline]
pub(super) fn begin_again(
    purpose: Purpose,
    turn: &mut Turn<'_>,
    pointer: Pointer<CK_MECHANISM>,
    key: Option<CK_ULONG>,
) -> Result<bool> {
    let given = pointer.read()?;
    let Some(row) = turn.resting(purpose, given.mechanism) else { return Ok(false) };
    match Parameter::of(&given).given(row.shape) {
        Some(parameter) => turn.begin_again(purpose, row, &parameter, key),
        None => Ok(false),
    }
}

/// Tells the caller the initialisation vector that the token has chosen, if it has.
pub(super) fn tell_iv(pointer: Pointer<CK_MECHANISM>, iv: Option<&[u8]>) -> Result<()> {
    match iv {
        Some(iv) => Parameter::of(&pointer.read()?).write_gcm_iv(iv),
        None => Ok(()),
    }
}

/// A mechanism, or NULL: the operation in progress is to end (PKCS#11 3.0 and later).
pub(super) fn or_cancel(session: &Session, pointer: Pointer<CK_MECHANISM>) -> Result<Option<Mechanism>> {
    if pointer.is_null() { Ok(None) } else { required(session, pointer).map(Some) }
}

/// A mechanism for messages. Where each message brings its own parameter, the beginning may have one too, as the standard's example
/// does, or none; it says nothing that the messages don't.
pub(super) fn for_messages(session: &Session, pointer: Pointer<CK_MECHANISM>) -> Result<Mechanism> {
    let given = pointer.read()?;
    let row = session.mechanism(given.mechanism)?;
    let Some(length) = message::parameter_length(row) else { return required(session, pointer) };
    if !given.pParameter.is_null() && ![0, length].contains(&given.ulParameterLen) {
        return Err(Error::MechanismParamInvalid);
    }
    Ok(Mechanism { row, params: Params::None })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::mechanism::Shape;
    use cryptoki_sys as ck;

    #[test]
    fn what_begins_again_most_often_is_looked_at_where_it_lies() {
        let (mut iv, mut aad) = ([1u8; 12], *b"aad");
        let mut gcm = ck::CK_GCM_PARAMS {
            pIv: iv.as_mut_ptr(),
            ulIvLen: 12,
            ulIvBits: 96,
            pAAD: aad.as_mut_ptr(),
            ulAADLen: 3,
            ulTagBits: 128,
        };
        let whole = size_of::<ck::CK_GCM_PARAMS>();
        for (shape, length, there) in [
            (Shape::None, 0, true),
            (Shape::None, 1, false),
            (Shape::Gcm, whole, true),
            (Shape::Gcm, whole - 1, false),
            (Shape::Iv(16), 16, true),
            (Shape::Iv(16), 15, false),
            (Shape::MacLength, 8, false),
        ] {
            // SAFETY: at least as long as any length above; what it points to is there.
            let at = unsafe { Pointer::new((&raw mut gcm).cast()) };
            let parameter = Parameter { at, length: length as CK_ULONG };
            assert_eq!(parameter.given(shape).is_some(), there, "{shape:?} of {length}");
        }
    }
}
