//! Logging in and out, and PINs.

use super::active::Active;
use super::place::Place;
use super::{Session, SessionInfo, Work};
use crate::error::{Error, Result};
use crate::pin::{Credentials, DEFAULT_USER, Role};
use cryptoki_sys as ck;

/// `CKU_` of `C_Login`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UserType {
    /// `CKU_SO`.
    Officer,
    /// `CKU_USER`.
    User,
    /// `CKU_CONTEXT_SPECIFIC`.
    ContextSpecific,
}

impl UserType {
    fn role(self) -> Option<Role> {
        match self {
            UserType::Officer => Some(Role::Officer),
            UserType::User => Some(Role::User),
            UserType::ContextSpecific => None,
        }
    }
}

impl Session {
    /// `C_GetSessionInfo`.
    pub fn info(&self) -> Result<SessionInfo> {
        drop(self.work()?);
        let holding = self.ticket().filter(|ticket| self.slot.token().holds(ticket));
        let role = holding.map(|ticket| ticket.role());
        let state = match (role, self.read_write) {
            (None, false) => ck::CKS_RO_PUBLIC_SESSION,
            (None, true) => ck::CKS_RW_PUBLIC_SESSION,
            (Some(Role::User), false) => ck::CKS_RO_USER_FUNCTIONS,
            (Some(Role::User), true) => ck::CKS_RW_USER_FUNCTIONS,
            (Some(Role::Officer), _) => ck::CKS_RW_SO_FUNCTIONS,
        };
        Ok(SessionInfo { slot: self.slot.id(), state, read_write: self.read_write })
    }

    /// `C_Login`.
    pub fn login(&self, user: UserType, pin: &[u8]) -> Result<()> {
        match user.role() {
            Some(role) => self.slot.login(self.handle, role, &Credentials::from_pin(role, pin)),
            None => self.confirm(pin),
        }
    }

    /// `C_LoginUser`.
    pub fn login_user(&self, user: UserType, name: &[u8], pin: &[u8]) -> Result<()> {
        match user.role() {
            Some(role) => self.slot.login(self.handle, role, &Credentials::from_parts(role, name, pin)?),
            None => match self.ticket() {
                Some(ticket) if name.is_empty() || name == ticket.user().as_bytes() => self.confirm(pin),
                Some(_) => Err(Error::PinIncorrect),
                None => Err(Error::UserNotLoggedIn),
            },
        }
    }

    /// The PIN once more, for the operation that waits for it (`CKA_ALWAYS_AUTHENTICATE`).
    fn confirm(&self, pin: &[u8]) -> Result<()> {
        let mut work = self.work()?;
        let Work { operations, messages, .. } = &mut *work;
        let waiting = operations
            .iter_mut()
            .filter_map(Place::get)
            .find(|active| active.waits_for_pin())
            .or_else(|| messages.waiting())
            .ok_or(Error::OperationNotInitialized)?;
        let ticket = self.ticket().ok_or(Error::UserNotLoggedIn)?;
        let given = own_credentials(ticket.role(), ticket.user(), pin);
        if given.name != ticket.user() {
            return Err(Error::PinIncorrect);
        }
        let confirmed = self.slot.token().confirm(&ticket, &given.password)?;
        Active::resume(waiting, self.slot.token(), &confirmed)
    }

    /// `C_Logout`.
    pub fn logout(&self) -> Result<()> {
        drop(self.work()?);
        self.slot.logout()
    }

    /// `C_InitPIN`.
    pub fn init_pin(&self, pin: &[u8]) -> Result<()> {
        drop(self.work()?);
        let officer = self.ticket().filter(|ticket| ticket.role() == Role::Officer);
        let officer = officer.ok_or(Error::UserNotLoggedIn)?;
        self.slot.token().init_pin(Some(&officer), &Credentials::from_pin(Role::User, pin))
    }

    /// `C_SetPIN`: the PIN of whoever is logged in, or of the user that `old` names.
    pub fn set_pin(&self, old: &[u8], new: &[u8]) -> Result<()> {
        drop(self.work()?);
        self.require_read_write()?;
        let ticket = self.ticket();
        let role = ticket.as_ref().map_or(Role::User, |ticket| ticket.role());
        let old = match &ticket {
            Some(ticket) => own_credentials(role, ticket.user(), old),
            None => Credentials::from_pin(role, old),
        };
        let renewed = new_credentials(role, &old.name, new)?;
        self.slot.token().set_pin(role, &old, &renewed.password)?;
        match ticket {
            Some(ticket) if ticket.user() == old.name => self.slot.renew_login(&ticket, &renewed),
            _ => Ok(()),
        }
    }
}

/// A PIN given by a user who is logged in: with the name in front, or without it.
fn own_credentials(role: Role, name: &str, pin: &[u8]) -> Credentials {
    let given = Credentials::from_pin(role, pin);
    let plain = given.password.as_slice() == pin;
    if plain { Credentials { name: name.to_owned(), ..given } } else { given }
}

/// A user's new PIN: with the name in front, or without it. `PinInvalid` if it names another user, for then it could not be
/// used to log in.
fn new_credentials(role: Role, name: &str, new: &[u8]) -> Result<Credentials> {
    let given = Credentials::from_pin(role, new);
    let named = given.password.as_slice() != new;
    if given.name == name {
        return Ok(given);
    }
    if named && (name == role.default_name() || name == DEFAULT_USER) {
        return Err(Error::PinInvalid);
    }
    Credentials::from_parts(role, name.as_bytes(), new)
}
