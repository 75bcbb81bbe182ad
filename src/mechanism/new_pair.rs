//! New key pairs, as mechanisms hand them out.

use crate::attribute::Parts;
use openssl::pkey::{PKey, Private};

/// A new pair: what the mechanism contributes to both objects.
pub struct NewPair {
    /// To the public key.
    pub public: Parts,
    /// To the private key.
    pub private: Parts,
    /// The private key itself, if it was kept as it was made.
    pub key: Option<PKey<Private>>,
}

impl NewPair {
    /// A pair of which these attributes are all.
    pub fn new(public: impl Into<Parts>, private: impl Into<Parts>) -> NewPair {
        NewPair { public: public.into(), private: private.into(), key: None }
    }
}
