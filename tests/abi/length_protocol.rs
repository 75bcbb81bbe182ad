//! The length protocol: NULL asks for the size, too small a buffer is told it and loses nothing, enough is
//! enough. For every function with output, and every mechanism that can drive it.

use crate::common::cases::{self, Job, input};
use crate::common::*;
use std::ptr::null_mut;

/// Drives one output function through the protocol; the bytes it gave in the end.
///
/// `call` must be ready to be called: all that comes before the last call must change nothing.
#[track_caller]
fn protocol(what: &str, mut call: impl FnMut(*mut u8, *mut CK_ULONG) -> CK_RV) -> Vec<u8> {
    let mut told = CK_ULONG::MAX;
    assert_eq!(Rv(call(null_mut(), &mut told)), Rv(CKR_OK), "{what}: asking for the size");
    let mut again = 0;
    assert_eq!(Rv(call(null_mut(), &mut again)), Rv(CKR_OK), "{what}: asking once more");
    assert_eq!(told, again, "{what}: the size differs when asked again");
    assert!(told < 1 << 20, "{what}: a size of {told}");
    // A size told for a decryption may be more than it takes: shrink until it no longer fits.
    let mut buffer = vec![0xEE; told as usize + 8];
    for room in [0, told / 2, told.saturating_sub(1)] {
        let mut length = room;
        let rv = call(buffer.as_mut_ptr(), &mut length);
        if rv == CKR_OK {
            assert!(length <= room, "{what}: {length} bytes in a buffer of {room}");
            assert!(buffer[room as usize..].iter().all(|byte| *byte == 0xEE), "{what}: overrun");
            buffer.truncate(length as usize);
            return buffer;
        }
        assert_eq!(Rv(rv), Rv(CKR_BUFFER_TOO_SMALL), "{what}: {room} bytes of {told}");
        assert!(length > room && length <= told, "{what}: told {told}, then {length} with {room}");
        assert!(buffer.iter().all(|byte| *byte == 0xEE), "{what}: written to though too small");
        told = length;
    }
    let mut length = told;
    assert_eq!(Rv(call(buffer.as_mut_ptr(), &mut length)), Rv(CKR_OK), "{what}: with all {told} bytes");
    assert!(buffer[told as usize..].iter().all(|byte| *byte == 0xEE), "{what}: written past the end");
    buffer.truncate(length as usize);
    buffer
}

/// A pointer and a length for a call.
fn at(data: &[u8]) -> (*mut u8, CK_ULONG) {
    (data.as_ptr().cast_mut(), data.len() as CK_ULONG)
}

macro_rules! whole {
    ($what:expr, $function:ident, $session:expr, $data:expr) => {{
        let (data, length) = at($data);
        protocol($what, |buffer, size| raw!($function($session.0, data, length, buffer, size)))
    }};
}

macro_rules! rest {
    ($what:expr, $function:ident, $session:expr) => {
        protocol($what, |buffer, size| raw!($function($session.0, buffer, size)))
    };
}

/// Each mechanism of the module whose flags have all of `flags`, with its keys and input.
fn each(token: &Token, flags: CK_FLAGS, mut run: impl FnMut(&str, &Mechanism, (Handle, Handle), &[u8])) {
    let session = token.user();
    let mut count = 0;
    for case in cases::all() {
        let Job::Use(keys, length) = case.job else { continue };
        let Ok(info) = module().mechanism_info(token.slot, case.mechanism.id()) else { continue };
        if info.flags & flags == flags {
            run(case.name, &case.mechanism, keys.make(session), &input(length));
            count += 1;
        }
    }
    assert!(count > 0, "no mechanism has these flags");
}

#[test]
fn encrypt_and_decrypt() {
    isolated(|_| {
        let token = Token::new();
        each(&token, CKF_ENCRYPT | CKF_DECRYPT, |name, mechanism, (public, private), data| {
            let session = token.public();
            session.encrypt_init(mechanism, public).unwrap();
            let encrypted = whole!(&format!("C_Encrypt, {name}"), C_Encrypt, session, data);
            session.encrypt_rest(data).refused(CKR_OPERATION_NOT_INITIALIZED);
            session.decrypt_init(mechanism, private).unwrap();
            let decrypted = whole!(&format!("C_Decrypt, {name}"), C_Decrypt, session, &encrypted);
            assert_eq!(decrypted, data, "{name}");
            session.decrypt_rest(data).refused(CKR_OPERATION_NOT_INITIALIZED);
            session.close().unwrap();
        });
    });
}

