//! New key pairs, as mechanisms hand them out.

use super::material::PairType;
use crate::attribute::{AttributeType, Attributes, Late, Parts};
use crate::error::Result;
use openssl::pkey::{PKey, Private};
use std::sync::Arc;

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

    /// A pair of this type whose private key is kept: its attributes of these `kinds`, in ascending order, are read when somebody asks, `told` are
    /// the others. The public key gets nothing that would keep the private one in memory.
    pub(super) fn kept(
        public: Attributes,
        told: Attributes,
        key: PKey<Private>,
        pair: &'static dyn PairType,
        kinds: &'static [AttributeType],
    ) -> NewPair {
        let late = Arc::new(Unread { key: key.clone(), pair, kinds });
        let private = Parts { told, late: Some(late) };
        NewPair { public: public.into(), private, key: Some(key) }
    }
}

/// A private key, and what of it nobody has asked for yet.
struct Unread {
    key: PKey<Private>,
    pair: &'static dyn PairType,
    kinds: &'static [AttributeType],
}

impl Late for Unread {
    fn kinds(&self) -> &'static [AttributeType] {
        self.kinds
    }

    fn tell(&self) -> Result<Attributes> {
        Ok(self.pair.private_parts(&self.key)?.take(self.kinds.iter().copied()))
    }
}
