//! Secret keys, and with each the contexts that have it already: to set a key up anew for each small message costs more than the message.

use super::cipher;
use super::ffi::cipher::Direction;
use super::ffi::mac::Context as MacCtx;
use super::mac;
use crate::attribute::Bytes;
use openssl::cipher_ctx::CipherCtx;
use parking_lot::Mutex;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Contexts of one kind that one key keeps at most: as many threads use it at once without setting it up again.
const MOST: usize = 4;

/// The bytes of a secret key. They are wiped with the last of it, and what is kept with them is too.
pub struct SecretKey {
    value: Bytes,
    ciphers: Arc<Idle<CipherCtx>>,
    macs: Arc<Idle<MacCtx>>,
}

impl From<Bytes> for SecretKey {
    fn from(value: Bytes) -> Self {
        SecretKey { value, ciphers: Arc::default(), macs: Arc::default() }
    }
}

impl Deref for SecretKey {
    type Target = [u8];
    fn deref(&self) -> &[u8] {
        &self.value
    }
}

impl SecretKey {
    /// The bytes alone.
    pub fn into_bytes(self) -> Bytes {
        self.value
    }

    /// The cipher contexts that have this key and are used by nobody.
    pub(super) fn ciphers(&self) -> &Arc<Idle<CipherCtx>> {
        &self.ciphers
    }

    /// The same of MACs.
    pub(super) fn macs(&self) -> &Arc<Idle<MacCtx>> {
        &self.macs
    }
}

/// What a key can keep.
pub trait Keepable {
    /// What it can be ready for.
    type Purpose: PartialEq + Copy;

    /// Makes ready for the next user; whether that worked.
    fn make_ready(&mut self) -> bool;
}

impl Keepable for CipherCtx {
    type Purpose = (cipher::Name, Direction);

    fn make_ready(&mut self) -> bool {
        true // the next initialisation vector does it
    }
}

impl Keepable for MacCtx {
    type Purpose = mac::Name;

    fn make_ready(&mut self) -> bool {
        self.restart().is_ok()
    }
}

/// Contexts that have a key, with what each is ready for.
pub struct Idle<C: Keepable>(Mutex<Vec<(C::Purpose, C)>>);

impl<C: Keepable> Default for Idle<C> {
    fn default() -> Self {
        Idle(Mutex::default())
    }
}

impl<C: Keepable> Idle<C> {
    /// One that is ready for this, if there is one.
    pub(super) fn take(self: &Arc<Self>, purpose: C::Purpose) -> Option<Lent<C>> {
        let mut idle = self.0.lock();
        let at = idle.iter().position(|(ready_for, _)| *ready_for == purpose)?;
        let (_, context) = idle.swap_remove(at);
        drop(idle);
        Some(self.lend(purpose, context))
    }

    /// One that has the key, to be kept when its user is done with it.
    pub(super) fn lend(self: &Arc<Self>, purpose: C::Purpose, context: C) -> Lent<C> {
        Lent { context: Some(context), home: Some((self.clone(), purpose)) }
    }
}

/// A context in use. It goes back to its key, if it is of one that keeps its contexts.
pub struct Lent<C: Keepable> {
    context: Option<C>,
    home: Option<(Arc<Idle<C>>, C::Purpose)>,
}

impl<C: Keepable> From<C> for Lent<C> {
    /// One that nobody keeps.
    fn from(context: C) -> Self {
        Lent { context: Some(context), home: None }
    }
}

impl<C: Keepable> Lent<C> {
    /// Whether it goes back to a key, and is like all that do.
    pub(super) fn is_kept(&self) -> bool {
        self.home.is_some()
    }
}

impl<C: Keepable> Deref for Lent<C> {
    type Target = C;
    fn deref(&self) -> &C {
        // invariant: taken out only when it is dropped.
        self.context.as_ref().expect("a context in use")
    }
}

impl<C: Keepable> DerefMut for Lent<C> {
    fn deref_mut(&mut self) -> &mut C {
        // invariant: taken out only when it is dropped.
        self.context.as_mut().expect("a context in use")
    }
}

impl<C: Keepable> Drop for Lent<C> {
    fn drop(&mut self) {
        let (Some(mut context), Some((idle, purpose))) = (self.context.take(), self.home.take()) else {
            return;
        };
        // Who holds the last of it would make it ready for nobody.
        if Arc::strong_count(&idle) == 1 || !context.make_ready() {
            return;
        }
        let mut idle = idle.0.lock();
        if idle.len() < MOST {
            idle.push((purpose, context));
        }
    }
}
