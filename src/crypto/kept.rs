//! Secret keys, and with each the cipher contexts that have it already: to set a key up anew for each small message costs more than the message.

use super::cipher::{Algorithm, Direction};
use crate::attribute::Bytes;
use openssl::cipher_ctx::{CipherCtx, CipherCtxRef};
use parking_lot::Mutex;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

/// Contexts that one key keeps at most: as many threads use it at once without setting it up again.
const MOST: usize = 4;

/// The bytes of a secret key. They are wiped with the last of it, and what is kept with them is too.
pub struct SecretKey {
    value: Bytes,
    idle: Arc<Idle>,
}

impl From<Bytes> for SecretKey {
    fn from(value: Bytes) -> Self {
        SecretKey { value, idle: Arc::default() }
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

    /// A context that has this key and is used by nobody, if there is one.
    pub(super) fn take(&self, algorithm: &'static Algorithm, direction: Direction) -> Option<Lent> {
        let mut idle = self.idle.0.lock();
        let fits = |(kept, way, _): &Prepared| std::ptr::eq(*kept, algorithm) && *way == direction;
        let at = idle.iter().position(fits)?;
        let (_, _, context) = idle.swap_remove(at);
        drop(idle);
        Some(self.lend(algorithm, direction, context))
    }

    /// A context that has this key, to be kept when its user is done with it.
    pub(super) fn lend(
        &self,
        algorithm: &'static Algorithm,
        direction: Direction,
        context: CipherCtx,
    ) -> Lent {
        Lent { context: Some(context), home: Some((self.idle.clone(), algorithm, direction)) }
    }
}

/// A context, and what it is ready for.
type Prepared = (&'static Algorithm, Direction, CipherCtx);

#[derive(Default)]
struct Idle(Mutex<Vec<Prepared>>);

/// A cipher context in use. It goes back to its key, if it is of one that keeps its contexts.
pub struct Lent {
    context: Option<CipherCtx>,
    home: Option<(Arc<Idle>, &'static Algorithm, Direction)>,
}

impl From<CipherCtx> for Lent {
    /// One that nobody keeps.
    fn from(context: CipherCtx) -> Self {
        Lent { context: Some(context), home: None }
    }
}

impl Lent {
    /// Whether it goes back to a key, and is like all that do.
    pub(super) fn is_kept(&self) -> bool {
        self.home.is_some()
    }
}

impl Deref for Lent {
    type Target = CipherCtxRef;
    fn deref(&self) -> &CipherCtxRef {
        // invariant: taken out only when it is dropped.
        self.context.as_ref().expect("a context in use")
    }
}

impl DerefMut for Lent {
    fn deref_mut(&mut self) -> &mut CipherCtxRef {
        // invariant: taken out only when it is dropped.
        self.context.as_mut().expect("a context in use")
    }
}

impl Drop for Lent {
    fn drop(&mut self) {
        let (Some(context), Some((idle, algorithm, direction))) = (self.context.take(), self.home.take())
        else {
            return;
        };
        let mut idle = idle.0.lock();
        if idle.len() < MOST {
            idle.push((algorithm, direction, context));
        }
    }
}
