//! EdDSA (PKCS#11 3.2, section 6.3; RFC 8032). It goes over the message twice, so all of it is collected
//! first.

use super::pair_key::Task;
use super::staged::{MEMORY_LIMIT, Staged};
use super::{Family, Key, Params, Signer, Verifier};
use crate::crypto::{ffi, unexpected};
use crate::error::{Error, Result};
use openssl::error::ErrorStack;
use openssl::pkey::{HasParams, Id, PKeyRef};
use openssl::pkey_ctx::PkeyCtxRef;
use std::ffi::CStr;

/// `CKM_EDDSA`.
pub struct Eddsa;

/// The longest context.
const LONGEST_CONTEXT: usize = 255;

/// The schemes of RFC 8032: curve, whether the message is hashed first, whether there is a context, and the
/// name OpenSSL knows it by.
///
/// A parameter with neither flag nor context asks for Ed25519 itself, as no parameter does: an empty context
/// is what the RFC advises against, and what OpenSSL has no scheme for.
const SCHEMES: &[(Id, bool, bool, &CStr)] = &[
    (Id::ED25519, false, false, c"Ed25519"),
    (Id::ED25519, false, true, c"Ed25519ctx"),
    (Id::ED25519, true, false, c"Ed25519ph"),
    (Id::ED25519, true, true, c"Ed25519ph"),
    (Id::ED448, false, false, c"Ed448"),
    (Id::ED448, false, true, c"Ed448"),
    (Id::ED448, true, false, c"Ed448ph"),
    (Id::ED448, true, true, c"Ed448ph"),
];

/// The scheme of a key, with its context.
fn scheme<T: HasParams>(key: &PKeyRef<T>, params: &Params) -> Result<Task> {
    let (prehash, context) = match params {
        Params::None => (false, &[][..]),
        Params::Eddsa { prehash, context } if context.len() <= LONGEST_CONTEXT => (*prehash, &context[..]),
        _ => return Err(Error::MechanismParamInvalid),
    };
    let wanted = (key.id(), prehash, !context.is_empty());
    let found = SCHEMES.iter().find(|(id, prehash, context, _)| (*id, *prehash, *context) == wanted);
    let (.., name) = found.ok_or(Error::KeyTypeInconsistent)?;
    Ok(Task::Eddsa(name, context.to_vec()))
}

fn choose<T>(task: &Task, context: &mut PkeyCtxRef<T>) -> std::result::Result<(), ErrorStack> {
    match task {
        Task::Eddsa(name, string) => ffi::pkey::set_eddsa_instance(context, name, string),
        _ => Ok(()),
    }
}

impl Family for Eddsa {
    fn sign(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Signer>> {
        let key = key.private()?;
        let (task, size, mut key) = (scheme(key, params)?, 2 * key.curve()?.size, key.at_work());
        let run = move |data: &[u8], output: &mut [u8]| {
            key.message(
                &task,
                |context, key| context.digest_sign_init(None, key).and_then(|c| choose(&task, c)),
                ffi::pkey::sign_again,
                |context| context.digest_sign(data, Some(output)).map_err(unexpected),
            )
        };
        Ok(Box::new(Staged::signer(MEMORY_LIMIT, size, run).again(params)))
    }

    fn verify(&self, key: Key<'_>, params: &Params) -> Result<Box<dyn Verifier>> {
        let key = key.public()?;
        let (task, size, mut key) = (scheme(key, params)?, 2 * key.curve()?.size, key.at_work());
        let run = move |data: &[u8], signature: &[u8]| {
            key.message(
                &task,
                |context, key| context.digest_verify_init(None, key).and_then(|c| choose(&task, c)),
                ffi::pkey::verify_again,
                |context| {
                    let valid = context.digest_verify(data, signature).unwrap_or(false);
                    if valid { Ok(()) } else { Err(Error::SignatureInvalid) }
                },
            )
        };
        Ok(Box::new(Staged::verifier(MEMORY_LIMIT, size, run).again(params)))
    }
}

#[cfg(test)]
mod tests {
    use super::super::pair_testing::{curve, object, sign, verify};
    use super::*;
    use crate::attribute::Attributes;
    use cryptoki_sys as ck;

    const ED25519: &[u8] = b"\x06\x03\x2b\x65\x70";
    const ED448: &[u8] = b"\x06\x03\x2b\x65\x71";

    fn params(prehash: bool, context: &[u8]) -> Params {
        Params::Eddsa { prehash, context: context.to_vec() }
    }

    fn fixed(oid: &[u8], private: &str, public: &str) -> (Attributes, Attributes) {
        let part = |class, kind, value: &str| {
            let value = hex::decode(value).unwrap();
            object(class, ck::CKK_EC_EDWARDS, [(ck::CKA_EC_PARAMS, oid.into()), (kind, value.into())])
        };
        (
            part(ck::CKO_PUBLIC_KEY, ck::CKA_EC_POINT, public),
            part(ck::CKO_PRIVATE_KEY, ck::CKA_VALUE, private),
        )
    }