#[test]
fn encrypt_and_decrypt_in_parts() {
    isolated(|_| {
        let token = Token::new();
        each(&token, CKF_ENCRYPT | CKF_DECRYPT, |name, mechanism, (public, private), data| {
            let session = token.public();
            session.encrypt_init(mechanism, public).unwrap();
            let mut encrypted =
                whole!(&format!("C_EncryptUpdate, {name}"), C_EncryptUpdate, session, &data[..20]);
            encrypted.extend(whole!(
                &format!("C_EncryptUpdate 2, {name}"),
                C_EncryptUpdate,
                session,
                &data[20..]
            ));
            encrypted.extend(rest!(&format!("C_EncryptFinal, {name}"), C_EncryptFinal, session));
            session.encrypt_final().refused(CKR_OPERATION_NOT_INITIALIZED);
            session.decrypt_init(mechanism, private).unwrap();
            let (first, second) = encrypted.split_at(20);
            let mut decrypted = whole!(&format!("C_DecryptUpdate, {name}"), C_DecryptUpdate, session, first);
            decrypted.extend(whole!(&format!("C_DecryptUpdate 2, {name}"), C_DecryptUpdate, session, second));
            decrypted.extend(rest!(&format!("C_DecryptFinal, {name}"), C_DecryptFinal, session));
            assert_eq!(decrypted, data, "{name}");
            session.decrypt_final().refused(CKR_OPERATION_NOT_INITIALIZED);
            session.close().unwrap();
        });
    });
}

#[test]
fn sign() {
    isolated(|_| {
        let token = Token::new();
        each(&token, CKF_SIGN | CKF_VERIFY, |name, mechanism, (public, private), data| {
            let session = token.public();
            session.sign_init(mechanism, private).unwrap();
            let signature = whole!(&format!("C_Sign, {name}"), C_Sign, session, data);
            session.sign_rest(data).refused(CKR_OPERATION_NOT_INITIALIZED);
            session.verify(mechanism, public, data, &signature).unwrap();
            session.sign_init(mechanism, private).unwrap();
            session.sign_update(data).unwrap();
            let signature = rest!(&format!("C_SignFinal, {name}"), C_SignFinal, session);
            session.sign_final().refused(CKR_OPERATION_NOT_INITIALIZED);
            session.verify(mechanism, public, data, &signature).unwrap();
            session.close().unwrap();
        });
    });
}

#[test]
fn sign_with_recovery() {
    isolated(|_| {
        let token = Token::new();
        let both = CKF_SIGN_RECOVER | CKF_VERIFY_RECOVER;
        each(&token, both, |name, mechanism, (public, private), data| {
            let session = token.public();
            session.sign_recover_init(mechanism, private).unwrap();
            let signature = whole!(&format!("C_SignRecover, {name}"), C_SignRecover, session, data);
            session.verify_recover_init(mechanism, public).unwrap();
            let back = whole!(&format!("C_VerifyRecover, {name}"), C_VerifyRecover, session, &signature);
            assert_eq!(back, data, "{name}");
            session.verify_recover_rest(&signature).refused(CKR_OPERATION_NOT_INITIALIZED);
        });
    });
}

#[test]
fn digest() {
    isolated(|_| {
        let token = Token::new();
        each(&token, CKF_DIGEST, |name, mechanism, _, data| {
            let session = token.public();
            session.digest_init(mechanism).unwrap();
            let digest = whole!(&format!("C_Digest, {name}"), C_Digest, session, data);
            session.digest_rest(data).refused(CKR_OPERATION_NOT_INITIALIZED);
            session.digest_init(mechanism).unwrap();
            session.digest_update(data).unwrap();
            let again = rest!(&format!("C_DigestFinal, {name}"), C_DigestFinal, session);
            assert_eq!(digest, again, "{name}");
        });
    });
}

