//! Halves of key pairs, and with each the contexts that are set up with it: to set one up anew costs a tenth of a signature with P-256.

use super::curves::Curve;
use super::rsa_block::Scheme;
use crate::crypto::unexpected;
use crate::error::Result;
use once_cell::sync::OnceCell;
use openssl::error::ErrorStack;
use openssl::md_ctx::{MdCtx, MdCtxRef};
use openssl::pkey::{HasParams, PKey, PKeyRef};
use openssl::pkey_ctx::{PkeyCtx, PkeyCtxRef};
use parking_lot::Mutex;
use std::ffi::CStr;
use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Contexts that one key keeps at most: as many threads use it at once without setting one up again.
const MOST: usize = 4;

/// What a context is set up for.
#[derive(Clone, PartialEq, Eq)]
pub(super) enum Task {
    /// A signature or its check with ECDSA, over a digest.
    Ecdsa,
    /// The same with EdDSA, over a message: OpenSSL's name of the scheme, and the context string.
    Eddsa(&'static CStr, Vec<u8>),
    /// A signature or its check with RSA.
    RsaSignature(Scheme),
    /// An encryption or decryption with RSA.
    RsaCipher(Scheme),
    /// The agreement on a secret.
    Agreement,
    /// An encapsulation or its opening.
    Encapsulation,
}

/// A half of a key pair. Copies share what is kept with it, which goes with the last of them.
pub struct PairKey<T>(Arc<Half<T>>);

struct Half<T> {
    key: PKey<T>,
    curve: OnceCell<&'static Curve>,
    /// Contexts at rest. Each thread begins to look at a place of its own, so that threads that share a key don't wait for each other's memory.
    idle: [Mutex<Option<Kept<T>>>; MOST],
}

/// A context, and what it is set up for.
struct Kept<T> {
    task: Task,
    context: Context<T>,
}

enum Context<T> {
    /// For one block.
    Block(PkeyCtx<T>),
    /// For messages.
    Message(MdCtx),
}

impl<T> From<PKey<T>> for PairKey<T> {
    fn from(key: PKey<T>) -> Self {
        PairKey(Arc::new(Half { key, curve: OnceCell::new(), idle: Default::default() }))
    }
}

impl<T> Clone for PairKey<T> {
    fn clone(&self) -> Self {
        PairKey(self.0.clone())
    }
}

impl<T> Deref for PairKey<T> {
    type Target = PKeyRef<T>;
    fn deref(&self) -> &PKeyRef<T> {
        &self.0.key
    }
}

impl<T: HasParams> PairKey<T> {
    /// The curve of the key; one that is on none is `KeyTypeInconsistent`.
    pub(super) fn curve(&self) -> Result<&'static Curve> {
        self.0.curve.get_or_try_init(|| Curve::of(&self.0.key)).copied()
    }
}

impl<T> PairKey<T> {
    /// Does `work` with a context for one block. `set_up`: what a new one is told, once; what it is told must depend on `task` alone, and `work` must
    /// leave nothing behind that changes what comes next.
    pub(super) fn block<R>(
        &self,
        task: &Task,
        set_up: impl FnOnce(&mut PkeyCtxRef<T>) -> Result<()>,
        work: impl FnOnce(&mut PkeyCtxRef<T>) -> Result<R>,
    ) -> Result<R> {
        let (task, mut context) = match self.take(task) {
            Some(Kept { task, context: Context::Block(context) }) => (task, context),
            _ => {
                let mut context = PkeyCtx::new(&self.0.key).map_err(unexpected)?;
                set_up(&mut context)?;
                (task.clone(), context)
            }
        };
        // One that something went wrong with is not used again.
        let result = work(&mut context)?;
        self.give_back(Kept { task, context: Context::Block(context) });
        Ok(result)
    }

    /// Does `work` with a context for one message. `set_up`: as for [`PairKey::block`]; `again`: begins another message with the same settings.
    pub(super) fn message<R>(
        &self,
        task: &Task,
        set_up: impl FnOnce(&mut MdCtxRef, &PKeyRef<T>) -> std::result::Result<(), ErrorStack>,
        again: impl FnOnce(&mut MdCtxRef) -> std::result::Result<(), ErrorStack>,
        work: impl FnOnce(&mut MdCtxRef) -> Result<R>,
    ) -> Result<R> {
        let (task, mut context) = match self.take(task) {
            Some(Kept { task, context: Context::Message(mut context) }) => {
                again(&mut context).map_err(unexpected)?;
                (task, context)
            }
            _ => {
                let mut context = MdCtx::new().map_err(unexpected)?;
                set_up(&mut context, &self.0.key).map_err(unexpected)?;
                (task.clone(), context)
            }
        };
        let result = work(&mut context)?;
        self.give_back(Kept { task, context: Context::Message(context) });
        Ok(result)
    }

    /// A context at rest that is set up for `task`.
    fn take(&self, task: &Task) -> Option<Kept<T>> {
        self.places().find_map(|place| place.lock().take_if(|kept| kept.task == *task))
    }

