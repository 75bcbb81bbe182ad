//! Templates checked lately: who makes many keys makes most of them by the same one.

use super::LocalToken;
use super::access::{self, Who};
use super::ticket::Known;
use crate::attribute::Attributes;
use crate::error::Result;
use crate::object::template::{Defaults, Fixed, Mould, Origin};
use crate::ring::Ring;
use crate::token::Template;
use cryptoki_sys as ck;
use parking_lot::RwLock;
use std::borrow::Cow;
use std::sync::Arc;

/// Moulds kept at most.
const MOST: usize = 8;

/// Bytes of the longest template that is kept.
const LONGEST: u64 = 1 << 12;

/// All that a mould depends on, but for the token's own settings.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Asked {
    origin: Origin,
    who: Who,
    fixed: Fixed,
}

struct Entry {
    asked: Asked,
    template: Attributes,
    mould: Arc<Mould>,
}

/// Moulds by what was asked for. None was made of secrets.
#[derive(Default)]
pub(super) struct Moulds(RwLock<Ring<Entry, MOST>>);

impl Moulds {
    fn find(&self, asked: Asked, template: &Attributes) -> Option<Arc<Mould>> {
        let ring = self.0.read();
        let found = ring.iter().find(|entry| entry.asked == asked && entry.template == *template);
        found.map(|entry| entry.mould.clone())
    }

    /// Keeps one in the place of the eldest, unless its values are nobody's to keep, or it is not likely to be asked for again.
    fn keep(&self, asked: Asked, template: &Attributes, mould: &Arc<Mould>) {
        let holds_values =
            asked.origin == Origin::Create || mould.has_secrets() || template.contains(ck::CKA_VALUE);
        if holds_values || template.size() > LONGEST {
            return;
        }
        let entry = Entry { asked, template: template.clone(), mould: mould.clone() };
        self.0.write().keep(entry);
    }

    /// Forgets all.
    pub fn clear(&self) {
        *self.0.write() = Ring::default();
    }
}

impl LocalToken {
    /// Checks a template, and whether the caller may make such an object at all, before anything is computed.
    pub(super) fn mould(
        &self,
        origin: Origin,
        known: Known<'_>,
        fixed: Fixed,
        template: &Attributes,
    ) -> Result<Arc<Mould>> {
        let asked = Asked { origin, who: known.who(), fixed };
        if let Some(mould) = self.moulds.find(asked, template) {
            return Ok(mould);
        }
        let defaults = Defaults { usage: self.settings.usage_default };
        let mould = Arc::new(Mould::new(origin, known.role(), defaults, fixed, template)?);
        let common = mould.common();
        access::check_making(known.who(), common.ulong(ck::CKA_CLASS), common.bool(ck::CKA_PRIVATE))?;
        self.moulds.keep(asked, template, &mould);
        Ok(mould)
    }

