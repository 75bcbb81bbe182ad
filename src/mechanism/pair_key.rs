//! Halves of key pairs, and with each the contexts that are set up with it: to set one up anew costs as much as checking a signature of Ed25519
//! costs a tenth of, and more than a tenth of what a signature with P-256 does.

use super::rsa_block::Scheme;
use crate::crypto::unexpected;
use crate::error::Result;
use openssl::error::ErrorStack;
use openssl::md_ctx::{MdCtx, MdCtxRef};
use openssl::pkey::{PKey, PKeyRef};
use openssl::pkey_ctx::{PkeyCtx, PkeyCtxRef};
use parking_lot::Mutex;
use std::ffi::CStr;
use std::ops::Deref;
use std::sync::Arc;

/// Contexts of a kind that one key keeps at most: as many threads use it at once without setting one up again.
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
    /// Contexts for one block, at rest.
    blocks: Idle<PkeyCtx<T>>,
    /// Contexts for messages, at rest.
    messages: Idle<MdCtx>,
}

type Idle<C> = Mutex<Vec<(Task, C)>>;

impl<T> From<PKey<T>> for PairKey<T> {
    fn from(key: PKey<T>) -> Self {
        PairKey(Arc::new(Half { key, blocks: Idle::default(), messages: Idle::default() }))
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

impl<T> PairKey<T> {
    /// Does `work` with a context for one block. `set_up`: what a new one is told, once; what it is told must depend on `task` alone, and `work` must
    /// leave nothing behind that changes what comes next.
    pub(super) fn block<R>(
        &self,
        task: &Task,
        set_up: impl FnOnce(&mut PkeyCtxRef<T>) -> Result<()>,
        work: impl FnOnce(&mut PkeyCtxRef<T>) -> Result<R>,
    ) -> Result<R> {
        let mut kept = match take(&self.0.blocks, task) {
            Some(kept) => kept,
            None => {
                let mut context = PkeyCtx::new(&self.0.key).map_err(unexpected)?;
                set_up(&mut context)?;
                (task.clone(), context)
            }
        };
        // One that something went wrong with is not used again.
        let result = work(&mut kept.1)?;
        give_back(&self.0.blocks, kept);
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
        let mut kept = match take(&self.0.messages, task) {
            Some(mut kept) => {
                again(&mut kept.1).map_err(unexpected)?;
                kept
            }
            None => {
                let mut context = MdCtx::new().map_err(unexpected)?;
                set_up(&mut context, &self.0.key).map_err(unexpected)?;
                (task.clone(), context)
            }
        };
        let result = work(&mut kept.1)?;
        give_back(&self.0.messages, kept);
        Ok(result)
    }
}

fn take<C>(idle: &Idle<C>, task: &Task) -> Option<(Task, C)> {
    let mut idle = idle.lock();
    let at = idle.iter().position(|(kept, _)| kept == task)?;
    Some(idle.swap_remove(at))
}

fn give_back<C>(idle: &Idle<C>, kept: (Task, C)) {
    let mut idle = idle.lock();
    if idle.len() < MOST {
        idle.push(kept);
    }
}
