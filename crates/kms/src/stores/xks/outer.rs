//! The outer encryption of keys in an external key store: what KMS has encrypted under the key's own material is encrypted once more by the
//! external key, so that neither side alone can decrypt (developer guide, "Double encryption"). What a blob holds then:
//!
//! | bytes | what |
//! |---|---|
//! | 1 | format, 1 |
//! | 1 | length of the IV |
//! | 12 or 16 | IV |
//! | 16 | tag |
//! | 1 | length of the ciphertext metadata |
//! | to 20 | ciphertext metadata |
//! | 32 | SHA-256 of associated data, metadata, IV, ciphertext and tag |
//! | rest | ciphertext |
//!
//! The hash is what the proxy calls the ciphertext data integrity value. By it, a blob that was changed, or that has another encryption context,
//! is refused before the proxy is asked.

use std::borrow::Cow;

use super::{Asker, Failure};
use crate::api::error::{Fault, Result};
use crate::crypto::blob;
use crate::keys::record::Origin;
use crate::service::{Call, Key, missing_store};
use crate::stores::record::{External, StoreRecord};
use crate::xks::protocol::binding::integrity_value;
use crate::xks::protocol::limits::{AAD_BYTES, IV_BYTES, METADATA_BYTES, TAG_BYTES};
use crate::xks::protocol::messages::{
    AES_GCM, DecryptRequest, DecryptResponse, EncryptRequest, EncryptResponse, RequestMetadata, SHA_256,
};
use crate::xks::protocol::{Operation, Target};

const FORMAT: u8 = 1;
const HASH: usize = 32;

/// Encrypts `inner` by the external key; gives it back as it is if the key is in no external key store.
pub fn seal(call: &Call, key: &Key, aad: &[u8], inner: Vec<u8>) -> Result<Vec<u8>> {
    if key.record.origin != Origin::ExternalKeyStore {
        return Ok(inner);
    }
    let (store, external_key) = store_of(call, key)?;
    let external = external_of(&store)?;
    must_fit(aad)?;
    let request = EncryptRequest {
        request_metadata: metadata(call, key),
        additional_authenticated_data: Some(aad.to_vec().into()),
        plaintext: inner.clone().into(),
        encryption_algorithm: AES_GCM.to_owned(),
        ciphertext_data_integrity_value_algorithm: Some(SHA_256.to_owned()),
    };
    let line = call.service.stores.proxies.line(external).map_err(|failure| refuse(key, &failure))?;
    let answer: EncryptResponse = line
        .ask(external, Target::Key(external_key, Operation::Encrypt), &store.region, &request)
        .map_err(|failure| refuse(key, &failure))?;
    write(&answer, aad, inner.len()).map_err(|failure| refuse(key, &failure))
}

/// Undoes [`seal`].
pub fn open<'a>(call: &Call, key: &Key, aad: &[u8], body: &'a [u8]) -> Result<Cow<'a, [u8]>> {
    if key.record.origin != Origin::ExternalKeyStore {
        return Ok(Cow::Borrowed(body));
    }
    let (store, external_key) = store_of(call, key)?;
    let external = external_of(&store)?;
    let sealed = read(body)
        .filter(|sealed| {
            sealed.hash == integrity_value(aad, sealed.metadata, sealed.iv, sealed.ciphertext, sealed.tag)
        })
        .ok_or_else(blob::invalid)?;
    let request = DecryptRequest {
        request_metadata: metadata(call, key),
        additional_authenticated_data: Some(aad.to_vec().into()),
        ciphertext: sealed.ciphertext.to_vec().into(),
        ciphertext_metadata: (!sealed.metadata.is_empty()).then(|| sealed.metadata.to_vec().into()),
        encryption_algorithm: AES_GCM.to_owned(),
        initialization_vector: sealed.iv.to_vec().into(),
        authentication_tag: sealed.tag.to_vec().into(),
    };
    let line = call.service.stores.proxies.line(external).map_err(|failure| refuse(key, &failure))?;
    let answer: DecryptResponse = line
        .ask(external, Target::Key(external_key, Operation::Decrypt), &store.region, &request)
        .map_err(|failure| refuse(key, &failure))?;
    if answer.plaintext.len() != sealed.ciphertext.len() {
        return Err(refuse(
            key,
            &Failure::Malformed("the plaintext has not the length of the ciphertext".to_owned()),
        ));
    }
    Ok(Cow::Owned(answer.plaintext.to_vec()))
}

fn store_of<'a>(call: &Call, key: &'a Key) -> Result<(std::sync::Arc<StoreRecord>, &'a str)> {
    let record = &key.record;
    let store = record
        .store
        .as_deref()
        .map(|id| call.service.stores.find(&record.account, &record.region, id))
        .transpose()?
        .flatten();
    Ok((store.ok_or_else(missing_store)?.value, record.xks_key.as_deref().unwrap_or_default()))
}

fn external_of(store: &StoreRecord) -> Result<&External> {
    store.external().ok_or_else(missing_store)
}

fn metadata(call: &Call, key: &Key) -> RequestMetadata {
    RequestMetadata {
        kms_key_arn: Some(key.arn.to_string()),
        kms_via_service: call.caller.via_service.clone(),
        ..Asker::of(call, call.operation).metadata()
    }
}

