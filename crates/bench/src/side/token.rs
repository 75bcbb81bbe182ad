//! A module's token: made if it is not there, with as many objects as a row wants, and the keys that calls take.

use super::keys::{self, KeyKind};
use crate::Result;
use crate::abi::{Attribute, Mechanism, Module, Object, Rv, Session, User};
use cryptoki_sys::*;

/// The label of the token.
const LABEL: &str = "benchmark";
const OFFICER_PIN: &str = "officer-pin";
const USER_PIN: &str = "user-pin-1";

/// The slot of the token, made if no slot has it.
pub fn slot(module: &Module) -> Result<CK_SLOT_ID> {
    let slots = module.slots()?;
    for slot in &slots {
        if module.token_label(*slot)?.as_deref() == Some(LABEL) {
            return Ok(*slot);
        }
    }
    for slot in slots {
        if module.token_label(slot)?.is_none() {
            module.init_token(slot, OFFICER_PIN, LABEL)?;
            let slot = slot_again(module, slot)?;
            let session = module.open_session(slot)?;
            module.login(session, User::Officer, OFFICER_PIN)?;
            module.init_pin(session, USER_PIN)?;
            module.logout(session)?;
            module.close_session(session)?;
            return Ok(slot);
        }
    }
    Err("no slot has room for a token".into())
}

/// The slot once its token is made: some modules give it another number.
fn slot_again(module: &Module, before: CK_SLOT_ID) -> Result<CK_SLOT_ID> {
    for slot in module.slots()? {
        if module.token_label(slot)?.as_deref() == Some(LABEL) {
            return Ok(slot);
        }
    }
    Ok(before)
}

/// A session in which the user is logged in.
#[derive(Clone, Copy)]
pub struct Caller<'m> {
    /// The module.
    pub module: &'m Module,
    /// The token's slot.
    pub slot: CK_SLOT_ID,
    /// The session.
    pub session: Session,
}

impl<'m> Caller<'m> {
    /// Opens a session in the slot, and logs in unless that was done.
    pub fn enter(module: &'m Module, slot: CK_SLOT_ID) -> Result<Caller<'m>> {
        let session = module.open_session(slot)?;
        Caller { module, slot, session }.login()
    }

    /// Logs in.
    pub fn login(self) -> Result<Caller<'m>> {
        self.module.login(self.session, User::Normal, USER_PIN)?;
        Ok(self)
    }

    /// The secret or private key of a kind, and the public one of a pair: found, or made as token objects.
    pub fn key(self, kind: &KeyKind) -> Result<Pair> {
        let found = |class| self.find(&[number(CKA_CLASS, class), id(kind.name)]);
        let (secret, public) = (found(kind.class())?, found(CKO_PUBLIC_KEY)?);
        match secret {
            Some(secret) => Ok(Pair { secret, public }),
            None => Ok(self.make(kind, true, kind.name)?),
        }
    }

    /// The first object with these attributes.
    pub fn find(self, template: &[Attribute]) -> Result<Option<Object>> {
        let mut room = [Object::default(); 2];
        let found = self.module.find(self.session, template, &mut room)?;
        Ok((found > 0).then_some(room[0]))
    }

    /// Makes a key.
    pub fn make(self, kind: &KeyKind, token: bool, name: &str) -> std::result::Result<Pair, Rv> {
        let maker = Maker::new(self, kind, token, name);
        maker?.make()
    }

    /// Has at least `objects` secret keys in the token that are found by their numbers, and makes those that are missing.
    pub fn crowd(self, objects: usize) -> Result<()> {
        let there = |number: usize| self.find(&[id(&crowd_name(number))]).map(|found| found.is_some());
        if objects == 0 || there(objects - 1)? {
            return Ok(());
        }
        // Those before are there, those after are not: a search may be slow, so as few as can be.
        let first = first_missing(objects, there)?;
        for number in first..objects {
            self.make(keys::AES, true, &crowd_name(number))?;
        }
        Ok(())
    }
}

/// The first number below `end` of an object that is not there, when all before it are.
fn first_missing(end: usize, there: impl Fn(usize) -> Result<bool>) -> Result<usize> {
    let (mut low, mut high) = (0, end);
    while low < high {
        let middle = low.midpoint(high);
        match there(middle)? {
            true => low = middle + 1,
            false => high = middle,
        }
    }
    Ok(low)
}

/// A key's handles.
#[derive(Clone, Copy, Debug)]
pub struct Pair {
    /// The secret or private one.
    pub secret: Object,
    /// The public one of a pair.
    pub public: Option<Object>,
}

/// Makes keys of one kind in one way, found out by the first.
pub struct Maker<'m> {
    caller: Caller<'m>,
    mechanism: Mechanism,
    secret: Vec<Attribute>,
    public: Vec<Vec<Attribute>>,
}

impl<'m> Maker<'m> {
    /// Of token objects, or of the session's. An error if the module doesn't offer them.
    pub fn new(
        caller: Caller<'m>,
        kind: &KeyKind,
        token: bool,
        name: &str,
    ) -> std::result::Result<Maker<'m>, Rv> {
        caller.module.offers(caller.slot, kind.mechanism)?;
        let (secret, public) = (kind.secret_template(token, name), kind.public_templates(token, name));
        Ok(Maker { caller, mechanism: Mechanism::plain(kind.mechanism), secret, public })
    }

    /// Another key.
    pub fn make(&mut self) -> std::result::Result<Pair, Rv> {
        let Caller { module, session, .. } = self.caller;
        while self.public.len() > 1 {
            if let Ok(pair) = self.pair() {
                return Ok(pair);
            }
            // The module calls the curve by another name.
            self.public.remove(0);
        }
        match self.public.is_empty() {
            true => {
                let secret = module.generate(session, &mut self.mechanism, &self.secret)?;
                Ok(Pair { secret, public: None })
            }
            false => self.pair(),
        }
    }

    fn pair(&mut self) -> std::result::Result<Pair, Rv> {
        let Caller { module, session, .. } = self.caller;
        let (public, secret) =
            module.generate_pair(session, &mut self.mechanism, &self.public[0], &self.secret)?;
        Ok(Pair { secret, public: Some(public) })
    }
}

/// The name of an object of the crowd, its label and its identifier.
pub fn crowd_name(number: usize) -> String {
    format!("crowd {number:06}")
}

/// `CKA_ID`.
pub fn id(name: &str) -> Attribute {
    Attribute::bytes(CKA_ID, name)
}

/// An attribute that is a number.
pub fn number(kind: CK_ATTRIBUTE_TYPE, value: CK_ULONG) -> Attribute {
    Attribute::Number(kind, value)
}
