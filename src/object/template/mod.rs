//! Templates checked and completed: the rules that read the [`schema`].
//!
//! A new object's template becomes a [`Mould`] before anything is computed, and the object a [`Cast`] of it after; an existing one
//! passes [`change`] or [`copy`]. What a key demands of others is in [`impose`], [`satisfies`], [`allows`] and [`in_validity`].

mod begin;
mod modify;
mod mould;
mod policy;
mod value;

use super::schema;
use crate::attribute::Attributes;
use cryptoki_sys as ck;
pub use modify::{change, copy};
pub use mould::{Cast, Mould};
pub use policy::{allows, impose, in_validity, satisfies};

/// How an object comes to be, which decides what its template must and must not hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// `C_CreateObject`.
    Create,
    /// `C_GenerateKey`, `C_GenerateKeyPair` with this mechanism (`CKM_`).
    Generate(u64),
    /// `C_UnwrapKey`.
    Unwrap,
    /// `C_DeriveKey`, from a base key whose history the new key shares.
    Derive {
        /// The base key's `CKA_ALWAYS_SENSITIVE`.
        always_sensitive: bool,
        /// The base key's `CKA_NEVER_EXTRACTABLE`.
        never_extractable: bool,
    },
}

/// What the function or the mechanism fixes of a new object (`CKM_AES_KEY_GEN` makes `CKO_SECRET_KEY`, `CKK_AES`); the template may
/// repeat but not contradict it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fixed {
    /// `CKA_CLASS`.
    pub class: Option<u64>,
    /// `CKA_KEY_TYPE`.
    pub key_type: Option<u64>,
    /// `CKA_VALUE_LEN`, in bytes.
    pub length: Option<u64>,
}

impl Fixed {
    fn attributes(self) -> Attributes {
        let all = [
            (ck::CKA_CLASS, self.class),
            (ck::CKA_KEY_TYPE, self.key_type),
            (ck::CKA_VALUE_LEN, self.length),
        ];
        all.into_iter().filter_map(|(kind, value)| Some((kind, value?))).collect()
    }
}

/// A token's choices that decide what an object becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// What usage flags are when a template leaves them out: true where the key type allows, or false
    /// (CloudHSM's way).
    pub usage: bool,
}

/// Whether `object`'s attributes match all of `template`, as a search asks (section 5.7,
/// `C_FindObjectsInit`). Secret ones never do, whether they could be shown or not: a search must not be a way
/// to guess a key.
pub fn matches(object: &Attributes, template: &Attributes) -> bool {
    let class = object.ulong(ck::CKA_CLASS);
    let secret = |kind| class.is_some_and(|class| schema::is_secret(class, kind));
    template.iter().all(|(kind, value)| !secret(kind) && object.get(kind) == Some(value))
}

#[cfg(test)]
mod tests;
