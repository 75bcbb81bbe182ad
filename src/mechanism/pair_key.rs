//! Halves of key pairs, and with each the contexts that are set up with it: to set one up anew costs a tenth of a signature with P-256.

use super::curves::Curve;
use super::rsa_block::Scheme;
use crate::crypto::ffi::pkey::copy;
use crate::crypto::{Places, this_thread, unexpected};
use crate::error::{Error, Result};
use once_cell::sync::OnceCell;
use openssl::error::ErrorStack;
use openssl::md_ctx::{MdCtx, MdCtxRef};
use openssl::pkey::{HasParams, PKey, PKeyRef};
use openssl::pkey_ctx::{PkeyCtx, PkeyCtxRef};
use std::ffi::CStr;
use std::ops::Deref;
use std::sync::Arc;

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
    /// Who has made it, in whose memory it is.
    maker: usize,
    curve: OnceCell<&'static Curve>,
    /// Contexts at rest.
    idle: Places<Kept<T>>,
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
        let maker = this_thread();
        PairKey(Arc::new(Half { key, maker, curve: OnceCell::new(), idle: Places::new() }))
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
    /// The key for a new context of this thread's. Keys on curves are copied for threads other than their maker, whose own memory lies between a key's numbers:
    /// to fetch again and again what the maker writes beside them would cost a signature's twentieth. Other keys are large or take longer to use, and a copy
    /// of an RSA key would have to be blinded anew.
    fn own(&self, task: &Task) -> PKey<T> {
        let small = matches!(task, Task::Ecdsa | Task::Eddsa(..) | Task::Agreement);
        let copy = if small && self.0.maker != this_thread() { copy(&self.0.key) } else { None };
        copy.unwrap_or_else(|| self.0.key.clone())
    }

    /// The half at work, for one operation after the other.
    pub(super) fn at_work(&self) -> AtWork<T> {
        AtWork { half: self.clone(), kept: None }
    }

    /// As [`AtWork::block`], for one operation alone.
    pub(super) fn block<R>(
        &self,
        task: &Task,
        set_up: impl FnOnce(&mut PkeyCtxRef<T>) -> Result<()>,
        work: impl FnOnce(&mut PkeyCtxRef<T>) -> Result<R>,
    ) -> Result<R> {
        self.at_work().block(task, set_up, work)
    }
}

/// A half at work. It holds on to the context that it has used last, which is kept with the key for others when the work is over.
pub(super) struct AtWork<T> {
    half: PairKey<T>,
    kept: Option<Kept<T>>,
}

impl<T> Deref for AtWork<T> {
    type Target = PKeyRef<T>;
    fn deref(&self) -> &PKeyRef<T> {
        &self.half
    }
}

impl<T> Drop for AtWork<T> {
    fn drop(&mut self) {
        self.give_back();
    }
}

impl<T> AtWork<T> {
    /// Does `work` with a context for one block. `set_up`: what a new one is told, once; what it is told must depend on `task` alone, and `work` must
    /// leave nothing behind that changes what comes next.
    pub(super) fn block<R>(
        &mut self,
        task: &Task,
        set_up: impl FnOnce(&mut PkeyCtxRef<T>) -> Result<()>,
        work: impl FnOnce(&mut PkeyCtxRef<T>) -> Result<R>,
    ) -> Result<R> {
        if !self.has(task) {
            let mut context = PkeyCtx::new(&self.half.own(task)).map_err(unexpected)?;
            set_up(&mut context)?;
            self.kept = Some(Kept { task: task.clone(), context: Context::Block(context) });
        }
        self.run(|context| match context {
            Context::Block(context) => work(context),
            Context::Message(_) => Err(Error::FunctionFailed),
        })
    }

    /// Does `work` with a context for one message. `set_up`: as for [`AtWork::block`]; `again`: begins another message with the same settings.
    pub(super) fn message<R>(
        &mut self,
        task: &Task,
        set_up: impl FnOnce(&mut MdCtxRef, &PKeyRef<T>) -> std::result::Result<(), ErrorStack>,
        again: impl FnOnce(&mut MdCtxRef) -> std::result::Result<(), ErrorStack>,
        work: impl FnOnce(&mut MdCtxRef) -> Result<R>,
    ) -> Result<R> {
        let mut begun = false;
        if !self.has(task) {
            let mut context = MdCtx::new().map_err(unexpected)?;
            set_up(&mut context, &self.half.own(task)).map_err(unexpected)?;
            self.kept = Some(Kept { task: task.clone(), context: Context::Message(context) });
            begun = true;
        }
        self.run(|context| match context {
            Context::Message(context) => {
                if !begun {
                    again(context).map_err(unexpected)?;
                }
                work(context)
            }
            Context::Block(_) => Err(Error::FunctionFailed),
        })
    }

    /// Whether it holds on to a context for `task`, its own or one that was at rest.
    fn has(&mut self, task: &Task) -> bool {
        if self.kept.as_ref().is_none_or(|kept| kept.task != *task) {
            self.give_back();
            self.kept = self.half.0.idle.take(|kept| kept.task == *task);
        }
        self.kept.is_some()
    }

    /// Works with the context that is there. One that something went wrong with, be it a panic, is not used again.
    fn run<R>(&mut self, work: impl FnOnce(&mut Context<T>) -> Result<R>) -> Result<R> {
        let mut kept = self.kept.take().ok_or(Error::FunctionFailed)?;
        let done = work(&mut kept.context)?;
        self.kept = Some(kept);
        Ok(done)
    }

    /// Leaves the context for others, if need be in the place of one for another task.
    fn give_back(&mut self) {
        if let Some(kept) = self.kept.take() {
            self.half.0.idle.leave(kept);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::Params;
    use super::super::pair_testing::{curve, rsa, sign, verify};
    use super::super::{Key, Material, registry};
    use super::*;
    use crate::crypto::PLACES as MOST;
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
    fn a_half_works_in_all_threads_and_not_only_in_its_makers() {
        let pairs = [
            (ck::CKM_ECDSA, curve(ck::CKK_EC, b"\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07")),
            (ck::CKM_EDDSA, curve(ck::CKK_EC_EDWARDS, b"\x06\x03\x2b\x65\x70")),
            (ck::CKM_SHA256_RSA_PKCS, rsa().clone()),
        ];
        for (id, (public, private)) in &pairs {
            let [half, whole] = [public, private].map(|key| Material::from_attributes(key).unwrap());
            let family = registry::find(*id).unwrap().family;
            let work = || {
                let signing = Key { attributes: private, material: &whole };
                let mut signer = family.sign(signing, &Params::None).unwrap();
                let mut signature = vec![0; signer.size()];
                signer.update(&[7; 32]).unwrap();
                signer.finish(&mut signature).unwrap();
                assert_eq!(verify(*id, &Params::None, public, &[7; 32], &signature), Ok(()));
                let checking = Key { attributes: public, material: &half };
                let mut verifier = family.verify(checking, &Params::None).unwrap();
                verifier.update(&[7; 32]).unwrap();
                assert_eq!(verifier.finish(&signature), Ok(()));
            };
            work();
            std::thread::scope(|scope| (0..6).for_each(|_| drop(scope.spawn(work))));
            work();
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
        let work =
            || key.block(&task(MOST + 1), |_| Ok(()), |_| -> Result<()> { panic!("in the midst of it") });
        assert!(std::panic::catch_unwind(std::panic::AssertUnwindSafe(work)).is_err());
        assert!(is_fresh(&task(MOST + 1)), "it panicked and was kept");
    }
}
