//! Encryption, decryption, digests, signatures, verification, with recovery and two at once (PKCS#11 3.2, sections
//! 5.8, 5.10, 5.12, 5.13 and 5.15 to 5.17). The functions of these chapters differ in their [`Purpose`] alone; which
//! has which is in the table.

use super::args::{Pointer, deliver, transform};
use super::mechanism;
use crate::error::{Error, Result};
use crate::mechanism::Purpose;
use crate::session::{Dual, Session};
use cryptoki_sys::{CK_MECHANISM, CK_ULONG};

/// `C_EncryptInit` and its kin; a NULL mechanism ends the operation in progress.
pub(super) fn begin(
    purpose: Purpose,
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    key: CK_ULONG,
) -> Result<()> {
    if mechanism.is_null() {
        return session.cancel(purpose);
    }
    let given = mechanism;
    mechanism::with(session, given, |mechanism| {
        let iv = if purpose == Purpose::Encrypt { session.choose_iv(mechanism)? } else { None };
        session.begin(purpose, mechanism, Some(key))?;
        mechanism::tell_iv(given, iv.as_ref().map(<[u8; 12]>::as_slice))
    })
}

/// `C_DigestInit`.
pub(super) fn begin_digest(session: &Session, mechanism: Pointer<CK_MECHANISM>) -> Result<()> {
    if mechanism.is_null() {
        return session.cancel(Purpose::Digest);
    }
    mechanism::with(session, mechanism, |mechanism| session.begin(Purpose::Digest, mechanism, None))
}

/// `C_VerifySignatureInit`; a NULL mechanism ends the operation in progress.
pub(super) fn begin_signature(
    session: &Session,
    mechanism: Pointer<CK_MECHANISM>,
    key: CK_ULONG,
    signature: Pointer<u8>,
    length: CK_ULONG,
) -> Result<()> {
    match mechanism::or_cancel(session, mechanism)? {
        Some(mechanism) => session.begin_signature(&mechanism, key, signature.bytes(length)?),
        None => session.cancel(Purpose::VerifySignature),
    }
}

/// `C_VerifySignature`.
pub(super) fn verify_signature(session: &Session, data: Pointer<u8>, length: CK_ULONG) -> Result<()> {
    let result = data.bytes(length).and_then(|data| session.verify_signature(Some(data)));
    settle(session, &[Purpose::VerifySignature], result)
}

/// `C_VerifySignatureFinal`.
pub(super) fn verify_signature_final(session: &Session) -> Result<()> {
    session.verify_signature(None)
}

/// `C_Encrypt` and its kin.
pub(super) fn whole(
    purpose: Purpose,
    session: &Session,
    input: Pointer<u8>,
    input_length: CK_ULONG,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let result = transform((input, input_length), (output, output_length), |input, output| {
        session.whole(purpose, input, output)
    });
    settle(session, &[purpose], result)
}

/// `C_EncryptUpdate`, `C_DecryptUpdate`.
pub(super) fn update(
    purpose: Purpose,
    session: &Session,
    input: Pointer<u8>,
    input_length: CK_ULONG,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let result = transform((input, input_length), (output, output_length), |input, output| {
        session.transform(purpose, input, output)
    });
    settle(session, &[purpose], result)
}

/// `C_DigestEncryptUpdate` and its kin.
pub(super) fn update_two(
    dual: Dual,
    session: &Session,
    input: Pointer<u8>,
    input_length: CK_ULONG,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let result = transform((input, input_length), (output, output_length), |input, output| {
        session.dual(dual, input, output)
    });
    settle(session, purposes(dual), result)
}

/// `C_DigestUpdate`, `C_SignUpdate`, `C_VerifyUpdate`, `C_VerifySignatureUpdate`.
pub(super) fn absorb(
    purpose: Purpose,
    session: &Session,
    input: Pointer<u8>,
    input_length: CK_ULONG,
) -> Result<()> {
    let result = input.bytes(input_length).and_then(|input| session.absorb(purpose, input));
    settle(session, &[purpose], result)
}

/// `C_DigestKey`.
pub(super) fn digest_key(session: &Session, key: CK_ULONG) -> Result<()> {
    session.digest_key(key)
}

/// `C_EncryptFinal`, `C_DecryptFinal`, `C_DigestFinal`, `C_SignFinal`.
pub(super) fn finish(
    purpose: Purpose,
    session: &Session,
    output: Pointer<u8>,
    output_length: Pointer<CK_ULONG>,
) -> Result<()> {
    let result = deliver(output, output_length, |output| session.finish(purpose, output));
    settle(session, &[purpose], result)
}

/// `C_Verify`.
pub(super) fn verify(
    session: &Session,
    data: Pointer<u8>,
    data_length: CK_ULONG,
    signature: Pointer<u8>,
    signature_length: CK_ULONG,
) -> Result<()> {
    let (data, signature) = (data.bytes(data_length), signature.bytes(signature_length));
    let result = data.and_then(|data| session.verify(data, signature?));
    settle(session, &[Purpose::Verify], result)
}

/// `C_VerifyFinal`.
pub(super) fn verify_final(session: &Session, signature: Pointer<u8>, length: CK_ULONG) -> Result<()> {
    let result = signature.bytes(length).and_then(|signature| session.verify_final(signature));
    settle(session, &[Purpose::Verify], result)
}

/// Every error of a step but `BufferTooSmall` ends its operation: also one in the arguments, which the session never
/// gets to see.
fn settle(session: &Session, purposes: &[Purpose], result: Result<()>) -> Result<()> {
    if result == Err(Error::ArgumentsBad) {
        for purpose in purposes {
            let _ = session.cancel(*purpose); // the step's own error is the one that counts
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
