//! Objects that are the same for every token: the profiles that the module claims (PKCS#11 3.2, section 4.14) and its mechanisms
//! (section 4.13). They are read, and nothing else.
//!
//! They turn up only in searches that ask for their class: older programs take whatever a search finds for a key, a certificate or data.
//! There are no hardware features (section 4.3), for a token has neither a clock nor buttons of its own, and no validations (section 4.15).

use super::Handle;
use super::handles;
use crate::attribute::{Attributes, Value};
use crate::mechanism::{Row, registry};
use crate::object::template;
use cryptoki_sys as ck;
use std::collections::BTreeMap;
use std::sync::OnceLock;

/// A profile of "PKCS #11 Profiles 3.2", section 5.
pub struct Profile {
    /// The `CKP_` number.
    pub number: u64,
    /// The `CKP_` name.
    pub name: &'static str,
    /// A mechanism (`CKM_`) without which it is not claimed.
    pub needs: Option<u64>,
    /// Why it is not claimed at all.
    pub refused: Option<&'static str>,
}

/// Every profile for providers.
pub static PROFILES: &[Profile] = &[
    profile(ck::CKP_BASELINE_PROVIDER, "CKP_BASELINE_PROVIDER"),
    profile(ck::CKP_EXTENDED_PROVIDER, "CKP_EXTENDED_PROVIDER"),
    profile(ck::CKP_AUTHENTICATION_TOKEN, "CKP_AUTHENTICATION_TOKEN"),
    profile(ck::CKP_PUBLIC_CERTIFICATES_TOKEN, "CKP_PUBLIC_CERTIFICATES_TOKEN"),
    Profile {
        refused: Some(
            "it asks for every mechanism of the standard, broken ones of the last century among them",
        ),
        ..profile(ck::CKP_COMPLETE_PROVIDER, "CKP_COMPLETE_PROVIDER")
    },
    Profile { needs: Some(ck::CKM_HKDF_DATA), ..profile(ck::CKP_HKDF_TLS_TOKEN, "CKP_HKDF_TLS_TOKEN") },
];

const fn profile(number: u64, name: &'static str) -> Profile {
    Profile { number, name, needs: None, refused: None }
}

impl Profile {
    /// Whether the module claims it.
    pub fn is_claimed(&self) -> bool {
        self.refused.is_none() && self.needs.is_none_or(|mechanism| registry::find(mechanism).is_some())
    }
}

/// The fixed objects of one slot. Their handles are made when they are first looked for.
#[derive(Default)]
pub(super) struct Fixed(OnceLock<BTreeMap<Handle, Attributes>>);

impl Fixed {
    /// The object behind a handle, if it is one of these.
    pub fn get(&self, handle: Handle) -> Option<&Attributes> {
        self.0.get()?.get(&handle)
    }

    /// Those that match a search, in a slot that offers these mechanisms.
    pub fn find(&self, searched: &Attributes, offered: impl Iterator<Item = &'static Row>) -> Vec<Handle> {
        if !matches!(searched.ulong(ck::CKA_CLASS), Some(ck::CKO_PROFILE | ck::CKO_MECHANISM)) {
            return Vec::new();
        }
        let all = self.0.get_or_init(|| objects(offered).map(|object| (handles::fresh(), object)).collect());
        let matching =
            |(handle, object): (&Handle, &Attributes)| template::matches(object, searched).then_some(*handle);
        all.iter().filter_map(matching).collect()
    }
}

/// All of them.
fn objects(offered: impl Iterator<Item = &'static Row>) -> impl Iterator<Item = Attributes> {
    let profiles = PROFILES
        .iter()
        .filter(|profile| profile.is_claimed())
        .map(|profile| object(ck::CKO_PROFILE, ck::CKA_PROFILE_ID, profile.number, profile.name));
    let mechanisms = offered.map(|row| object(ck::CKO_MECHANISM, ck::CKA_MECHANISM_TYPE, row.id, row.name));
    profiles.chain(mechanisms)
}

/// A public token object that stays as it is.
fn object(class: u64, kind: u64, number: u64, name: &'static str) -> Attributes {
    let text = |text: &str| Value::from(text.as_bytes());
    let mut object = Attributes::new();
    object.set(ck::CKA_CLASS, class);
    object.set(kind, number);
    object.set(ck::CKA_LABEL, text(name));
    object.set(ck::CKA_UNIQUE_ID, text(&format!("cloister {name}")));
    object.set(ck::CKA_TOKEN, true);
    for no in [ck::CKA_PRIVATE, ck::CKA_MODIFIABLE, ck::CKA_COPYABLE, ck::CKA_DESTROYABLE] {
        object.set(no, false);
    }
    object
}
