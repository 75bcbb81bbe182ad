//! What conditions may ask of the front: looked up when a statement asks, not before.

use std::borrow::Cow;
use std::cell::RefCell;

use super::{Ask, Call, Key};
use crate::api::error::{Fault, Result};
use crate::policy::{self, Context, Source, same_but_case};

/// The facts of one request.
pub(super) struct Facts<'a> {
    call: &'a Call<'a>,
    key: Option<&'a Key>,
    ask: &'a Ask<'a>,
    /// Why something couldn't be looked up. A decision that was made without it doesn't count.
    trouble: RefCell<Option<Fault>>,
}

impl<'a> Facts<'a> {
    pub(super) fn new(call: &'a Call<'a>, key: Option<&'a Key>, ask: &'a Ask<'a>) -> Self {
        Self { call, key, ask, trouble: RefCell::default() }
    }

    /// What a look-up gave, or nothing and a note of the trouble.
    pub(super) fn noting<T: Default>(&self, looked_up: Result<T>) -> T {
        looked_up.unwrap_or_else(|fault| {
            self.trouble.replace(Some(fault));
            T::default()
        })
    }

    /// Fails if a look-up failed.
    pub(super) fn all_known(&self) -> Result<()> {
        self.trouble.take().map_or(Ok(()), Err)
    }

    fn of_key(&self, key: &'a Key, asked: policy::Key, part: &str) -> Vec<Cow<'a, str>> {
        use policy::Key as K;
        let record = &key.record;
        let one = |text| vec![Cow::Borrowed(text)];
        match asked {
            K::ResourceTag => {
                part_of(record.tags.iter().map(|(key, value)| (key.as_str(), value.as_str())), part)
            }
            K::CustomerMasterKeySpec | K::KeySpec => one(record.spec.name),
            K::CustomerMasterKeyUsage | K::KeyUsage => one(record.usage.name()),
            K::KeyOrigin => one(record.origin.name()),
            K::MultiRegion => one(flag(record.multi_region.is_some())),
            K::MultiRegionKeyType => record
                .multi_region
                .iter()
                .map(|multi| {
                    Cow::Borrowed(if multi.primary == record.region { "PRIMARY" } else { "REPLICA" })
                })
                .collect(),
            K::ResourceAliases => {
                let aliases = self.noting(self.call.aliases_of(record));
                aliases.iter().map(|alias| Cow::Owned(alias.name.clone())).collect()
            }
            _ => Vec::new(),
        }
    }

    fn of_request(&self, asked: policy::Key, part: &str) -> Vec<Cow<'a, str>> {
        use policy::Key as K;
        let context =
            || self.ask.context.into_iter().flatten().map(|(key, value)| (key.as_str(), value.as_str()));
        let tags = || self.ask.tags.iter().map(|tag| (tag.tag_key.as_str(), tag.tag_value.as_str()));
        match asked {
            K::EncryptionContext => part_of(context(), part),
            K::EncryptionContextKeys => context().map(|(key, _)| Cow::Borrowed(key)).collect(),
            K::RequestTag => part_of(tags(), part),
            K::TagKeys if !self.ask.tags.is_empty() => tags().map(|(key, _)| Cow::Borrowed(key)).collect(),
            K::RequestAlias => {
                self.key.and_then(|key| key.alias.as_deref()).into_iter().map(Cow::Borrowed).collect()
            }
            K::GrantIsForAwsResource => vec![Cow::Borrowed(flag(self.call.caller.via_service.is_some()))],
            _ => {
                let named = self.ask.conditions.iter().filter(|(name, _)| *name == asked.name());
                named.flat_map(|(_, values)| values).map(|value| Cow::Borrowed(value.as_str())).collect()
            }
        }
    }
}

impl Context for Facts<'_> {
    fn values<'a>(&'a self, key: policy::Key, part: &str) -> Vec<Cow<'a, str>> {
        match (key.source(), self.key) {
            (Source::Engine, _) => Vec::new(),
            (Source::Resource, Some(of)) => self.of_key(of, key, part),
            // Of a key that is yet to be made, the request tells.
            (Source::Resource, None) | (Source::Request, _) => self.of_request(key, part),
        }
    }
}

fn part_of<'a>(pairs: impl Iterator<Item = (&'a str, &'a str)>, part: &str) -> Vec<Cow<'a, str>> {
    pairs.filter(|(key, _)| same_but_case(key, part)).map(|(_, value)| Cow::Borrowed(value)).collect()
}

fn flag(flag: bool) -> &'static str {
    if flag { "true" } else { "false" }
}
