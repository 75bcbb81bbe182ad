//! Passwords: Argon2id (RFC 9106) makes a key of one, and that key wraps the token key.

use super::keys::TokenKey;
use super::seal::{self, Secret};
use crate::pin::Role;
use openssl::error::ErrorStack;
use std::fmt;
use zeroize::Zeroizing;

/// Cost of Argon2id, with one lane.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Argon2 {
    /// Memory in KiB, 8 to 4194304.
    pub memory_kib: u32,
    /// Passes over it, 1 to 1024.
    pub passes: u32,
}

impl Argon2 {
    /// Whether it can be computed at all; a damaged or crafted file must not make us ask for terabytes.
    pub(super) fn is_sane(self) -> bool {
        (8..=4 << 20).contains(&self.memory_kib) && (1..=1024).contains(&self.passes)
    }
}

/// Bytes of a salt.
pub(super) const SALT: usize = 16;

/// The token key under a password.
#[derive(Clone, PartialEq, Eq)]
pub struct WrappedKey {
    pub(super) argon2: Argon2,
    pub(super) salt: [u8; SALT],
    pub(super) sealed: Vec<u8>,
}

impl fmt::Debug for WrappedKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("WrappedKey")
    }
}

/// Whose password it is: a wrapped key moved to another user's row does not open.
#[derive(Clone, Copy)]
pub(super) struct Holder<'a> {
    pub(super) serial: &'a str,
    pub(super) role: Role,
    pub(super) name: &'a str,
    pub(super) number: i64,
}

/// What Argon2id makes of a password.
pub(super) struct PasswordKey {
    argon2: Argon2,
    salt: [u8; SALT],
    key: Secret,
}

impl PasswordKey {
    /// For a new password. Takes long: no lock may be held.
    pub(super) fn choose(argon2: Argon2, password: &[u8]) -> Result<Self, ErrorStack> {
        Self::compute(argon2, seal::random()?, password)
    }

    /// For a password to be checked. Takes long: no lock may be held.
    pub(super) fn compute(argon2: Argon2, salt: [u8; SALT], password: &[u8]) -> Result<Self, ErrorStack> {
        let mut key = Zeroizing::new([0; 32]);
        let Argon2 { memory_kib, passes } = argon2;
        openssl::kdf::argon2id(None, password, &salt, None, None, passes, 1, memory_kib, &mut key[..])?;
        Ok(PasswordKey { argon2, salt, key })
    }

    /// Wraps the token key for `holder`.
    pub(super) fn wrap(&self, key: &TokenKey, holder: Holder<'_>) -> Result<WrappedKey, ErrorStack> {
        let sealed = seal::seal(&self.key, &associated(holder), &key.master()[..])?;
        Ok(WrappedKey { argon2: self.argon2, salt: self.salt, sealed })
    }

    /// Opens the token key; `None` if the password is wrong, or the row is not `holder`'s.
    pub(super) fn unwrap(&self, sealed: &[u8], holder: Holder<'_>) -> Option<TokenKey> {
        let opened = seal::open(&self.key, &associated(holder), sealed)?;
        let mut master = Zeroizing::new([0; 32]);
        if opened.len() != master.len() {
            return None;
        }
        master.copy_from_slice(&opened);
        TokenKey::new(&master, holder.serial).ok()
    }
}

fn associated(holder: Holder<'_>) -> Vec<u8> {
    seal::frame(&[
        b"cloister 1 user",
        holder.serial.as_bytes(),
        holder.role.short().as_bytes(),
        holder.name.as_bytes(),
        &holder.number.to_le_bytes(),
    ])
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHEAP: Argon2 = Argon2 { memory_kib: 8, passes: 1 };
    const HOLDER: Holder<'_> = Holder { serial: "01", role: Role::User, name: "cu1", number: 3 };

    #[test]
    fn a_wrapped_key_opens_for_its_password_and_holder_only() {
        let key = TokenKey::generate("01").unwrap();
        let right = PasswordKey::choose(CHEAP, b"right").unwrap();
        let wrapped = right.wrap(&key, HOLDER).unwrap();
        let again = PasswordKey::compute(wrapped.argon2, wrapped.salt, b"right").unwrap();
        assert!(again.unwrap(&wrapped.sealed, HOLDER).is_some_and(|opened| opened.id() == key.id()));

        let wrong = PasswordKey::compute(CHEAP, wrapped.salt, b"wrong").unwrap();
        assert!(wrong.unwrap(&wrapped.sealed, HOLDER).is_none());
        for other in [
            Holder { serial: "02", ..HOLDER },
            Holder { role: Role::Officer, ..HOLDER },
            Holder { name: "cu2", ..HOLDER },
            Holder { number: 4, ..HOLDER },
        ] {
            assert!(again.unwrap(&wrapped.sealed, other).is_none());
        }
    }

    #[test]
    fn costs_that_no_machine_can_pay_are_refused() {
        assert!(CHEAP.is_sane());
        for (memory_kib, passes) in [(7, 1), (u32::MAX, 1), (8, 0), (8, u32::MAX)] {
            assert!(!Argon2 { memory_kib, passes }.is_sane());
        }
    }
}
