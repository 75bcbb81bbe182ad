//! A module's token: made if it is not there, with as many objects as a row wants, and the keys that calls take.

use super::keys::{self, KeyKind};
use crate::Result;
use crate::abi::{Attribute, Mechanism, Module, Object, Rv, Session, User};
use cryptoki_sys::*;

/// The label of tokens made here.
const LABEL: &str = "benchmark";
/// The PIN of the officer in each token.
pub const OFFICER_PIN: &str = "officer-pin";
/// The PIN of the user.
pub const USER_PIN: &str = "user-pin-1";

/// A slot's number.
pub type Slot = CK_SLOT_ID;

/// The slot of the token, made in the first slot without one if no slot has it.
pub fn anywhere(module: &Module) -> Result<Slot> {
    if let Some(slot) = labelled(module, LABEL)? {
        return Ok(slot);
    }
    for slot in module.slots()? {
        if module.token_label(slot)?.is_none() {
            return in_slot(module, slot);
        }
    }
    Err("no slot has room for a token".into())
}

/// The slot of the token with a label.
pub fn labelled(module: &Module, label: &str) -> Result<Option<Slot>> {
    for slot in module.slots()? {
        if module.token_label(slot)?.as_deref() == Some(label) {
            return Ok(Some(slot));
        }
    }
    Ok(None)
}

/// The slot, its token made if it has none; some modules give the slot another number then.
pub fn in_slot(module: &Module, slot: Slot) -> Result<Slot> {
    if module.token_label(slot)?.is_some() {
        return Ok(slot);
    }
    module.init_token(slot, OFFICER_PIN, LABEL)?;
    let slot = match module.token_label(slot) {
        Ok(Some(_)) => slot,
        _ => labelled(module, LABEL)?.ok_or("the token is gone as soon as it was made")?,
    };
    let session = module.open_session(slot)?;
    module.login(session, User::Officer, OFFICER_PIN)?;
    module.init_pin(session, USER_PIN)?;
    module.logout(session)?;
    module.close_session(session)?;
    Ok(slot)
}

/// A session in which the user is logged in.
#[derive(Clone, Copy)]
pub struct Caller<'m> {
    /// The module.
    pub module: &'m Module,
    /// The token's slot.
    pub slot: Slot,
    /// The session.
    pub session: Session,
}

impl<'m> Caller<'m> {
    /// Opens a session in the slot, and logs in unless that was done.
    pub fn enter(module: &'m Module, slot: Slot) -> Result<Caller<'m>> {
        Caller::open(module, slot)?.login()
    }

    /// Opens a session in the slot.
    pub fn open(module: &'m Module, slot: Slot) -> Result<Caller<'m>> {
        Ok(Caller { module, slot, session: module.open_session(slot)? })
    }

    /// Closes the session.
    pub fn leave(self) -> Result<()> {
        Ok(self.module.close_session(self.session)?)
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

    /// Has a crowd in the token, and the key that a start signs with.
    pub fn furnish(self, objects: usize) -> Result<()> {
        self.crowd(objects)?;
        self.key(keys::P256)?;
        self.leave()
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
