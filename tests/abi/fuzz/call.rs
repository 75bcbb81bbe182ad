//! One call: its arguments, put together by what the function takes and what the run has.

use super::functions::Kind;
use super::run::{PINS, Run};
use super::values;
use crate::common::cases::{Job, Keys};
use crate::common::*;
use std::ptr::null_mut;

/// The call that is being put together.
#[derive(Default)]
pub(super) struct Call {
    pub(super) name: &'static str,
    pub(super) arguments: Vec<u64>,
    /// Keys and template that fit its mechanism.
    pub(super) keys: Option<(Handle, Handle)>,
    pub(super) template: Option<Template>,
    pub(super) mechanism: Option<Mechanism>,
    /// The last input.
    pub(super) input: Option<(*mut u8, usize)>,
    /// Places of new objects' and sessions' handles.
    pub(super) objects: Vec<*const CK_ULONG>,
    pub(super) session: Option<*const CK_ULONG>,
    /// Output buffers: where, the length told, and where the length is.
    pub(super) outputs: Vec<(*const u8, CK_ULONG, *const CK_ULONG)>,
}

impl Run {
    fn push<T>(&mut self, at: *mut T) {
        self.call.arguments.push(at as u64);
    }

    fn number(&mut self, number: CK_ULONG) {
        self.call.arguments.push(number);
    }

    pub(super) fn argument(&mut self, kind: Kind) {
        if let Some(number) = self.by_value(kind) {
            self.number(number);
        } else if !self.answer(kind) {
            self.given(kind);
        }
    }

    /// What is passed as a number; `None` for what is not.
    fn by_value(&mut self, kind: Kind) -> Option<CK_ULONG> {
        const WRITING: CK_ULONG = CKF_SERIAL_SESSION | CKF_RW_SESSION;
        const OPENING: &[CK_ULONG] =
            &[WRITING, WRITING, WRITING, CKF_SERIAL_SESSION, 0, WRITING | 1 << 40, u64::MAX];
        let random = &mut self.random;
        Some(match kind {
            Kind::Session => {
                let begun = self.begun.as_ref().map(|(_, session)| *session);
                match begun {
                    Some(session) if random.percent(97) => session,
                    _ => self.session(),
                }
            }
            Kind::Slot if random.percent(90) => self.slot,
            Kind::Slot | Kind::Number => random.number(),
            Kind::User => *random.pick(&[CKU_USER, CKU_USER, CKU_SO, CKU_CONTEXT_SPECIFIC, 3, u64::MAX]),
            Kind::OpenFlags => *random.pick(OPENING),
            Kind::Flags if random.percent(80) => 0,
            Kind::Flags => random.number(),
            Kind::WaitFlags => random.number() | CKF_DONT_BLOCK,
            Kind::MechanismType => {
                let known = self.cases[random.below(self.cases.len())].1.mechanism.id();
                if random.percent(70) { known } else { random.number() }
            }
            Kind::MessageFlags => *random.pick(&[0, 0, CKF_END_OF_MESSAGE, CKF_END_OF_MESSAGE, 2, u64::MAX]),
            Kind::Callback => 0,
            _ => return None,
        })
    }

    /// A place for what the function answers; `false` for what is not one.
    fn answer(&mut self, kind: Kind) -> bool {
        match kind {
            Kind::Query => {
                let (at, count) = values::query(&mut self.random, &mut self.memory);
                self.counted(at, count);
            }
            Kind::Output => self.output(),
            Kind::Fill => {
                let length = self.random.length();
                let at = self.memory.output(&vec![0; length]);
                self.counted(at, length as CK_ULONG);
            }
            Kind::List(size) => self.list(size),
            Kind::Found => {
                let room = self.random.below(40);
                let at = self.memory.output(&vec![0; room * size_of::<CK_OBJECT_HANDLE>()]);
                self.counted(at, room as CK_ULONG);
                let count = self.memory.output(&[0; 8]);
                self.maybe(count);
            }
            Kind::Structure(size) => {
                let at = self.memory.output(&vec![0; size]);
                self.maybe(at);
            }
            Kind::NewObject => {
                let at = self.memory.output(&[0; 8]);
                if self.maybe(at) {
                    self.call.objects.push(at.cast());
                }
            }
            Kind::NewSession => {
                let at = self.memory.output(&[0; 8]);
                if self.maybe(at) {
                    self.call.session = Some(at.cast());
                }
            }
            _ => return false,
        }
        true
    }