#[test]
fn wrap() {
    isolated(|_| {
        let token = Token::new();
        each(&token, CKF_WRAP, |name, mechanism, (public, _), _| {
            let session = token.public();
            let key = keys::secret(session, CKK_AES, &[8; 32], template![]);
            let ccm = Mechanism::ccm(32, &[3; 12], b"", 16);
            let mechanism = if mechanism.id() == CKM_AES_CCM { &ccm } else { mechanism };
            let mechanism = mechanism.as_ptr();
            let wrapped = protocol(&format!("C_WrapKey, {name}"), |buffer, size| {
                raw!(C_WrapKey(session.0, mechanism, public, key, buffer, size))
            });
            assert!(wrapped.len() >= 32, "{name}");
            session.close().unwrap();
        });
    });
}

#[test]
fn two_operations_at_once() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[4; 16]);
        let sha = Mechanism::plain(CKM_SHA256);
        let data = input(64);
        let digest = session.digest(&sha, &data).unwrap();
        let encrypted = session.encrypt(&cbc, aes, &data).unwrap();
        session.digest_init(&sha).unwrap();
        session.encrypt_init(&cbc, aes).unwrap();
        let mut output = whole!("C_DigestEncryptUpdate", C_DigestEncryptUpdate, session, &data);
        output.extend(session.encrypt_final().unwrap());
        assert_eq!(output, encrypted);
        assert_eq!(session.digest_final().unwrap(), digest, "digested more than once");
    });
}

#[test]
fn two_operations_at_once_on_what_is_decrypted() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let aes = keys::aes(session, template![]);
        let cbc = Mechanism::bytes(CKM_AES_CBC, &[4; 16]);
        let sha = Mechanism::plain(CKM_SHA256);
        let data = input(64);
        let digest = session.digest(&sha, &data).unwrap();
        let encrypted = session.encrypt(&cbc, aes, &data).unwrap();
        session.digest_init(&sha).unwrap();
        session.decrypt_init(&cbc, aes).unwrap();
        let mut output = whole!("C_DecryptDigestUpdate", C_DecryptDigestUpdate, session, &encrypted);
        output.extend(session.decrypt_final().unwrap());
        assert_eq!(output, data);
        assert_eq!(session.digest_final().unwrap(), digest, "digested more than once");
    });
}

#[test]
fn no_place_for_the_length_is_an_error_and_closes_nothing_else() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let other = token.public();
        let sha = Mechanism::plain(CKM_SHA256);
        other.digest_init(&sha).unwrap();
        session.digest_init(&sha).unwrap();
        let mut buffer = [0u8; 32];
        let rv = raw!(C_DigestFinal(session.0, buffer.as_mut_ptr(), null_mut()));
        assert_eq!(Rv(rv), Rv(CKR_ARGUMENTS_BAD));
        other.digest_rest(b"x").unwrap();
    });
}

#[test]
fn a_result_that_did_not_fit_waits_for_the_same_call_alone() {
    isolated(|_| {
        let token = Token::new();
        let session = token.user();
        let padded = Mechanism::bytes(CKM_AES_CBC_PAD, &[4; 16]);
        let pkcs = Mechanism::plain(CKM_RSA_PKCS);
        let aes = keys::aes(session, template![]);
        let data = input(40);
        for (mechanism, (public, private)) in
            [(padded, (aes, aes)), (pkcs, keys::rsa(session, 2048, template![]))]
        {
            let encrypted = session.encrypt(&mechanism, public, &data).unwrap();
            let (input, length) = at(&encrypted);
            let does_not_fit = || {
                session.decrypt_init(&mechanism, private).unwrap();
                let (mut room, mut size) = ([0xEE; 1], 1);
                let rv = raw!(C_Decrypt(session.0, input, length, room.as_mut_ptr(), &mut size));
                assert_eq!((Rv(rv), size, room), (Rv(CKR_BUFFER_TOO_SMALL), 40, [0xEE]));
            };
            does_not_fit();
            assert_eq!(session.decrypt_rest(&encrypted).unwrap(), data);
            let others: [&dyn Fn() -> Answer<Vec<u8>>; 3] =
                [&|| session.decrypt_update(&encrypted), &|| session.decrypt_final(), &|| {
                    session.decrypt_rest(&encrypted[..16])
                }];
            for other in others {
                does_not_fit();
                other().refused(CKR_OPERATION_ACTIVE);
                session.decrypt_rest(&encrypted).refused(CKR_OPERATION_NOT_INITIALIZED);
            }
        }
    });
}