fn must_fit(aad: &[u8]) -> Result<()> {
    if aad.len() <= AAD_BYTES {
        return Ok(());
    }
    Err(crate::stores::rules::invalid(
        "The encryption context is too large for a key in an external key store.",
    ))
}

/// Callers read what kind of failure it was; what the proxy said is in the log.
fn refuse(key: &Key, failure: &Failure) -> Fault {
    tracing::warn!(key = %key.arn, %failure, "an external key can't be used");
    failure.row().use_key.because(format!("{} can't be used: {failure}", key.arn))
}

/// The parts of a blob's body.
#[derive(Debug, PartialEq, Eq)]
struct Sealed<'a> {
    iv: &'a [u8],
    tag: &'a [u8],
    metadata: &'a [u8],
    hash: [u8; HASH],
    ciphertext: &'a [u8],
}

/// The body made of a proxy's answer, which must be as the specification says and whole.
fn write(answer: &EncryptResponse, aad: &[u8], length: usize) -> std::result::Result<Vec<u8>, Failure> {
    let malformed = |what: &str| Err(Failure::Malformed(what.to_owned()));
    let (iv, tag) = (&answer.initialization_vector, &answer.authentication_tag);
    let metadata: &[u8] = answer.ciphertext_metadata.as_deref().unwrap_or_default();
    if !IV_BYTES.contains(&iv.len())
        || tag.len() != TAG_BYTES
        || metadata.len() > METADATA_BYTES
        || answer.ciphertext.len() != length
    {
        return malformed("a part has not the length that the specification says");
    }
    let hash = integrity_value(aad, metadata, iv, &answer.ciphertext, tag);
    if answer.ciphertext_data_integrity_value.as_deref() != Some(&hash[..]) {
        return malformed("the ciphertext data integrity value is wrong");
    }
    let (Ok(iv_length), Ok(metadata_length)) = (u8::try_from(iv.len()), u8::try_from(metadata.len())) else {
        return malformed("a part is too long");
    };
    Ok([&[FORMAT, iv_length][..], iv, tag, &[metadata_length], metadata, &hash, &answer.ciphertext].concat())
}

fn read(body: &[u8]) -> Option<Sealed<'_>> {
    let (&[format, iv_length], rest) = body.split_first_chunk::<2>()?;
    let (iv, rest) = rest.split_at_checked(usize::from(iv_length))?;
    let (tag, rest) = rest.split_at_checked(TAG_BYTES)?;
    let (&[metadata_length], rest) = rest.split_first_chunk::<1>()?;
    let (metadata, rest) = rest.split_at_checked(usize::from(metadata_length))?;
    let (hash, ciphertext) = rest.split_first_chunk::<HASH>()?;
    (format == FORMAT && IV_BYTES.contains(&iv.len())).then_some(Sealed {
        iv,
        tag,
        metadata,
        hash: *hash,
        ciphertext,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer() -> EncryptResponse {
        let (iv, tag, ciphertext, metadata) = ([1; 12], [2; 16], *b"cipher", *b"version 7");
        EncryptResponse {
            ciphertext: ciphertext.to_vec().into(),
            ciphertext_metadata: Some(metadata.to_vec().into()),
            initialization_vector: iv.to_vec().into(),
            authentication_tag: tag.to_vec().into(),
            ciphertext_data_integrity_value: Some(
                integrity_value(b"aad", &metadata, &iv, &ciphertext, &tag).to_vec().into(),
            ),
        }
    }

    #[test]
    fn k84_a_body_keeps_all_that_the_proxy_wants_back() {
        let body = write(&answer(), b"aad", 6).expect("a body");
        let sealed = read(&body).expect("its parts");
        assert_eq!(
            (sealed.iv, sealed.tag, sealed.metadata, sealed.ciphertext),
            (&[1; 12][..], &[2; 16][..], &b"version 7"[..], &b"cipher"[..])
        );
        assert_eq!(read(&body[..40]), None);
        assert_eq!(read(&[&[2], &body[1..]].concat()), None);
    }

    #[test]
    fn k78_an_answer_that_is_not_whole_is_not_kept() {
        type Change = fn(&mut EncryptResponse);
        let changes: [(&str, Change); 7] = [
            ("ciphertext", |answer| answer.ciphertext = b"cipheR".to_vec().into()),
            ("shorter ciphertext", |answer| answer.ciphertext = b"ciphe".to_vec().into()),
            ("metadata", |answer| answer.ciphertext_metadata = None),
            ("long metadata", |answer| answer.ciphertext_metadata = Some(vec![0; 21].into())),
            ("iv", |answer| answer.initialization_vector = vec![1; 13].into()),
            ("tag", |answer| answer.authentication_tag = vec![2; 15].into()),
            ("no integrity value", |answer| answer.ciphertext_data_integrity_value = None),
        ];
        for (what, change) in changes {
            let mut answer = answer();
            change(&mut answer);
            assert!(matches!(write(&answer, b"aad", 6), Err(Failure::Malformed(_))), "{what}");
        }
        assert!(matches!(write(&answer(), b"other", 6), Err(Failure::Malformed(_))));
    }
}