    /// What the function is given in memory.
    fn given(&mut self, kind: Kind) {
        match kind {
            Kind::Object => self.object(),
            Kind::Mechanism if self.call.name.ends_with("KeyAuthenticated") => {
                let (at, length, id) = values::message(&mut self.random, &mut self.memory);
                let id = if self.random.percent(90) { id } else { CKM_AES_CBC };
                let mechanism = CK_MECHANISM { mechanism: id, pParameter: at.cast(), ulParameterLen: length };
                let at = self.memory.structure(mechanism);
                self.push(at);
            }
            Kind::Mechanism => self.mechanism(),
            Kind::Message => {
                let (at, length, _) = values::message(&mut self.random, &mut self.memory);
                self.counted(at, length);
            }
            Kind::Template => self.template(),
            Kind::Input => self.input(),
            Kind::Pin => {
                let pin = *self.random.pick(&PINS);
                let good = self.random.percent(85);
                let pin = if good { pin.as_bytes() } else { &[0xFF; 70][..self.random.below(70)] };
                let at = self.memory.input(pin);
                self.counted(at, pin.len() as CK_ULONG);
            }
            Kind::Label => self.bytes(&[b'x'; 32]),
            Kind::Text => {
                let text = *self.random.pick(&[&b"PKCS 11\0"[..], b"\0", b"other\0", b"C_Sign\0"]);
                self.bytes(text);
            }
            Kind::Version => {
                let version = *self.random.pick(&[[3, 2], [3, 0], [2, 40], [9, 9]]);
                self.bytes(&version);
            }
            Kind::Arguments => {
                let flags = *self.random.pick(&[CKF_OS_LOCKING_OK, 0, 1, 3, 4, u64::MAX]);
                let wild = std::ptr::without_provenance_mut(8);
                let reserved = if self.random.percent(80) { null_mut() } else { wild };
                let arguments = CK_C_INITIALIZE_ARGS { flags, pReserved: reserved, ..Default::default() };
                let at = self.memory.structure(arguments);
                self.maybe(at);
            }
            Kind::Reserved => {
                let other = self.memory.input(&[0; 8]);
                let at = if self.random.percent(90) { null_mut() } else { other };
                self.push(at);
            }
            other => unreachable!("{other:?} is passed in another way"),
        }
    }

    /// Bytes whose length the function knows.
    fn bytes(&mut self, bytes: &[u8]) {
        let at = self.memory.input(bytes);
        self.maybe(at);
    }

    /// A pointer, or sometimes NULL; whether it is the pointer.
    fn maybe<T>(&mut self, at: *mut T) -> bool {
        let there = !self.random.percent(2);
        self.push(if there { at } else { null_mut() });
        there
    }

    /// A pointer with its length: sometimes NULL, or a length that must be refused.
    fn counted<T>(&mut self, at: *mut T, length: CK_ULONG) {
        let (at, length) = match self.random.below(200) {
            0 => (null_mut(), length),
            1 => (null_mut(), self.random.absurd()),
            2 => (at, self.random.absurd()),
            3 => (at, length.saturating_sub(1)),
            _ => (at, length),
        };
        self.push(at);
        self.number(length);
    }

    fn session(&mut self) -> CK_SESSION_HANDLE {
        if self.sessions.is_empty() || self.random.percent(2) {
            return self.random.number();
        }
        *self.random.pick(&self.sessions)
    }

    fn object(&mut self) {
        let fitting = self.call.keys.filter(|_| self.random.percent(85));
        let object = match fitting {
            Some((public, private)) => *self.random.pick(&[public, private, private]),
            None => {
                let made: Vec<Handle> =
                    self.keys.iter().flat_map(|(_, (one, other))| [*one, *other]).collect();
                if self.random.percent(40) {
                    *self.random.pick(&made)
                } else {
                    let objects = self.objects.clone();
                    if objects.is_empty() { 0 } else { self.random_object(&objects) }
                }
            }
        };
        self.number(object);
    }

    fn random_object(&mut self, objects: &[Handle]) -> Handle {
        if self.random.percent(5) { self.random.number() } else { *self.random.pick(objects) }
    }

    fn mechanism(&mut self) {
        if self.random.percent(3) {
            return self.push(null_mut::<CK_MECHANISM>());
        }
        let wanted = if self.random.percent(90) { purpose_of(self.call.name) } else { 0 };
        let fitting: Vec<_> =
            (0..self.cases.len()).filter(|at| self.cases[*at].0 & wanted == wanted).collect();
        let at = *self.random.pick(&fitting);
        let id = self.cases[at].1.mechanism.id();
        if self.random.percent(10) {
            let id = if self.random.percent(80) { id } else { self.random.number() };
            let mechanism = values::nonsense(&mut self.random, &mut self.memory, id);
            let at = self.memory.structure(mechanism);
            return self.push(at);
        }
        let case = &self.cases[at].1;
        let kind = match &case.job {
            Job::Use(kind, _)
            | Job::Agree(kind)
            | Job::Derive(kind)
            | Job::DeriveFixed(kind)
            | Job::Encapsulate(kind) => Some(*kind),
            Job::Elsewhere => None,
            Job::Generate(template) | Job::GeneratePair(template) => {
                self.call.template = Some(template.clone());
                None
            }
        };
        let same = |kind, made| {
            kind == made || secret_type(kind).is_some() && secret_type(kind) == secret_type(made)
        };
        let fits = |made| kind.is_some_and(|kind| same(kind, made));
        self.call.keys = self.keys.iter().find(|(made, _)| fits(*made)).map(|(_, pair)| *pair);
        let variant = self.random.percent(40) || matches!(case.job, Job::Agree(_));
        let variant = variant.then(|| values::variant(&mut self.random, case, &self.point)).flatten();
        let at = match variant {
            Some(mechanism) => self.call.mechanism.insert(mechanism).as_ptr(),
            None => case.mechanism.as_ptr(),
        };
        self.push(at);
    }

