//! The message-based functions (PKCS#11 3.2, sections 5.9, 5.11, 5.14 and 5.16), and the parameter that each message brings: read on the
//! way in, its nonce and tag filled in on the way out.

use super::args::{Plain, Pointer, copy_out, deliver, transform};
use super::mechanism;
use super::params;
use crate::error::{Error, Result};
use crate::mechanism::message::{Generator, Message, MessageShape};
use crate::mechanism::{Purpose, Row, registry};
use crate::output::Delivery;
use crate::session::Session;
use cryptoki_sys as ck;
use cryptoki_sys::{CK_FLAGS, CK_MECHANISM, CK_ULONG};
use std::ffi::c_void;

/// Bytes of the longest tag of any mechanism.
const MAX_TAG: usize = 16;

/// `C_MessageEncryptInit` and its kin; a NULL mechanism ends the process.
pub(super) fn begin(
    purpose: Purpose,
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    key: CK_ULONG,
) -> Result<()> {
    if mechanism.is_null() {
        return session.cancel_messages(purpose);
    }
    session.begin_messages(purpose, &mechanism::for_messages(session, mechanism)?, key)
}

/// `C_MessageEncryptFinal` and its kin.
pub(super) fn end(purpose: Purpose, session: &Session) -> Result<()> {
    session.end_messages(purpose)
}

/// `C_EncryptMessage`, `C_DecryptMessage`.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn crypt(
    purpose: Purpose,
    session: &Session,
    parameter: Pointer<c_void>,
    parameter_length: CK_ULONG,
    aad: Pointer<u8>,
    aad_length: CK_ULONG,
    input: Pointer<u8>,
    input_length: CK_ULONG,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let shape = session.message_shape(purpose)?;
    let mut parameter = Parameter::read(purpose, shape, parameter, parameter_length)?;
    let mut tag = parameter.tag(purpose)?;
    let aad = aad.bytes(aad_length)?;
    let mut done = false;
    transform((input, input_length), (output, output_length), |input, output| {
        let delivery =
            session.whole_message(purpose, (&mut parameter.message, aad), input, &mut tag, output)?;
        done = delivery == Delivery::Done;
        Ok(delivery)
    })?;
    if done && purpose == Purpose::Encrypt {
        parameter.give_nonce()?;
        parameter.give_tag(&tag)?;
    }
    Ok(())
}

/// `C_EncryptMessageBegin`, `C_DecryptMessageBegin`.
pub(super) fn open(
    purpose: Purpose,
    session: &Session,
    parameter: Pointer<c_void>,
    parameter_length: CK_ULONG,
    aad: Pointer<u8>,
    aad_length: CK_ULONG,
) -> Result<()> {
    let shape = session.message_shape(purpose)?;
    let mut parameter = Parameter::read(purpose, shape, parameter, parameter_length)?;
    session.open_message(purpose, &mut parameter.message, aad.bytes(aad_length)?)?;
    if purpose == Purpose::Encrypt { parameter.give_nonce() } else { Ok(()) }
}

/// `C_EncryptMessageNext`, `C_DecryptMessageNext`.
#[allow(clippy::too_many_arguments)] // the standard's
pub(super) fn part(
    purpose: Purpose,
    session: &Session,
    parameter: Pointer<c_void>,
    parameter_length: CK_ULONG,
    input: Pointer<u8>,
    input_length: CK_ULONG,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
    flags: CK_FLAGS,
) -> Result<()> {
    let shape = session.message_shape(purpose)?;
    let run = || {
        let last = match flags {
            0 => false,
            ck::CKF_END_OF_MESSAGE => true,
            _ => return Err(Error::ArgumentsBad),
        };
        let parameter = Parameter::read(purpose, shape, parameter, parameter_length)?;
        let mut tag = if last { Some(parameter.tag(purpose)?) } else { None };
        let mut done = false;
        transform((input, input_length), (output, output_length), |input, output| {
            let tag = tag.as_deref_mut();
            let delivery = session.message_part(purpose, input, tag, output)?;
            done = delivery == Delivery::Done;
            Ok(delivery)
        })?;
        match tag {
            Some(tag) if done && purpose == Purpose::Encrypt => parameter.give_tag(&tag),
            _ => Ok(()),
        }
    };
    settle(session, purpose, run())
}

/// `C_SignMessage`.
pub(super) fn sign(
    session: &Session,
    parameter: Pointer<c_void>,
    parameter_length: CK_ULONG,
    data: Pointer<u8>,
    data_length: CK_ULONG,
    signature: Pointer<u8>,
    signature_length: Pointer<CK_ULONG>,
) -> Result<()> {
    none(parameter, parameter_length)?;
    transform((data, data_length), (signature, signature_length), |data, output| {
        session.sign_message(data, output)
    })
}

