//! Encryption, decryption, digests, signatures, verification, with recovery and two at once (PKCS#11 3.2, sections
//! 5.8, 5.10, 5.12, 5.13 and 5.15 to 5.17). The functions of these chapters differ in their [`Purpose`] alone; which
//! has which is in the table.

use super::args::{Pointer, deliver, transform};
use super::mechanism;
use crate::error::{Error, Result};
use crate::mechanism::Purpose;
use crate::session::{Dual, Turn};
use cryptoki_sys::{CK_MECHANISM, CK_ULONG};

/// `C_EncryptInit` and its kin; a NULL mechanism ends the operation in progress.
pub(super) fn begin(
    purpose: Purpose,
    turn: &mut Turn<'_>,
    mechanism: Pointer<CK_MECHANISM>,
    key: CK_ULONG,
) -> Result<()> {
    begin_with(purpose, turn, mechanism, Some(key))
}

/// `C_DigestInit`.
pub(super) fn begin_digest(turn: &mut Turn<'_>, mechanism: Pointer<CK_MECHANISM>) -> Result<()> {
    begin_with(Purpose::Digest, turn, mechanism, None)
}

#[inline]
fn begin_with(
    purpose: Purpose,
    turn: &mut Turn<'_>,
    mechanism: Pointer<CK_MECHANISM>,
    key: Option<CK_ULONG>,
) -> Result<()> {
    if mechanism.is_null() {
        turn.cancel(purpose);
        return Ok(());
    }
    if mechanism::begin_again(purpose, turn, mechanism, key)? {
        return Ok(());
    }
    begin_anew(purpose, turn, mechanism, key)
}

#[inline(never)] // out of the way of what begins again
fn begin_anew(
    purpose: Purpose,
    turn: &mut Turn<'_>,
    given: Pointer<CK_MECHANISM>,
    key: Option<CK_ULONG>,
) -> Result<()> {
    let mut mechanism = mechanism::required(turn.session(), given)?;
    let iv = if purpose == Purpose::Encrypt { turn.session().choose_iv(&mut mechanism)? } else { None };
    turn.begin(purpose, &mechanism, key)?;
    mechanism::tell_iv(given, iv.as_ref().map(<[u8; 12]>::as_slice))
}

/// `C_VerifySignatureInit`; a NULL mechanism ends the operation in progress.
pub(super) fn begin_signature(
    turn: &mut Turn<'_>,
    mechanism: Pointer<CK_MECHANISM>,
    key: CK_ULONG,
    signature: Pointer<u8>,
    length: CK_ULONG,
) -> Result<()> {
    match mechanism::or_cancel(turn.session(), mechanism)? {
        Some(mechanism) => turn.begin_signature(&mechanism, key, signature.bytes(length)?),
        None => {
            turn.cancel(Purpose::VerifySignature);
            Ok(())
        }
    }
}

/// `C_VerifySignature`.
pub(super) fn verify_signature(turn: &mut Turn<'_>, data: Pointer<u8>, length: CK_ULONG) -> Result<()> {
    let result = data.bytes(length).and_then(|data| turn.verify_signature(Some(data)));
    settle(turn, &[Purpose::VerifySignature], result)
}

/// `C_VerifySignatureFinal`.
pub(super) fn verify_signature_final(turn: &mut Turn<'_>) -> Result<()> {
    turn.verify_signature(None)
}

/// `C_Encrypt` and its kin.
pub(super) fn whole(
    purpose: Purpose,
    turn: &mut Turn<'_>,
    input: Pointer<u8>,
    input_length: CK_ULONG,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let result = transform((input, input_length), (output, output_length), |input, output| {
        turn.whole(purpose, input, output)
    });
    settle(turn, &[purpose], result)
}

/// `C_EncryptUpdate`, `C_DecryptUpdate`.
pub(super) fn update(
    purpose: Purpose,
    turn: &mut Turn<'_>,
    input: Pointer<u8>,
    input_length: CK_ULONG,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let result = transform((input, input_length), (output, output_length), |input, output| {
        turn.transform(purpose, input, output)
    });
    settle(turn, &[purpose], result)
}

/// `C_DigestEncryptUpdate` and its kin.
pub(super) fn update_two(
    dual: Dual,
    turn: &mut Turn<'_>,
    input: Pointer<u8>,
    input_length: CK_ULONG,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let result = transform((input, input_length), (output, output_length), |input, output| {
        turn.dual(dual, input, output)
    });
    settle(turn, purposes(dual), result)
}

/// `C_DigestUpdate`, `C_SignUpdate`, `C_VerifyUpdate`, `C_VerifySignatureUpdate`.
pub(super) fn absorb(
    purpose: Purpose,
    turn: &mut Turn<'_>,
    input: Pointer<u8>,
    input_length: CK_ULONG,
) -> Result<()> {
    let result = input.bytes(input_length).and_then(|input| turn.absorb(purpose, input));
    settle(turn, &[purpose], result)
}

/// `C_DigestKey`.
pub(super) fn digest_key(turn: &mut Turn<'_>, key: CK_ULONG) -> Result<()> {
    turn.digest_key(key)
}

/// `C_EncryptFinal`, `C_DecryptFinal`, `C_DigestFinal`, `C_SignFinal`.
pub(super) fn finish(
    purpose: Purpose,
    turn: &mut Turn<'_>,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let result = deliver(output, output_length, |output| turn.finish(purpose, output));
    settle(turn, &[purpose], result)
}

/// `C_Verify`.
pub(super) fn verify(
    turn: &mut Turn<'_>,
    data: Pointer<u8>,
    data_length: CK_ULONG,
    signature: Pointer<u8>,
    signature_length: CK_ULONG,
) -> Result<()> {
    let (data, signature) = (data.bytes(data_length), signature.bytes(signature_length));
    let result = data.and_then(|data| turn.verify(data, signature?));
    settle(turn, &[Purpose::Verify], result)
}

/// `C_VerifyFinal`.
pub(super) fn verify_final(turn: &mut Turn<'_>, signature: Pointer<u8>, length: CK_ULONG) -> Result<()> {
    let result = signature.bytes(length).and_then(|signature| turn.verify_final(signature));
    settle(turn, &[Purpose::Verify], result)
}

/// Every error of a step but `BufferTooSmall` ends its operation: also one in the arguments, which the session never
/// gets to see.
fn settle(turn: &mut Turn<'_>, purposes: &[Purpose], result: Result<()>) -> Result<()> {
    if result == Err(Error::ArgumentsBad) {
        for purpose in purposes {
            turn.cancel(*purpose);
        }
    }
    result
}

fn purposes(dual: Dual) -> &'static [Purpose] {
    match dual {
        Dual::DigestEncrypt => &[Purpose::Digest, Purpose::Encrypt],
        Dual::DecryptDigest => &[Purpose::Decrypt, Purpose::Digest],
        Dual::SignEncrypt => &[Purpose::Sign, Purpose::Encrypt],
        Dual::DecryptVerify => &[Purpose::Decrypt, Purpose::Verify],
    }
}