    /// The vectors of RFC 8032, section 7: of each scheme one.
    #[test]
    fn each_scheme_is_the_one_of_the_rfc() {
        let ed25519 = fixed(
            ED25519,
            "c5aa8df43f9f837bedb7442f31dcb7b166d38535076f094b85ce3a2e0b4458f7",
            "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        );
        let ed25519ctx = fixed(
            ED25519,
            "0305334e381af78f141cb666f6199f57bc3495335a256a95bd2a55bf546663f6",
            "dfc9425e4f968f7f0c29f0259cf5f9aed6851c2bb4ad8bfb860cfee0ab248292",
        );
        let ed25519ph = fixed(
            ED25519,
            "833fe62409237b9d62ec77587520911e9a759cec1d19755b7da901b96dca3d42",
            "ec172b93ad5e563bf4932c70e1245034c35467ef2efd4d64ebf819683467e2bf",
        );
        for ((public, private), params, message, signature) in [
            (
                &ed25519,
                Params::None,
                &b"\xaf\x82"[..],
                "6291d657deec24024827e69c3abe01a30ce548a284743a445e3680d7db5ac3ac\
                 18ff9b538d16f290ae67f760984dc6594a7c15e9716ed28dc027beceea1ec40a",
            ),
            (
                &ed25519ctx,
                params(false, b"foo"),
                b"\xf7\x26\x93\x6d\x19\xc8\x00\x49\x4e\x3f\xda\xff\x20\xb2\x76\xa8",
                "55a4cc2f70a54e04288c5f4cd1e45a7bb520b36292911876cada7323198dd87a\
                 8b36950b95130022907a7fb7c4e9b2d5f6cca685a587b4b21f4b888e4e7edb0d",
            ),
            (
                &ed25519ph,
                params(true, b""),
                b"abc",
                "98a70222f0b8121aa9d30f813d683f809e462b469c7ff87639499bb94e6dae41\
                 31f85042463c2a355a2003d062adf5aaa10b8c61e636062aaad11c2a26083406",
            ),
        ] {
            let made = sign(ck::CKM_EDDSA, &params, private, message).unwrap();
            assert_eq!(hex::encode(&made), signature);
            assert_eq!(verify(ck::CKM_EDDSA, &params, public, message, &made), Ok(()));
        }
    }

    #[test]
    fn schemes_and_contexts_do_not_mix() {
        for (oid, size) in [(ED25519, 64), (ED448, 114)] {
            let (public, private) = curve(ck::CKK_EC_EDWARDS, oid);
            let all = [
                params(false, b""),
                params(false, b"one"),
                params(false, b"two"),
                params(true, b""),
                params(true, b"one"),
            ];
            for (at, params) in all.iter().enumerate() {
                let signature = sign(ck::CKM_EDDSA, params, &private, b"some message").unwrap();
                assert_eq!(signature.len(), size);
                for (other, params) in all.iter().enumerate() {
                    let checked = verify(ck::CKM_EDDSA, params, &public, b"some message", &signature);
                    let expected = if at == other { Ok(()) } else { Err(Error::SignatureInvalid) };
                    assert_eq!(checked, expected, "{at} {other}");
                }
            }
        }
    }

    #[test]
    fn an_empty_parameter_is_as_good_as_none() {
        for oid in [ED25519, ED448] {
            let (public, private) = curve(ck::CKK_EC_EDWARDS, oid);
            let signature = sign(ck::CKM_EDDSA, &Params::None, &private, b"").unwrap();
            assert_eq!(verify(ck::CKM_EDDSA, &params(false, b""), &public, b"", &signature), Ok(()));
        }
    }

    #[test]
    fn wrong_lengths_contexts_and_points_are_refused() {
        let (public, private) = curve(ck::CKK_EC_EDWARDS, ED25519);
        let signature = sign(ck::CKM_EDDSA, &params(true, &[1; 255]), &private, b"data").unwrap();
        let check = |signature: &[u8]| verify(ck::CKM_EDDSA, &Params::None, &public, b"data", signature);
        assert_eq!(check(&signature[1..]), Err(Error::SignatureLenRange));
        assert_eq!(check(&[&signature[..], &[0]].concat()), Err(Error::SignatureLenRange));
        assert_eq!(check(&[0xff; 64]), Err(Error::SignatureInvalid));
        let too_long = params(false, &[1; 256]);
        assert_eq!(sign(ck::CKM_EDDSA, &too_long, &private, b""), Err(Error::MechanismParamInvalid));
        assert_eq!(
            sign(ck::CKM_EDDSA, &Params::Iv(vec![].into()), &private, b""),
            Err(Error::MechanismParamInvalid)
        );
        let mut no_point = public;
        no_point.set(ck::CKA_EC_POINT, vec![0xff; 32]);
        let checked = verify(ck::CKM_EDDSA, &Params::None, &no_point, b"data", &signature);
        assert_eq!(checked, Err(Error::SignatureInvalid));
    }
}
