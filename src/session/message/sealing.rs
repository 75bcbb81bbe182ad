//! Messages encrypted and decrypted with authentication. The tag stands apart from the data, so as many bytes come out as went in.

use super::Session;
use crate::error::{Error, Result};
use crate::mechanism::message::{Message, MessageShape, Nonces};
use crate::mechanism::{Aead, Cipher, Mechanism, Purpose};
use crate::output::{Delivery, Output, Part, Size, Step};
use crate::token::{Begun, Caller, ObjectRef, Operation, Token};
use zeroize::Zeroizing;

/// Messages under one key.
pub(in crate::session) struct Sealing {
    purpose: Purpose,
    mechanism: Mechanism,
    key: ObjectRef,
    nonces: Nonces,
    /// A message that comes in parts.
    open: Option<Open>,
}

/// A message in progress.
struct Open {
    cipher: Box<dyn Cipher>,
    tag_length: usize,
    /// Bytes that went in.
    taken: usize,
    /// Bytes that have come out.
    given: usize,
}

/// What a token works with on behalf of whom.
type Place<'a> = (&'a dyn Token, Caller<'a>);

impl Sealing {
    /// Finds out whether the key may be used so. Each message begins anew.
    pub fn begin(
        token: &dyn Token,
        caller: Caller<'_>,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: ObjectRef,
    ) -> Result<Self> {
        let mechanism = mechanism.clone();
        let sealing = Sealing { purpose, mechanism, key, nonces: Nonces::default(), open: None };
        sealing.cipher((token, caller), &Message::sample(), &[])?;
        Ok(sealing)
    }

    pub fn abandon(&mut self) {
        self.open = None;
    }

    fn aead(&self) -> Result<&'static dyn Aead> {
        self.mechanism.row.family.aead().ok_or(Error::MechanismInvalid)
    }

    /// An operation for one message.
    fn cipher(&self, (token, caller): Place<'_>, message: &Message, aad: &[u8]) -> Result<Box<dyn Cipher>> {
        let params = self.aead()?.params(message, aad);
        let mechanism = Mechanism { row: self.mechanism.row, params };
        match token.begin(caller, self.purpose, &mechanism, &self.key)? {
            Begun::Ready(Operation::Cipher(cipher), _) => Ok(cipher),
            Begun::Ready(..) => Err(Error::MechanismInvalid),
            Begun::PinFirst => Err(Error::UserNotLoggedIn),
        }
    }

    /// The same with the message's nonce, which is in `message` afterwards. A decryption takes it as it is.
    fn next(&mut self, place: Place<'_>, message: &mut Message, aad: &[u8]) -> Result<Box<dyn Cipher>> {
        let mut nonces = self.nonces.clone();
        let mut filled = message.clone();
        if self.purpose == Purpose::Encrypt {
            nonces.fill(&mut filled)?;
        }
        let cipher = self.cipher(place, &filled, aad)?;
        self.nonces = nonces;
        *message = filled;
        Ok(cipher)
    }

    fn require_none_open(&self) -> Result<()> {
        if self.open.is_some() { Err(Error::OperationActive) } else { Ok(()) }
    }
}

/// The tag of a message: one to be checked, or the place for one.
pub type Tag<'a> = &'a mut [u8];

/// Encrypts all at once and puts the tag into its place. `output` is as long as `input`.
fn seal(mut cipher: Box<dyn Cipher>, input: &[u8], tag: Tag<'_>, output: &mut [u8]) -> Result<usize> {
    let mut sealed = Zeroizing::new(vec![0; cipher.whole_size(input.len()).bound()]);
    let length = cipher.whole(input, &mut sealed)?;
    split(&sealed[..length], tag, output)
}

/// Decrypts all at once, if the tag is right.
fn open(mut cipher: Box<dyn Cipher>, input: &[u8], tag: &[u8], output: &mut [u8]) -> Result<usize> {
    cipher.whole(&[input, tag].concat(), output).map_err(not_authentic)
}

/// Parts what a cipher gave into data and tag.
fn split(sealed: &[u8], tag: Tag<'_>, output: &mut [u8]) -> Result<usize> {
    let length = sealed.len().checked_sub(tag.len()).ok_or(Error::FunctionFailed)?;
    let (data, found) = sealed.split_at(length);
    output.get_mut(..length).ok_or(Error::FunctionFailed)?.copy_from_slice(data);
    tag.copy_from_slice(found);
    Ok(length)
}

/// Messages have a name of their own for a tag that is wrong.
fn not_authentic(error: Error) -> Error {
    match error {
        Error::EncryptedDataInvalid => Error::AeadDecryptFailed,
        other => other,
    }
}

