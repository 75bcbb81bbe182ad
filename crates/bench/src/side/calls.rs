//! The calls of a module: what a program does that holds its session and its keys' handles, and begins each operation anew.

use super::buffer::Buffer;
use super::keys::{self, KeyKind};
use super::libcrypto::ROOM;
use super::token::{Caller, Maker, crowd_name, id, number};
use super::work::{Asked, By, Mode, Padding, Scheme, Work};
use crate::Result;
use crate::abi::{Attribute, Mechanism, Object, Parameter, Rv};
use crate::load::Call;
use cryptoki_sys::*;
use std::cell::RefCell;
use std::rc::Rc;

/// Prepares a call in a session of `caller`, whose token has so many objects. The error is [`Rv::NotOffered`] if the module has no
/// such thing.
pub fn prepare<'m>(work: Work, caller: Caller<'m>, objects: usize) -> Result<Call<'m>> {
    match work {
        Work::Sign(scheme) => sign(scheme, caller),
        Work::Verify(scheme) => verify(scheme, caller),
        Work::Decrypt(padding) => decrypt(padding, caller),
        Work::Derive => derive(caller),
        Work::Encapsulate => encapsulate(caller),
        Work::Decapsulate => decapsulate(caller),
        Work::Encrypt(mode, length) => encrypt(mode, length, caller),
        Work::Mac(length) => mac(length, caller),
        Work::Wrap => wrap(caller),
        Work::Digest(length) => digest(length, caller),
        Work::Random(length) => random(length, caller),
        Work::Generate(kind) => generate(kind, caller),
        Work::Session => session(caller),
        Work::Attributes => attributes(caller),
        Work::Find(by, asked) => find(by, asked, caller, objects),
        Work::List => list(caller, objects),
        Work::Create => create(caller),
        Work::Destroy => destroy(caller),
        Work::Change => change(caller),
        Work::Start(_) => Err("a start is a process of its own".into()),
    }
}

const NO_PUBLIC: &str = "the pair's public key is gone";

/// The template of a secret that was agreed on: a session object.
fn agreed() -> Vec<Attribute> {
    vec![
        number(CKA_CLASS, CKO_SECRET_KEY),
        number(CKA_KEY_TYPE, CKK_GENERIC_SECRET),
        number(CKA_VALUE_LEN, 32),
        Attribute::Flag(CKA_TOKEN, false),
    ]
}

fn used<T>(answer: std::result::Result<T, Rv>) -> Result<()> {
    std::hint::black_box(answer?);
    Ok(())
}

fn sign<'m>(scheme: &'static Scheme, caller: Caller<'m>) -> Result<Call<'m>> {
    let Caller { module, slot, session } = caller;
    module.offers(slot, scheme.mechanism)?;
    let (mut mechanism, key) = (Mechanism::plain(scheme.mechanism), caller.key(scheme.key)?.secret);
    let (data, mut out) = (Buffer::of(0x5a, scheme.input), Buffer::of(0, ROOM));
    Ok(Call::alone(move || {
        module.sign_init(session, &mut mechanism, key)?;
        used(module.sign(session, &data, &mut out))
    }))
}

fn verify<'m>(scheme: &'static Scheme, caller: Caller<'m>) -> Result<Call<'m>> {
    let Caller { module, slot, session } = caller;
    module.offers(slot, scheme.mechanism)?;
    let (mut mechanism, pair) = (Mechanism::plain(scheme.mechanism), caller.key(scheme.key)?);
    let (data, mut signature) = (Buffer::of(0x5a, scheme.input), Buffer::of(0, ROOM));
    module.sign_init(session, &mut mechanism, pair.secret)?;
    let length = module.sign(session, &data, &mut signature)?;
    signature.truncate(length);
    let public = pair.public.ok_or(NO_PUBLIC)?;
    Ok(Call::alone(move || {
        module.verify_init(session, &mut mechanism, public)?;
        Ok(module.verify(session, &data, &signature)?)
    }))
}

fn decrypt<'m>(padding: &'static Padding, caller: Caller<'m>) -> Result<Call<'m>> {
    let Caller { module, slot, session } = caller;
    module.offers(slot, padding.mechanism)?;
    let mut mechanism = Mechanism { kind: padding.mechanism, parameter: padding.parameter.clone() };
    let (pair, mut ciphertext, mut out) = (caller.key(keys::RSA)?, Buffer::of(0, ROOM), Buffer::of(0, ROOM));
    module.encrypt_init(session, &mut mechanism, pair.public.ok_or(NO_PUBLIC)?)?;
    let length = module.encrypt(session, &[0x5a; 32], &mut ciphertext)?;
    ciphertext.truncate(length);
    Ok(Call::alone(move || {
        module.decrypt_init(session, &mut mechanism, pair.secret)?;
        used(module.decrypt(session, &ciphertext, &mut out))
    }))
}