    fn template(&mut self) {
        let fitting = self.call.template.take().filter(|_| self.random.percent(80));
        let template = match fitting {
            Some(template) => template.and(&values::changes(&mut self.random, 1)),
            None => match self.random.below(10) {
                0..=3 => values::template(&mut self.random, 3),
                4 => {
                    let at = self.random.below(self.marks.len());
                    let mark = self.marks[at].clone();
                    values::marked_key(&mut self.random, &mark)
                }
                5 => keys::data_template("x").and(&values::changes(&mut self.random, 1)),
                _ => {
                    let changes = values::changes(&mut self.random, 2);
                    let extractable = template![CKA_EXTRACTABLE => self.random.percent(70)];
                    let length = *self.random.pick(&[16, 24, 32]);
                    let template = keys::aes_template(length).and(&extractable);
                    let template = if self.call.name == "C_UnwrapKey" {
                        template.without(CKA_VALUE_LEN)
                    } else {
                        template
                    };
                    template.and(&changes)
                }
            },
        };
        let (at, count) = values::place(&mut self.random, &mut self.memory, &template);
        self.counted(at, count);
    }

    fn input(&mut self) {
        let bytes = if !self.outputs.is_empty() && self.random.percent(35) {
            self.random.pick(&self.outputs).clone()
        } else {
            let length = self.random.length();
            self.random.bytes(length)
        };
        let at =
            if self.random.percent(10) { self.memory.misaligned(&bytes) } else { self.memory.input(&bytes) };
        self.call.input = Some((at, bytes.len()));
        self.counted(at, bytes.len() as CK_ULONG);
    }

    fn output(&mut self) {
        let length = if self.random.percent(60) { 6000 } else { self.random.length() };
        let (mut at, mut length) = (self.memory.output(&vec![0; length]), length as CK_ULONG);
        // In place: over the input, which may be longer or shorter than what comes out.
        if let Some((input, taken)) = self.call.input
            && self.random.percent(15)
        {
            (at, length) = (input, taken as CK_ULONG);
            self.memory.open(at, taken);
        }
        let told = self.memory.output(&length.to_ne_bytes());
        match self.random.below(100) {
            0 => {
                self.push(null_mut::<u8>());
                self.push(null_mut::<u8>());
            }
            1..=10 => {
                self.push(null_mut::<u8>());
                self.push(told);
            }
            11 => {
                self.push(at);
                self.push(null_mut::<u8>());
            }
            _ => {
                self.push(at);
                self.push(told);
                self.call.outputs.push((at, length, told.cast()));
            }
        }
    }

    fn list(&mut self, size: usize) {
        let room = *self.random.pick(&[0, 1, 2, 100, 200]);
        let list = self.memory.output(&vec![0; room * size]);
        let count = self.memory.output(&(room as CK_ULONG).to_ne_bytes());
        let list = if self.random.percent(20) { null_mut() } else { list };
        self.push(list);
        self.maybe(count);
    }
}

/// The key type of a secret key, whatever its length.
fn secret_type(kind: Keys) -> Option<CK_KEY_TYPE> {
    match kind {
        Keys::Secret(key_type, _) => Some(key_type),
        _ => None,
    }
}

/// What a mechanism must be good for to be used with a function.
fn purpose_of(function: &str) -> CK_FLAGS {
    match function {
        "C_EncryptInit" => CKF_ENCRYPT,
        "C_DecryptInit" => CKF_DECRYPT,
        "C_DigestInit" => CKF_DIGEST,
        "C_SignInit" => CKF_SIGN,
        "C_SignRecoverInit" => CKF_SIGN_RECOVER,
        "C_VerifyInit" => CKF_VERIFY,
        "C_VerifyRecoverInit" => CKF_VERIFY_RECOVER,
        "C_GenerateKey" => CKF_GENERATE,
        "C_GenerateKeyPair" => CKF_GENERATE_KEY_PAIR,
        "C_MessageEncryptInit" => CKF_MESSAGE_ENCRYPT,
        "C_MessageDecryptInit" => CKF_MESSAGE_DECRYPT,
        "C_MessageSignInit" => CKF_MESSAGE_SIGN,
        "C_MessageVerifyInit" => CKF_MESSAGE_VERIFY,
        "C_WrapKey" => CKF_WRAP,
        "C_UnwrapKey" => CKF_UNWRAP,
        "C_DeriveKey" => CKF_DERIVE,
        "C_EncapsulateKey" => CKF_ENCAPSULATE,
        "C_DecapsulateKey" => CKF_DECAPSULATE,
        "C_VerifySignatureInit" => CKF_VERIFY,
        _ => 0,
    }
}