impl Open {
    /// One part. With the last comes the tag, to be checked or to be filled in.
    fn part(
        &mut self,
        purpose: Purpose,
        input: &[u8],
        tag: Option<Tag<'_>>,
        output: &mut [u8],
    ) -> Result<usize> {
        let taken = self.taken.checked_add(input.len()).ok_or(Error::DataLenRange)?;
        let written = match tag {
            None => self.cipher.update(input, output)?,
            Some(tag) if tag.len() != self.tag_length => return Err(Error::MechanismParamInvalid),
            Some(tag) if purpose == Purpose::Decrypt => self.last_opened(input, tag, output)?,
            Some(tag) => self.last_sealed(input, tag, output)?,
        };
        self.taken = taken;
        self.given += written;
        Ok(written)
    }

    fn last_sealed(&mut self, input: &[u8], tag: Tag<'_>, output: &mut [u8]) -> Result<usize> {
        let mut sealed = Zeroizing::new(vec![0; self.cipher.update_size(input.len()).bound()]);
        let first = self.cipher.update(input, &mut sealed)?;
        let mut rest = Zeroizing::new(vec![0; self.cipher.finish_size().bound()]);
        let second = self.cipher.finish(&mut rest)?;
        split(&Zeroizing::new([&sealed[..first], &rest[..second]].concat()), tag, output)
    }

    fn last_opened(&mut self, input: &[u8], tag: &[u8], output: &mut [u8]) -> Result<usize> {
        // Ciphers with authentication give nothing before their tag.
        self.cipher.update(input, &mut [])?;
        self.cipher.update(tag, &mut [])?;
        self.cipher.finish(output).map_err(not_authentic)
    }

    /// How much a part will write.
    fn size(&self, input: usize, last: bool) -> usize {
        match last {
            true => self.taken.saturating_add(input).saturating_sub(self.given),
            false => self.cipher.update_size(input).bound(),
        }
    }
}

impl Session {
    /// Which C structure the parameters of the messages are. `OperationNotInitialized` without a process.
    pub fn message_shape(&self, purpose: Purpose) -> Result<MessageShape> {
        let mut work = self.work()?;
        let sealing = work.messages.sealing(purpose).as_ref().ok_or(Error::OperationNotInitialized)?;
        Ok(sealing.aead()?.message_shape())
    }

    /// `C_EncryptMessage`, `C_DecryptMessage`. `message` and `tag` have their new values only if the answer is `Done`.
    pub fn whole_message(
        &self,
        purpose: Purpose,
        (message, aad): (&mut Message, &[u8]),
        input: &[u8],
        tag: Tag<'_>,
        output: Output<'_>,
    ) -> Result<Delivery> {
        let mut work = self.work()?;
        let sealing = work.messages.sealing(purpose).as_mut().ok_or(Error::OperationNotInitialized)?;
        sealing.require_none_open()?;
        let ticket = self.ticket();
        let step = Step { part: Part::Whole, input: input.len() };
        output.deliver(step, Size::Exact(input.len()), &mut None, |room| {
            let cipher = sealing.next((self.slot.token(), ticket.as_ref()), message, aad)?;
            match purpose {
                Purpose::Decrypt => open(cipher, input, tag, room),
                _ => seal(cipher, input, tag, room),
            }
        })
    }

    /// `C_EncryptMessageBegin`, `C_DecryptMessageBegin`. `message` has its nonce afterwards.
    pub fn open_message(&self, purpose: Purpose, message: &mut Message, aad: &[u8]) -> Result<()> {
        let mut work = self.work()?;
        let sealing = work.messages.sealing(purpose).as_mut().ok_or(Error::OperationNotInitialized)?;
        sealing.require_none_open()?;
        let ticket = self.ticket();
        let cipher = sealing.next((self.slot.token(), ticket.as_ref()), message, aad)?;
        sealing.open = Some(Open { cipher, tag_length: message.tag_length, taken: 0, given: 0 });
        Ok(())
    }

    /// `C_EncryptMessageNext`, `C_DecryptMessageNext`. The last part brings the tag: one to be checked, or the place for one.
    pub fn message_part(
        &self,
        purpose: Purpose,
        input: &[u8],
        tag: Option<Tag<'_>>,
        output: Output<'_>,
    ) -> Result<Delivery> {
        let mut work = self.work()?;
        let sealing = work.messages.sealing(purpose).as_mut().ok_or(Error::OperationNotInitialized)?;
        // Out of its place while it works: one that fails or panics is gone.
        let mut open = sealing.open.take().ok_or(Error::OperationNotInitialized)?;
        let last = tag.is_some();
        let part = if last { Part::Finish } else { Part::Update };
        let step = Step { part, input: input.len() };
        let size = Size::Exact(open.size(input.len(), last));
        let outcome = output.deliver(step, size, &mut None, |room| open.part(purpose, input, tag, room));
        let goes_on = match outcome {
            Ok(Delivery::Done) => !last,
            Ok(Delivery::SizeTold) | Err(Error::BufferTooSmall) => true,
            Err(_) => false,
        };
        sealing.open = goes_on.then_some(open);
        outcome
    }
}