    /// The same with a template that may be used again: the first mould of it stays with it.
    pub(super) fn mould_with<'t>(
        &self,
        origin: Origin,
        known: Known<'_>,
        fixed: Fixed,
        template: &'t Template,
    ) -> Result<Cow<'t, Arc<Mould>>> {
        let asked = Asked { origin, who: known.who(), fixed };
        match template.remembered::<(Asked, Arc<Mould>)>() {
            Some((before, mould)) if *before == asked => Ok(Cow::Borrowed(mould)),
            _ => {
                let mould = self.mould(origin, known, fixed, template)?;
                template.remember((asked, mould.clone()));
                Ok(Cow::Owned(mould))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::attribute::Value;
    use crate::config::TokenSettings;
    use crate::error::Error;
    use crate::pin::{Credentials, Role};
    use crate::token::{Ticket, Token};
    use tempfile::TempDir;

    const GENERATE: Origin = Origin::Generate(ck::CKM_AES_KEY_GEN);
    const AES: Fixed = Fixed { class: Some(ck::CKO_SECRET_KEY), key_type: Some(ck::CKK_AES), length: None };

    struct Fixture {
        _folder: TempDir,
        token: LocalToken,
        user: Arc<dyn Ticket>,
        other: Arc<dyn Ticket>,
    }

    impl Fixture {
        fn new() -> Fixture {
            let folder = tempfile::tempdir().unwrap();
            let cheap = TokenSettings { argon2_memory_kib: 8, argon2_passes: 1, ..TokenSettings::default() };
            let token = LocalToken::new(folder.path().to_owned(), cheap);
            let pin = Credentials::from_pin(Role::Officer, b"officer-pin");
            token.initialize(&pin, "test").unwrap();
            let officer = token.login(Role::Officer, &pin).unwrap();
            let login = |pin: &[u8]| {
                let user = Credentials::from_pin(Role::User, pin);
                token.init_pin(Some(&officer), &user).unwrap();
                token.login(Role::User, &user).unwrap()
            };
            let (user, other) = (login(b"user-pin"), login(b"other:other-pin"));
            Fixture { _folder: folder, token, user, other }
        }

        fn mould(
            &self,
            who: &Arc<dyn Ticket>,
            origin: Origin,
            fixed: Fixed,
            template: &Attributes,
        ) -> Result<Arc<Mould>> {
            let store = self.token.store()?;
            self.token.mould(origin, self.token.know(&store, Some(who))?, fixed, template)
        }

        fn kept(&self) -> usize {
            self.token.moulds.0.read().iter().len()
        }
    }

    fn named(name: &[u8]) -> Attributes {
        [(ck::CKA_VALUE_LEN, Value::from(32)), (ck::CKA_LABEL, Value::from(name))].into_iter().collect()
    }

    #[test]
    fn a_template_that_was_checked_is_not_checked_again_until_the_logout() {
        let it = Fixture::new();
        let ask = || it.mould(&it.user, GENERATE, AES, &named(b"one")).unwrap();
        let first = ask();
        assert!(Arc::ptr_eq(&first, &ask()));
        it.token.logout(&it.user);
        assert!(it.kept() == 0 && !Arc::ptr_eq(&first, &ask()));
    }

    #[test]
    fn the_mould_that_stays_with_a_template_is_for_whoever_asked_for_it_and_for_the_same() {
        let it = Fixture::new();
        let officer = Credentials::from_pin(Role::Officer, b"officer-pin");
        let officer = it.token.login(Role::Officer, &officer).unwrap();
        let template = Template::from(named(b"one"));
        let ask = |who, fixed| {
            let known = it.token.recognize(Some(who)).unwrap();
            it.token.mould_with(GENERATE, known, fixed, &template).map(Cow::into_owned)
        };
        let first = ask(&it.user, AES).unwrap();
        let long = Fixed { length: Some(32), ..AES };
        for (who, fixed) in [(&it.other, AES), (&it.user, long)] {
            assert!(!Arc::ptr_eq(&first, &ask(who, fixed).unwrap()), "{fixed:?}");
        }
        assert_eq!(ask(&officer, AES).err(), Some(Error::UserNotLoggedIn), "who may make no keys");
        it.token.moulds.clear();
        assert!(Arc::ptr_eq(&first, &ask(&it.user, AES).unwrap()), "it stays");
    }

    #[test]
    fn whatever_differs_makes_another_mould() {
        let it = Fixture::new();
        let first = it.mould(&it.user, GENERATE, AES, &named(b"one")).unwrap();
        let derive = |always_sensitive| Origin::Derive { always_sensitive, never_extractable: true };
        let long = Fixed { length: Some(32), ..AES };
        let mut private = named(b"one");
        private.set(ck::CKA_PRIVATE, false);
        let others = [
            (&it.other, GENERATE, AES, named(b"one")),
            (&it.user, Origin::Generate(ck::CKM_AES_XTS_KEY_GEN), AES, named(b"one")),
            (&it.user, Origin::Unwrap, AES, named(b"one")),
            (&it.user, derive(true), AES, named(b"one")),
            (&it.user, derive(false), AES, named(b"one")),
            (&it.user, GENERATE, long, named(b"one")),
            (&it.user, GENERATE, AES, named(b"two")),
            (&it.user, GENERATE, AES, private),
        ];
        let mut all = vec![first];
        for (who, origin, fixed, template) in others {
            let mould = it.mould(who, origin, fixed, &template).unwrap();
            assert!(!all.iter().any(|other| Arc::ptr_eq(other, &mould)), "{origin:?} {fixed:?} {template:?}");
            all.push(mould);
        }
        assert_eq!(it.kept(), MOST);
    }

    #[test]
    fn what_was_refused_is_refused_again() {
        let it = Fixture::new();
        let mut trusted = named(b"one");
        trusted.set(ck::CKA_TRUSTED, true);
        for _ in 0..2 {
            let refusal = it.mould(&it.user, GENERATE, AES, &trusted).err();
            assert_eq!(refusal, Some(Error::AttributeReadOnly));
        }
    }

    #[test]
    fn neither_secrets_nor_long_templates_are_kept() {
        let it = Fixture::new();
        let mut key = named(b"one");
        key.remove(ck::CKA_VALUE_LEN);
        key.set(ck::CKA_VALUE, vec![7; 32]);
        it.mould(&it.user, Origin::Create, AES, &key).unwrap();
        it.mould(&it.user, GENERATE, AES, &named(&[b'a'; LONGEST as usize])).unwrap();
        assert_eq!(it.kept(), 0);
    }

    #[test]
    fn each_object_of_a_mould_is_its_own() {
        let it = Fixture::new();
        let mould = it.mould(&it.user, GENERATE, AES, &named(b"one")).unwrap();
        let cast = |byte: u8| {
            let made = [(ck::CKA_VALUE, Value::from(vec![byte; 32])), (ck::CKA_VALUE_LEN, Value::from(32))];
            mould.cast(Attributes::from_iter(made)).unwrap().whole(0).unwrap()
        };
        let (one, other) = (cast(1), cast(2));
        assert_eq!(one.bytes(ck::CKA_VALUE), Some(&[1; 32][..]));
        assert_eq!(other.bytes(ck::CKA_VALUE), Some(&[2; 32][..]));
        assert!(!mould.common().contains(ck::CKA_VALUE));
    }
}
