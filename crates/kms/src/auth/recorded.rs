//! Credentials kept in the token, as sealed records: whoever can log in to the key store can make them, nobody can read them on a disk.

use std::sync::Arc;
use std::time::Instant;

use super::credentials::{Credential, Credentials};
use super::strangers::Strangers;
use crate::book::{Book, label};
use crate::hsm::Trouble;

/// The credential that one request names, as the token has it now; [`Credentials`] can't fail, a token can.
pub struct Named(Option<Arc<Credential>>);

impl Named {
    /// Looks the access key up, unless `strangers` knows that it was just looked for in vain.
    ///
    /// # Errors
    ///
    /// What the token says when it can't be asked: that is no reason to tell a caller it is unknown.
    pub fn find(book: &Book, strangers: &Strangers, access_key: &str) -> Result<Self, Trouble> {
        // Only what has an access key's form is a name to ask the token for.
        if access_key.is_empty()
            || access_key.len() > 128
            || !access_key.bytes().all(|b| b.is_ascii_alphanumeric())
        {
            return Ok(Self(None));
        }
        if strangers.knows(access_key, Instant::now()) {
            return Ok(Self(None));
        }
        let found = book.read::<Credential>(&label::credential(access_key))?;
        if found.is_none() {
            strangers.note(access_key, Instant::now());
        }
        Ok(Self(found.map(|kept| kept.value)))
    }
}

impl Credentials for Named {
    fn lookup(&self, access_key: &str) -> Option<Arc<Credential>> {
        self.0.clone().filter(|credential| credential.access_key == access_key)
    }
}

/// All credentials in the token, in the order of their access keys.
pub fn all(book: &Book) -> Result<Vec<Arc<Credential>>, Trouble> {
    let names = book.names(label::CREDENTIALS, None, usize::MAX)?;
    let kept = names.iter().map(|name| book.read::<Credential>(name));
    kept.filter_map(Result::transpose).map(|kept| Ok(kept?.value)).collect()
}

/// Keeps a new credential.
pub fn add(book: &Book, credential: &Credential) -> Result<(), Trouble> {
    book.create(&label::credential(&credential.access_key), credential).map(drop)
}

/// Removes a credential; whether there was one.
pub fn remove(book: &Book, access_key: &str) -> Result<bool, Trouble> {
    let name = label::credential(access_key);
    match book.read::<Credential>(&name)? {
        Some(kept) => book.remove(&name, kept.object).map(|()| true),
        None => Ok(false),
    }
}