/// `C_SignMessageBegin`, `C_VerifyMessageBegin`.
pub(super) fn open_signed(
    purpose: Purpose,
    session: &Session,
    parameter: Pointer<c_void>,
    parameter_length: CK_ULONG,
) -> Result<()> {
    none(parameter, parameter_length)?;
    session.open_signed_message(purpose)
}

/// `C_SignMessageNext`. Without a place for the signature's length there is more to come.
pub(super) fn sign_part(
    session: &Session,
    parameter: Pointer<c_void>,
    parameter_length: CK_ULONG,
    data: Pointer<u8>,
    data_length: CK_ULONG,
    signature: Pointer<u8>,
    signature_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let run = || {
        none(parameter, parameter_length)?;
        let data = data.bytes(data_length)?;
        if signature_length.is_null() {
            return session.absorb_message(Purpose::Sign, data);
        }
        deliver(signature, signature_length, |output| session.finish_signed_message(data, output))
    };
    settle(session, Purpose::Sign, run())
}

/// `C_VerifyMessage`.
pub(super) fn verify(
    session: &Session,
    parameter: Pointer<c_void>,
    parameter_length: CK_ULONG,
    data: Pointer<u8>,
    data_length: CK_ULONG,
    signature: Pointer<u8>,
    signature_length: CK_ULONG,
) -> Result<()> {
    none(parameter, parameter_length)?;
    session.verify_message(data.bytes(data_length)?, signature.bytes(signature_length)?)
}

/// `C_VerifyMessageNext`. Without a signature there is more to come.
pub(super) fn verify_part(
    session: &Session,
    parameter: Pointer<c_void>,
    parameter_length: CK_ULONG,
    data: Pointer<u8>,
    data_length: CK_ULONG,
    signature: Pointer<u8>,
    signature_length: CK_ULONG,
) -> Result<()> {
    let run = || {
        none(parameter, parameter_length)?;
        let data = data.bytes(data_length)?;
        if signature.is_null() && signature_length == 0 {
            return session.absorb_message(Purpose::Verify, data);
        }
        session.finish_verified_message(data, signature.bytes(signature_length)?)
    };
    settle(session, Purpose::Verify, run())
}

/// Every error of a part but `BufferTooSmall` ends its message: also one in the arguments, which the session never gets to see.
fn settle(session: &Session, purpose: Purpose, result: Result<()>) -> Result<()> {
    if matches!(result, Err(Error::ArgumentsBad | Error::MechanismParamInvalid)) {
        session.abandon_message(purpose)?;
    }
    result
}

/// Signatures have no parameter for each message.
fn none(parameter: Pointer<c_void>, length: CK_ULONG) -> Result<()> {
    if parameter.is_null() || length == 0 { Ok(()) } else { Err(Error::MechanismParamInvalid) }
}

/// Bytes of a message's parameter, if the mechanism has such.
pub(super) fn parameter_length(row: &Row) -> Option<CK_ULONG> {
    let size = match row.family.aead()?.message_shape() {
        MessageShape::Gcm => size_of::<ck::CK_GCM_MESSAGE_PARAMS>(),
        MessageShape::Ccm => size_of::<ck::CK_CCM_MESSAGE_PARAMS>(),
        MessageShape::ChaCha20Poly1305 => size_of::<ck::CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS>(),
    };
    Some(size as CK_ULONG)
}

/// A message's parameter, and where its results belong.
pub(super) struct Parameter<'a> {
    pub message: Message,
    nonce: Pointer<'a, u8>,
    tag: Pointer<'a, u8>,
}

/// The fields that the structures have in common.
pub(super) struct Fields {
    nonce: *mut u8,
    nonce_length: CK_ULONG,
    fixed_bits: CK_ULONG,
    generator: CK_ULONG,
    tag: *mut u8,
    /// In bytes.
    tag_length: CK_ULONG,
    data_length: CK_ULONG,
}

/// The mechanism of `C_WrapKeyAuthenticated` and its inverse, with the parameter as messages have it.
pub(super) fn authenticated<'a>(
    purpose: Purpose,
    mechanism: Pointer<'a, CK_MECHANISM>,
) -> Result<(&'static Row, Parameter<'a>)> {
    let given = mechanism.read()?;
    let row = registry::find(given.mechanism).ok_or(Error::MechanismInvalid)?;
    let shape = row.family.aead().ok_or(Error::MechanismInvalid)?.message_shape();
    // SAFETY: NULL or good for `ulParameterLen` bytes, says the caller of each mechanism.
    let at = unsafe { Pointer::new(given.pParameter) };
    Ok((row, Parameter::read(purpose, shape, at, given.ulParameterLen)?))
}

