//! Templates checked and completed.

use crate::attribute::Attributes;
use crate::error::Result;
use crate::pin::Role;

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

/// A token's choices that decide what an object becomes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Defaults {
    /// What usage flags are when a template leaves them out: true where the key type allows, or false (CloudHSM's way).
    pub usage: bool,
}

/// Checks a caller's template for a new object before anything is computed. `role`: who asks. `base`: class and key type where the function or mechanism
/// fixes them (`CKM_AES_KEY_GEN` makes `CKO_SECRET_KEY`, `CKK_AES`); the template may repeat but not contradict them (`TemplateInconsistent`).
/// The answer is the template with those added.
pub fn begin(
    origin: Origin,
    role: Option<Role>,
    base: &Attributes,
    template: &Attributes,
) -> Result<Attributes> {
    let _ = (origin, role, base, template);
    todo!()
}

/// Completes a new object: `begun` from [`begin`], `made` what the mechanism, the unwrapped key or the derivation contributed. All defaults and the attributes that only a
/// token sets (`CKA_LOCAL`, `CKA_ALWAYS_SENSITIVE`, `CKA_NEVER_EXTRACTABLE`, `CKA_KEY_GEN_MECHANISM`, `CKA_UNIQUE_ID` apart) are in the answer.
pub fn finish(origin: Origin, defaults: Defaults, begun: Attributes, made: Attributes) -> Result<Attributes> {
    let _ = (origin, defaults, begun, made);
    todo!()
}

/// Checks changes to an object with all its attributes `object` (`C_SetAttributeValue`) and answers the object as it will be.
pub fn change(role: Option<Role>, object: &Attributes, changes: &Attributes) -> Result<Attributes> {
    let _ = (role, object, changes);
    todo!()
}

/// Checks a copy's template and answers the copy's attributes (`C_CopyObject`).
pub fn copy(role: Option<Role>, object: &Attributes, template: &Attributes) -> Result<Attributes> {
    let _ = (role, object, template);
    todo!()
}

/// Whether `object`'s attributes match all of `template`; secret ones never do.
pub fn matches(object: &Attributes, template: &Attributes) -> bool {
    template.iter().all(|(kind, value)| object.get(kind) == Some(value))
}

/// TEMPORARY until merge.
pub fn impose(_of_key: &Attributes, _template: &Attributes) -> Result<Attributes> {
    todo!()
}
/// TEMPORARY until merge.
pub fn satisfies(_of_key: &Attributes, _key: &Attributes) -> bool {
    todo!()
}
/// TEMPORARY until merge.
pub fn in_validity(_attributes: &Attributes, _today: &str) -> bool {
    todo!()
}
