//! A slot and the token in it.

use crate::error::Result;
use crate::token::{Token, TokenInfo};

/// `C_GetSlotInfo`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotInfo {
    /// At most 64 bytes.
    pub description: String,
}

/// `C_GetTokenInfo`: the token's own description and what this process has open on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SlotTokenInfo {
    /// The token's description.
    pub token: TokenInfo,
    /// Open sessions of this process.
    pub sessions: u64,
    /// Those of them that may write.
    pub read_write_sessions: u64,
}

/// One slot; there is a token in each, initialised or not.
pub struct Slot {
    _private: (),
}

impl Slot {
    /// The slot's id.
    pub fn id(&self) -> u64 {
        todo!()
    }

    /// `C_GetSlotInfo`.
    pub fn info(&self) -> SlotInfo {
        todo!()
    }

    /// `C_GetTokenInfo`.
    pub fn token_info(&self) -> Result<SlotTokenInfo> {
        todo!()
    }

    /// The token itself, for the command line's own uses.
    pub fn token(&self) -> &dyn Token {
        todo!()
    }

    /// `C_InitToken`; `label` without padding.
    pub fn init_token(&self, pin: &[u8], label: &str) -> Result<()> {
        let _ = (pin, label);
        todo!()
    }
}