impl<'a> Parameter<'a> {
    /// Reads a parameter, which has just the size of its structure.
    pub fn read(
        purpose: Purpose,
        shape: MessageShape,
        at: Pointer<'a, c_void>,
        length: CK_ULONG,
    ) -> Result<Self> {
        let fields = match shape {
            MessageShape::Gcm => gcm(structure(at, length)?)?,
            MessageShape::Ccm => ccm(structure(at, length)?),
            MessageShape::ChaCha20Poly1305 => chacha20_poly1305(structure(at, length)?),
        };
        Parameter::of(purpose, &fields)
    }

    /// The parameter that has these fields. What has its nonce already names a generator to no purpose.
    pub fn of(purpose: Purpose, fields: &Fields) -> Result<Self> {
        let tag_length = usize::try_from(fields.tag_length).ok().filter(|length| *length <= MAX_TAG);
        // SAFETY: NULL or good for the lengths beside them, says the caller of the structure they stand in.
        let (nonce, tag) = unsafe { (Pointer::new(fields.nonce), Pointer::new(fields.tag)) };
        let message = Message {
            nonce: params::nested_bytes(nonce, fields.nonce_length)?,
            fixed_bits: fields.fixed_bits,
            generator: match purpose {
                Purpose::Decrypt => Generator::Given,
                _ => generator(fields.generator)?,
            },
            tag_length: tag_length.ok_or(Error::MechanismParamInvalid)?,
            data_length: usize::try_from(fields.data_length).map_err(|_| Error::MechanismParamInvalid)?,
        };
        Ok(Parameter { message, nonce, tag })
    }

    /// The tag to be checked, or the place for one.
    pub fn tag(&self, purpose: Purpose) -> Result<Vec<u8>> {
        let given = params::nested_bytes(self.tag, self.message.tag_length as CK_ULONG)?;
        Ok(if purpose == Purpose::Decrypt { given } else { vec![0; given.len()] })
    }

    /// Puts the nonce where the caller reads it, if the module has made it.
    pub fn give_nonce(&self) -> Result<()> {
        match self.message.generator {
            Generator::Given => Ok(()),
            _ => copy_out(&self.message.nonce, self.nonce),
        }
    }

    /// Puts the tag where the caller reads it.
    pub fn give_tag(&self, tag: &[u8]) -> Result<()> {
        copy_out(tag, self.tag)
    }
}

fn structure<T: Plain>(at: Pointer<c_void>, length: CK_ULONG) -> Result<T> {
    if at.is_null() || length != size_of::<T>() as CK_ULONG {
        return Err(Error::MechanismParamInvalid);
    }
    at.cast().read()
}

pub(super) fn gcm(given: ck::CK_GCM_MESSAGE_PARAMS) -> Result<Fields> {
    if !given.ulTagBits.is_multiple_of(8) {
        return Err(Error::MechanismParamInvalid);
    }
    Ok(Fields {
        nonce: given.pIv,
        nonce_length: given.ulIvLen,
        fixed_bits: given.ulIvFixedBits,
        generator: given.ivGenerator,
        tag: given.pTag,
        tag_length: given.ulTagBits / 8,
        data_length: 0,
    })
}

pub(super) fn ccm(given: ck::CK_CCM_MESSAGE_PARAMS) -> Fields {
    Fields {
        nonce: given.pNonce,
        nonce_length: given.ulNonceLen,
        fixed_bits: given.ulNonceFixedBits,
        generator: given.nonceGenerator,
        tag: given.pMAC,
        tag_length: given.ulMACLen,
        data_length: given.ulDataLen,
    }
}

/// The structure has no generator, and the tag just one length.
fn chacha20_poly1305(given: ck::CK_SALSA20_CHACHA20_POLY1305_MSG_PARAMS) -> Fields {
    Fields {
        nonce: given.pNonce,
        nonce_length: given.ulNonceLen,
        fixed_bits: 0,
        generator: ck::CKG_NO_GENERATE,
        tag: given.pTag,
        tag_length: MAX_TAG as CK_ULONG,
        data_length: 0,
    }
}

fn generator(number: CK_ULONG) -> Result<Generator> {
    match number {
        ck::CKG_NO_GENERATE => Ok(Generator::Given),
        ck::CKG_GENERATE => Ok(Generator::Any),
        ck::CKG_GENERATE_COUNTER => Ok(Generator::Counter),
        ck::CKG_GENERATE_COUNTER_XOR => Ok(Generator::CounterXor),
        ck::CKG_GENERATE_RANDOM => Ok(Generator::Random),
        _ => Err(Error::MechanismParamInvalid),
    }
}
