//! Whether a request is signed with one of a prefix's access keys.

use super::credentials::Credential;
use http::request::Parts;
use std::time::SystemTime;

/// Checks signatures.
pub trait Authenticator: Send + Sync + 'static {
    /// The access key id that signed, or why the signature does not count: a text without secrets.
    fn authenticate(
        &self,
        request: &Parts,
        body: &[u8],
        credentials: &[Credential],
        now: SystemTime,
    ) -> Result<String, String>;
}