    /// Keeps a context, if need be in the place of one for another task.
    fn give_back(&self, kept: Kept<T>) {
        let mut kept = Some(kept);
        for place in self.places() {
            let mut place = place.lock();
            if place.is_none() {
                *place = kept.take();
                return;
            }
        }
        if let Some(own) = self.places().next() {
            std::mem::swap(&mut *own.lock(), &mut kept);
        }
    }

    /// The places for contexts, from the thread's own on.
    fn places(&self) -> impl Iterator<Item = &Mutex<Option<Kept<T>>>> {
        let own = OWN.with(|own| *own);
        (own..own + MOST).filter_map(|at| self.0.idle.get(at % MOST))
    }
}

thread_local! {
    /// Where this thread begins to look: threads take turns.
    static OWN: usize = {
        static NEXT: AtomicUsize = AtomicUsize::new(0);
        NEXT.fetch_add(1, Ordering::Relaxed) % MOST
    };
}

#[cfg(test)]
mod tests {
    use super::super::Params;
    use super::super::pair_testing::{curve, rsa, sign, verify};
    use super::super::{Key, Material, registry};
    use super::*;
    use crate::error::Error;
    use cryptoki_sys as ck;

    /// One key for many operations, by one thread after the other: each finds the contexts of those before.
    #[test]
    fn contexts_used_before_for_other_tasks_and_after_errors_work_as_new_ones() {
        let pss = |salt_length| {
            let hash = crate::crypto::Hash::Sha256;
            Params::Pss { hash, mgf: hash, salt_length }
        };
        let tasks = [
            (ck::CKM_SHA256_RSA_PKCS, Params::None),
            (ck::CKM_SHA384_RSA_PKCS, Params::None),
            (ck::CKM_SHA256_RSA_PKCS_PSS, pss(32)),
            (ck::CKM_SHA256_RSA_PKCS_PSS, pss(20)),
            (ck::CKM_SHA512_RSA_PKCS, Params::None),
            (ck::CKM_RSA_PKCS, Params::None),
        ];
        let (public, private) = rsa();
        let (half, whole) =
            (Material::from_attributes(public).unwrap(), Material::from_attributes(private).unwrap());
        for round in 0..3u8 {
            for (id, params) in &tasks {
                let family = registry::find(*id).unwrap().family;
                let signing = Key { attributes: private, material: &whole };
                let mut signer = family.sign(signing, params).unwrap();
                let mut signature = vec![0; signer.size()];
                signer.update(&[round; 20]).unwrap();
                signer.finish(&mut signature).unwrap();
                assert_eq!(
                    verify(*id, params, public, &[round; 20], &signature),
                    Ok(()),
                    "another key object"
                );
                let check = |signature: &[u8]| {
                    let mut verifier =
                        family.verify(Key { attributes: public, material: &half }, params).unwrap();
                    verifier.update(&[round; 20]).unwrap();
                    verifier.finish(signature)
                };
                assert_eq!(check(&signature), Ok(()));
                assert!(check(&[round; 256]).is_err());
                assert_eq!(check(&signature), Ok(()), "after one that was wrong");
            }
        }
    }

    #[test]
    fn a_kept_context_signs_each_message_for_itself() {
        let (public, private) = curve(ck::CKK_EC_EDWARDS, b"\x06\x03\x2b\x65\x70");
        let material = Material::from_attributes(&private).unwrap();
        let family = registry::find(ck::CKM_EDDSA).unwrap().family;
        for message in [&b"one"[..], b"another", b"", b"one"] {
            let mut signer =
                family.sign(Key { attributes: &private, material: &material }, &Params::None).unwrap();
            let mut signature = [0; 64];
            signer.update(message).unwrap();
            signer.finish(&mut signature).unwrap();
            assert_eq!(signature[..], sign(ck::CKM_EDDSA, &Params::None, &private, message).unwrap());
            assert_eq!(verify(ck::CKM_EDDSA, &Params::None, &public, message, &signature), Ok(()));
        }
    }

    #[test]
    fn no_more_are_kept_than_there_are_places_and_the_latest_is() {
        let Material::Private(key) = Material::from_attributes(&rsa().1).unwrap() else { panic!() };
        let task = |salt_length| {
            let hash = crate::crypto::Hash::Sha256;
            Task::RsaSignature(Scheme::Pss { hash, mgf: hash, salt_length })
        };
        let set_up = |fresh: &mut bool| {
            *fresh = true;
            Ok(())
        };
        let is_fresh = |task: &Task| {
            let mut fresh = false;
            key.block(task, |_| set_up(&mut fresh), |_| Ok(())).unwrap();
            fresh
        };
        assert!((0..MOST + 2).all(|salt| is_fresh(&task(salt))));
        assert!(!is_fresh(&task(MOST + 1)));
        let failed = key.block(&task(MOST + 1), |_| Ok(()), |_| Err::<(), _>(Error::FunctionFailed));
        assert_eq!(failed, Err(Error::FunctionFailed));
        assert!(is_fresh(&task(MOST + 1)), "it failed and was kept");
    }
}
