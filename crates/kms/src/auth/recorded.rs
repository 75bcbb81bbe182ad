//! Credentials kept in the token, as sealed records: whoever can log in to the key store can make them, nobody can read them on a disk.

use std::sync::Arc;

use super::credentials::{Credential, Credentials};
use crate::book::{Book, label};
use crate::hsm::Trouble;

/// The credential that one request names, as the token has it now; [`Credentials`] can't fail, a token can.
pub struct Named(Option<Arc<Credential>>);

impl Named {
    /// Looks the access key up.
    ///
    /// # Errors
    ///
    /// What the token says when it can't be asked: that is no reason to tell a caller it is unknown.
    pub fn find(book: &Book, access_key: &str) -> Result<Self, Trouble> {
        // Only what has an access key's form is a name to ask the token for.
        if access_key.is_empty()
            || access_key.len() > 128
            || !access_key.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return Ok(Self(None));
        }
        Ok(Self(book.read::<Credential>(&label::credential(access_key))?.map(|kept| kept.value)))
    }
}

impl Credentials for Named {
    fn lookup(&self, access_key: &str) -> Option<Arc<Credential>> {
        self.0.clone().filter(|credential| credential.access_key == access_key)
    }
}
