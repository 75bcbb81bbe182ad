//! Logging in and out, and PINs.

use super::{Session, SessionInfo};
use crate::error::Result;

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

impl Session {
    /// `C_GetSessionInfo`.
    pub fn info(&self) -> Result<SessionInfo> {
        todo!()
    }

    /// `C_Login`.
    pub fn login(&self, user: UserType, pin: &[u8]) -> Result<()> {
        let _ = (user, pin);
        todo!()
    }

    /// `C_LoginUser`.
    pub fn login_user(&self, user: UserType, name: &[u8], pin: &[u8]) -> Result<()> {
        let _ = (user, name, pin);
        todo!()
    }

    /// `C_Logout`.
    pub fn logout(&self) -> Result<()> {
        todo!()
    }

    /// `C_InitPIN`.
    pub fn init_pin(&self, pin: &[u8]) -> Result<()> {
        let _ = pin;
        todo!()
    }

    /// `C_SetPIN`.
    pub fn set_pin(&self, old: &[u8], new: &[u8]) -> Result<()> {
        let _ = (old, new);
        todo!()
    }
}
