//! Who logs in: roles, names and PINs.
//!
//! A PIN of the form `name:password` names a user, as CloudHSM's clients write it; a plain PIN is
//! that of the role's default user.

use crate::error::{Error, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

/// Fewest and most bytes of a password, the user's name apart.
pub const PIN_LENGTHS: std::ops::RangeInclusive<usize> = 4..=255;

/// Most bytes of a user's name (as CloudHSM's: 31).
pub const NAME_MAX: usize = 31;

/// The crypto user that a plain PIN means.
pub const DEFAULT_USER: &str = "user";

/// The crypto officer that a plain PIN means.
pub const DEFAULT_OFFICER: &str = "so";

/// What a user may do (PKCS#11's `CKU_SO` and `CKU_USER`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Role {
    /// CO: manages users, never uses keys.
    Officer,
    /// CU: owns and uses keys, manages nobody.
    User,
}

impl Role {
    /// The name behind a plain PIN.
    pub fn default_name(self) -> &'static str {
        match self {
            Role::Officer => DEFAULT_OFFICER,
            Role::User => DEFAULT_USER,
        }
    }

    /// `CO` or `CU`, as tables and logs show it.
    pub fn short(self) -> &'static str {
        match self {
            Role::Officer => "CO",
            Role::User => "CU",
        }
    }
}

/// A user's name and password, as given at a login or when a PIN is set.
#[derive(Clone)]
pub struct Credentials {
    /// The user's name.
    pub name: String,
    /// The password; wiped when dropped.
    pub password: Zeroizing<Vec<u8>>,
}

impl Credentials {
    /// Reads a PIN as `C_Login` and `C_InitPIN` get it: `name:password`, or the password of
    /// `role`'s default user. What comes before the first colon is a name only if it could be one.
    pub fn from_pin(role: Role, pin: &[u8]) -> Self {
        if let Some(colon) = pin.iter().position(|byte| *byte == b':')
            && let Some(name) = valid_name(&pin[..colon])
        {
            return Credentials::new(name, &pin[colon + 1..]);
        }
        Credentials::new(role.default_name(), pin)
    }

    /// Name and password given apart, as `C_LoginUser` gets them. An empty name is the default user.
    pub fn from_parts(role: Role, name: &[u8], password: &[u8]) -> Result<Self> {
        if name.is_empty() {
            return Ok(Credentials::new(role.default_name(), password));
        }
        let name = valid_name(name).ok_or(Error::PinIncorrect)?;
        Ok(Credentials::new(name, password))
    }

    fn new(name: &str, password: &[u8]) -> Self {
        Credentials { name: name.to_owned(), password: Zeroizing::new(password.to_vec()) }
    }
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Credentials({})", self.name)
    }
}

/// The name, if these bytes can be one: letters, digits, `_`, `-`, `.`, `@`, 1 to 31 of them.
pub fn valid_name(name: &[u8]) -> Option<&str> {
    let allowed = |byte: &u8| byte.is_ascii_alphanumeric() || b"_-.@".contains(byte);
    if name.is_empty() || name.len() > NAME_MAX || !name.iter().all(allowed) {
        return None;
    }
    std::str::from_utf8(name).ok()
}

/// Whether a new password may be used: its length, and UTF-8 as the standard asks.
pub fn check_new_password(password: &[u8]) -> Result<()> {
    if !PIN_LENGTHS.contains(&password.len()) {
        return Err(Error::PinLenRange);
    }
    match std::str::from_utf8(password) {
        Ok(_) => Ok(()),
        Err(_) => Err(Error::PinInvalid),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_pin_is_the_default_users() {
        let plain = Credentials::from_pin(Role::User, b"123456");
        assert_eq!((plain.name.as_str(), plain.password.as_slice()), ("user", &b"123456"[..]));
        assert_eq!(Credentials::from_pin(Role::Officer, b"1234").name, "so");
    }

    #[test]
    fn a_name_ends_at_the_first_colon() {
        let named = Credentials::from_pin(Role::User, b"cu1:se:cret");
        assert_eq!((named.name.as_str(), named.password.as_slice()), ("cu1", &b"se:cret"[..]));
    }

    #[test]
    fn what_cannot_be_a_name_belongs_to_the_password() {
        let odd = Credentials::from_pin(Role::User, b"p w:x");
        assert_eq!((odd.name.as_str(), odd.password.as_slice()), ("user", &b"p w:x"[..]));
    }
}