fn derive(caller: Caller<'_>) -> Result<Call<'_>> {
    let Caller { module, slot, session } = caller;
    module.offers(slot, CKM_ECDH1_DERIVE)?;
    let parameter = Parameter::Ecdh(super::another_point()?);
    let mut mechanism = Mechanism { kind: CKM_ECDH1_DERIVE, parameter };
    let (key, secret) = (caller.key(keys::P256)?.secret, agreed());
    Ok(Call::alone(move || {
        let made = module.derive(session, &mut mechanism, key, &secret)?;
        Ok(module.destroy(session, made)?)
    }))
}

fn encapsulate(caller: Caller<'_>) -> Result<Call<'_>> {
    let Caller { module, session, .. } = caller;
    let key = caller.key(keys::ML_KEM)?.public.ok_or(NO_PUBLIC)?;
    let (mut mechanism, secret, mut out) = (Mechanism::plain(CKM_ML_KEM), agreed(), Buffer::of(0, ROOM));
    Ok(Call::alone(move || {
        let (made, _) = module.encapsulate(session, &mut mechanism, key, &secret, &mut out)?;
        Ok(module.destroy(session, made)?)
    }))
}

fn decapsulate(caller: Caller<'_>) -> Result<Call<'_>> {
    let Caller { module, session, .. } = caller;
    let pair = caller.key(keys::ML_KEM)?;
    let (mut mechanism, secret, mut out) = (Mechanism::plain(CKM_ML_KEM), agreed(), Buffer::of(0, ROOM));
    let public = pair.public.ok_or(NO_PUBLIC)?;
    let (made, length) = module.encapsulate(session, &mut mechanism, public, &secret, &mut out)?;
    module.destroy(session, made)?;
    out.truncate(length);
    Ok(Call::alone(move || {
        let made = module.decapsulate(session, &mut mechanism, pair.secret, &secret, &out)?;
        Ok(module.destroy(session, made)?)
    }))
}

fn encrypt<'m>(mode: &'static Mode, length: usize, caller: Caller<'m>) -> Result<Call<'m>> {
    let Caller { module, slot, session } = caller;
    module.offers(slot, mode.mechanism)?;
    let mut mechanism = Mechanism { kind: mode.mechanism, parameter: mode.parameter.clone() };
    let (key, data, mut out) =
        (caller.key(keys::AES)?.secret, Buffer::of(0x5a, length), Buffer::of(0, length + 16));
    Ok(Call::alone(move || {
        mechanism.next();
        module.encrypt_init(session, &mut mechanism, key)?;
        used(module.encrypt(session, &data, &mut out))
    }))
}

fn mac(length: usize, caller: Caller<'_>) -> Result<Call<'_>> {
    let Caller { module, session, .. } = caller;
    let (mut mechanism, key) = (Mechanism::plain(CKM_SHA256_HMAC), caller.key(keys::HMAC)?.secret);
    let data = Buffer::of(0x5a, length);
    Ok(Call::alone(move || {
        module.sign_init(session, &mut mechanism, key)?;
        used(module.sign(session, &data, &mut [0; 32]))
    }))
}

fn wrap(caller: Caller<'_>) -> Result<Call<'_>> {
    let Caller { module, slot, session } = caller;
    module.offers(slot, CKM_AES_KEY_WRAP)?;
    let mut mechanism = Mechanism::plain(CKM_AES_KEY_WRAP);
    let (with, key) = (caller.key(keys::AES)?.secret, caller.key(keys::WRAPPED)?.secret);
    Ok(Call::alone(move || used(module.wrap(session, &mut mechanism, with, key, &mut [0; 48]))))
}

fn digest(length: usize, Caller { module, session, .. }: Caller<'_>) -> Result<Call<'_>> {
    let (mut mechanism, data) = (Mechanism::plain(CKM_SHA256), Buffer::of(0x5a, length));
    Ok(Call::alone(move || {
        module.digest_init(session, &mut mechanism)?;
        used(module.digest(session, &data, &mut [0; 32]))
    }))
}

fn random(length: usize, Caller { module, session, .. }: Caller<'_>) -> Result<Call<'_>> {
    let mut out = Buffer::of(0, length);
    Ok(Call::alone(move || Ok(module.random(session, &mut out)?)))
}

fn generate<'m>(kind: &'static KeyKind, caller: Caller<'m>) -> Result<Call<'m>> {
    let Caller { module, session, .. } = caller;
    let mut maker = Maker::new(caller, kind, false, kind.name)?;
    Ok(Call::alone(move || {
        let made = maker.make()?;
        made.public.map_or(Ok(()), |public| module.destroy(session, public))?;
        Ok(module.destroy(session, made.secret)?)
    }))
}

fn session(Caller { module, slot, .. }: Caller<'_>) -> Result<Call<'_>> {
    Ok(Call::alone(move || Ok(module.close_session(module.open_session(slot)?)?)))
}

fn attributes(caller: Caller<'_>) -> Result<Call<'_>> {
    let Caller { module, session, .. } = caller;
    let key = caller.key(keys::P256)?.secret;
    Ok(Call::alone(move || {
        let (mut class, mut label, mut id) = ([0; 8], [0; 64], [0; 64]);
        let wanted: &mut [(_, &mut [u8])] =
            &mut [(CKA_CLASS, &mut class), (CKA_LABEL, &mut label), (CKA_ID, &mut id)];
        Ok(module.attributes(session, key, wanted)?)
    }))
}

fn find(by: By, asked: Asked, caller: Caller<'_>, objects: usize) -> Result<Call<'_>> {
    // A prime, so that all numbers come, in no order that helps: no crowd is a multiple of it.
    const STRIDE: usize = 7919;
    let kind = match by {
        By::Id => CKA_ID,
        By::Label => CKA_LABEL,
    };
    let numbers: Vec<usize> = match asked {
        Asked::Again => vec![objects / 2],
        Asked::Another | Asked::Anew => (0..objects).map(|number| number * STRIDE % objects).collect(),
    };
    let named = |number: usize| [Attribute::bytes(kind, crowd_name(number))];
    let (templates, mut turn): (Vec<_>, _) = (numbers.into_iter().map(named).collect(), 0);
    let call = Call::alone(move || {
        let template = templates.get(turn).ok_or("nothing is searched for")?;
        turn = if turn + 1 < templates.len() { turn + 1 } else { 0 };
        caller.find(template)?.map(|_| ()).ok_or_else(|| "an object is not found".into())
    });
    match asked {
        Asked::Again | Asked::Another => Ok(call),
        Asked::Anew => {
            let mut another = Changing::new(caller)?;
            // No more than there are objects, so that none is searched for twice without a change between.
            Ok(Call { before: Box::new(move |_| another.label()), most: objects, ..call })
        }
    }
}

fn list(caller: Caller<'_>, objects: usize) -> Result<Call<'_>> {
    let template = [number(CKA_CLASS, CKO_SECRET_KEY)];
    let mut room = vec![Object::default(); 1000];
    Ok(Call::alone(move || match caller.module.find(caller.session, &template, &mut room)? {
        found if found >= objects => Ok(()),
        found => Err(format!("{found} of {objects} objects are listed").into()),
    }))
}

/// Made while the clock runs, destroyed when it stands: the token stays as it was.
fn create(caller: Caller<'_>) -> Result<Call<'_>> {
    let (made, mut maker) =
        (Rc::new(RefCell::new(Vec::new())), Maker::new(caller, keys::AES, true, keys::NEW)?);
    let all = Rc::clone(&made);
    Ok(Call {
        before: Box::new(|_| Ok(())),
        most: usize::MAX,
        once: Box::new(move || {
            made.borrow_mut().push(maker.make()?.secret);
            Ok(())
        }),
        after: Box::new(move |_| {
            all.borrow_mut().drain(..).try_for_each(|key| caller.module.destroy(caller.session, key))?;
            Ok(())
        }),
    })
}

/// The other way round.
fn destroy(caller: Caller<'_>) -> Result<Call<'_>> {
    let (made, mut maker) = (Rc::new(RefCell::new(Vec::new())), Maker::new(caller, keys::AES, true, "old")?);
    let all = Rc::clone(&made);
    Ok(Call {
        before: Box::new(move |times| {
            (0..times).try_for_each(|_| {
                made.borrow_mut().push(maker.make()?.secret);
                Ok(())
            })
        }),
        most: usize::MAX,
        once: Box::new(move || {
            let key = all.borrow_mut().pop().ok_or("no key is left to destroy")?;
            Ok(caller.module.destroy(caller.session, key)?)
        }),
        after: Box::new(|_| Ok(())),
    })
}

fn change(caller: Caller<'_>) -> Result<Call<'_>> {
    let mut changing = Changing::new(caller)?;
    Ok(Call::alone(move || changing.label()))
}

/// An object beside the crowd, so that those of the crowd are found by their labels.
struct Changing<'m> {
    caller: Caller<'m>,
    key: Object,
    turn: u64,
}

impl<'m> Changing<'m> {
    fn new(caller: Caller<'m>) -> Result<Changing<'m>> {
        const NAME: &str = "changing";
        let key = match caller.find(&[id(NAME)])? {
            Some(key) => key,
            None => caller.make(keys::AES, true, NAME)?.secret,
        };
        Ok(Changing { caller, key, turn: 0 })
    }

    /// Gives it another label.
    fn label(&mut self) -> Result<()> {
        self.turn += 1;
        let label = Attribute::bytes(CKA_LABEL, format!("changed {}", self.turn));
        Ok(self.caller.module.set_attributes(self.caller.session, self.key, &[label])?)
    }
}
