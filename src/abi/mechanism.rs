//! `CK_MECHANISM` made into [`Mechanism`]; what its parameter is made of is in `params`.

use super::args::Pointer;
use super::message;
use super::params::Parameter;
use crate::error::{Error, Result};
use crate::mechanism::{Mechanism, Params, Shape, registry};
use cryptoki_sys::CK_MECHANISM;

/// A mechanism that must be there.
pub(super) fn required(pointer: Pointer<CK_MECHANISM>) -> Result<Mechanism> {
    let given = pointer.read()?;
    let row = registry::find(given.mechanism).ok_or(Error::MechanismInvalid)?;
    Ok(Mechanism { row, params: Parameter::of(&given).read(row.shape)? })
}

/// Runs `body` with a mechanism, which is made where it stays: the small operations notice if it moves.
#[inline]
pub(super) fn with<R>(
    pointer: Pointer<CK_MECHANISM>,
    body: impl FnOnce(&mut Mechanism) -> Result<R>,
) -> Result<R> {
    let given = pointer.read()?;
    let row = registry::find(given.mechanism).ok_or(Error::MechanismInvalid)?;
    let mut mechanism = Mechanism { row, params: Params::None };
    match row.shape {
        Shape::None if Parameter::of(&given).is_absent() => {}
        Shape::Iv(length) => mechanism.params = Parameter::of(&given).iv(length)?,
        Shape::Gcm => mechanism.params = Parameter::of(&given).gcm()?,
        shape => mechanism.params = Parameter::of(&given).read(shape)?,
    }
    body(&mut mechanism)
}

/// Tells the caller the initialisation vector that the token has chosen, if it has.
pub(super) fn tell_iv(pointer: Pointer<CK_MECHANISM>, iv: Option<&[u8]>) -> Result<()> {
    match iv {
        Some(iv) => Parameter::of(&pointer.read()?).write_gcm_iv(iv),
        None => Ok(()),
    }
}

/// A mechanism, or NULL: the operation in progress is to end (PKCS#11 3.0 and later).
pub(super) fn or_cancel(pointer: Pointer<CK_MECHANISM>) -> Result<Option<Mechanism>> {
    if pointer.is_null() { Ok(None) } else { required(pointer).map(Some) }
}

/// A mechanism for messages. Where each message brings its own parameter, the beginning may have one too, as the standard's example
/// does, or none; it says nothing that the messages don't.
pub(super) fn for_messages(pointer: Pointer<CK_MECHANISM>) -> Result<Mechanism> {
    let given = pointer.read()?;
    let row = registry::find(given.mechanism).ok_or(Error::MechanismInvalid)?;
    let Some(length) = message::parameter_length(row) else { return required(pointer) };
    if !given.pParameter.is_null() && ![0, length].contains(&given.ulParameterLen) {
        return Err(Error::MechanismParamInvalid);
    }
    Ok(Mechanism { row, params: Params::None })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_mechanism_is_invalid() {
        let mut unknown = CK_MECHANISM { mechanism: 0x7fff_ffff, ..Default::default() };
        // SAFETY: a mechanism, and NULL.
        let (unknown, null) = unsafe { (Pointer::new(&raw mut unknown), Pointer::new(std::ptr::null_mut())) };
        assert_eq!(required(unknown).err(), Some(Error::MechanismInvalid));
        assert_eq!(required(null).err(), Some(Error::ArgumentsBad));
        assert!(or_cancel(null).unwrap().is_none());
    }
}
