//! Operations in progress: begin, feed, finish.
//!
//! One rule ends them all (PKCS#11 3.2, section 5.2): a call that finishes an operation ends it whether it succeeds or not, unless it
//! only told a size or found the buffer too small; a failed update ends it too.

use super::active::Active;
use super::place::After;
use super::{Handle, Session, Turn};
use crate::error::{Error, Result};
use crate::mechanism::{Given, Mechanism, Purpose, Row};
use crate::output::{Delivery, Output, Part, Size, Step};
use crate::token::Operation;
use cryptoki_sys as ck;

/// Every purpose, for walking over a session's places.
const PURPOSES: [Purpose; Purpose::COUNT] = [
    Purpose::Encrypt,
    Purpose::Decrypt,
    Purpose::Digest,
    Purpose::Sign,
    Purpose::SignRecover,
    Purpose::Verify,
    Purpose::VerifyRecover,
    Purpose::VerifySignature,
];

impl Session {
    fn begin_anew(
        &self,
        purpose: Purpose,
        mechanism: &Mechanism,
        key: Option<Handle>,
        login: u64,
    ) -> Result<Active> {
        let Some(handle) = key else {
            mechanism.require(purpose.flag())?;
            return Active::digest(mechanism);
        };
        let key = self.slot.objects.get(handle).map_err(|_| Error::KeyHandleInvalid)?;
        let (token, ticket) = (self.slot.token(), self.ticket());
        Active::begin_with(token, ticket.as_ref(), purpose, mechanism, (handle, key, login))
    }

    /// The mechanism with that `CKM_` number; `MechanismInvalid` if there is none or the slot does not offer it.
    pub fn mechanism(&self, number: u64) -> Result<&'static Row> {
        self.slot.mechanism(number)
    }

    /// As the slot has it: the initialisation vector that the token chooses for an encryption, put into `mechanism`.
    pub fn choose_iv(&self, mechanism: &mut Mechanism) -> Result<Option<[u8; 12]>> {
        self.slot.choose_iv(mechanism)
    }

    /// `C_SessionCancel`: `flags` of the operations to end (`CKF_ENCRYPT`, `CKF_FIND_OBJECTS` ...).
    pub fn cancel_all(&self, flags: u64) -> Result<()> {
        let mut work = self.work()?;
        for purpose in PURPOSES.into_iter().filter(|purpose| flags & purpose.flag() != 0) {
            work.operations[purpose as usize].clear();
        }
        work.messages.end(|purpose| flags & purpose.message_flag() != 0);
        if flags & ck::CKF_FIND_OBJECTS != 0 {
            work.search = None;
        }
        Ok(())
    }

    /// `C_SeedRandom`.
    pub fn seed(&self, seed: &[u8]) -> Result<()> {
        drop(self.work()?);
        self.slot.token().seed(seed)
    }
}

impl Turn<'_> {
    /// `C_GenerateRandom`.
    pub fn random(&self, buffer: &mut [u8]) -> Result<()> {
        self.session.slot.token().random(buffer)
    }

    /// `C_EncryptInit` and its kin. Digests have no key.
    pub fn begin(&mut self, purpose: Purpose, mechanism: &Mechanism, key: Option<Handle>) -> Result<()> {
        let session = self.session;
        session.slot.admit(mechanism)?;
        let place = &mut self.work.operations[purpose as usize];
        if place.is_open() {
            return Err(Error::OperationActive);
        }
        let login = session.slot.login_number();
        if !place.renew(mechanism.row, &(&mechanism.params).into(), key, login)? {
            place.open(session.begin_anew(purpose, mechanism, key, login)?);
        }
        Ok(())
    }

    /// The mechanism with that `CKM_` number, if its operation rests, and could be begun again with a parameter as the caller has it.
    #[inline]
    pub fn resting(&self, purpose: Purpose, number: u64) -> Option<&'static Row> {
        let row = self.work.operations[purpose as usize].resting().filter(|row| row.id == number)?;
        let chosen = purpose == Purpose::Encrypt && self.session.slot.chooses_iv(row);
        (!chosen).then_some(row)
    }

    /// As [`Turn::begin`], with what [`Turn::resting`] has told; `false`: it takes that, for something has changed.
    #[inline]
    pub fn begin_again(
        &mut self,
        purpose: Purpose,
        row: &'static Row,
        given: &Given<'_>,
        key: Option<Handle>,
    ) -> Result<bool> {
        let login = self.session.slot.login_number();
        self.work.operations[purpose as usize].renew(row, given, key, login)
    }

    /// The same with a NULL mechanism: ends the operation in progress, if there is one.
    pub fn cancel(&mut self, purpose: Purpose) {
        self.work.operations[purpose as usize].clear();
    }

    /// One-shot: `C_Encrypt`, `C_Decrypt`, `C_Digest`, `C_Sign`, `C_SignRecover`, `C_VerifyRecover`, by `purpose`. The
    /// operation is over unless the answer is `SizeTold` or `BufferTooSmall`.
    #[inline(always)] // processors are slow to move an `Output` that was written just before
    pub fn whole(&mut self, purpose: Purpose, input: &[u8], output: Output<'_>) -> Result<Delivery> {
        self.last_step(purpose, |active| {
            if active.fed {
                return Err(Error::OperationActive);
            }
            let step = Step { part: Part::Whole, input: input.len() };
            let (operation, kept) = active.parts()?;
            match operation {
                Operation::Cipher(cipher) => {
                    output
                        .deliver(step, cipher.whole_size(input.len()), kept, |room| cipher.whole(input, room))
                }
                Operation::Digester(digester) => {
                    output.deliver(step, Size::Exact(digester.size()), kept, |room| {
                        digester.update(input)?;
                        digester.finish(room)?;
                        Ok(room.len())
                    })
                }
                Operation::Signer(signer) => output.deliver(step, Size::Exact(signer.size()), kept, |room| {
                    signer.update(input)?;
                    signer.finish(room)
                }),
                Operation::Verifier(_) => Err(Error::OperationNotInitialized),
            }
        })
    }

    /// `C_EncryptUpdate`, `C_DecryptUpdate`.
    pub fn transform(&mut self, purpose: Purpose, input: &[u8], output: Output<'_>) -> Result<Delivery> {
        self.step(purpose, |active| {
            let step = Step { part: Part::Update, input: input.len() };
            let (operation, kept) = active.parts()?;
            let Operation::Cipher(cipher) = operation else { return Err(Error::OperationNotInitialized) };
            let delivery = output
                .deliver(step, cipher.update_size(input.len()), kept, |room| cipher.update(input, room))?;
            active.fed |= delivery == Delivery::Done;
            Ok(delivery)
        })
    }

    /// `C_DigestUpdate`, `C_SignUpdate`, `C_VerifyUpdate`, `C_VerifySignatureUpdate`.
    pub fn absorb(&mut self, purpose: Purpose, input: &[u8]) -> Result<()> {
        self.step(purpose, |active| {
            absorb(active.parts()?.0, input)?;
            active.fed = true;
            Ok(())
        })
    }

    /// `C_DigestKey`.
    pub fn digest_key(&mut self, key: Handle) -> Result<()> {
        let session = self.session;
        self.step(Purpose::Digest, |active| {
            let key = session.slot.objects.get(key).map_err(|_| Error::KeyHandleInvalid)?;
            let (Operation::Digester(digester), _) = active.parts()? else {
                return Err(Error::OperationNotInitialized);
            };
            session.slot.token().digest_key(session.ticket().as_ref(), &key, &mut **digester)?;
            active.fed = true;
            Ok(())
        })
    }

    /// `C_EncryptFinal`, `C_DecryptFinal`, `C_DigestFinal`, `C_SignFinal`.
    pub fn finish(&mut self, purpose: Purpose, output: Output<'_>) -> Result<Delivery> {
        self.last_step(purpose, |active| {
            let step = Step { part: Part::Finish, input: 0 };
            let (operation, kept) = active.parts()?;
            match operation {
                Operation::Cipher(cipher) => {
                    output.deliver(step, cipher.finish_size(), kept, |room| cipher.finish(room))
                }
                Operation::Digester(digester) => {
                    output.deliver(step, Size::Exact(digester.size()), kept, |room| {
                        digester.finish(room)?;
                        Ok(room.len())
                    })
                }
                Operation::Signer(signer) => {
                    output.deliver(step, Size::Exact(signer.size()), kept, |room| signer.finish(room))
                }
                Operation::Verifier(_) => Err(Error::OperationNotInitialized),
            }
        })
    }

    /// `C_Verify`.
    pub fn verify(&mut self, data: &[u8], signature: &[u8]) -> Result<()> {
        self.last_step(Purpose::Verify, |active| {
            if active.fed {
                return Err(Error::OperationActive);
            }
            check_signature(active.parts()?.0, Some(data), signature)
        })
        .map(drop)
    }

    /// `C_VerifyFinal`.
    pub fn verify_final(&mut self, signature: &[u8]) -> Result<()> {
        let check = |active: &mut Active| check_signature(active.parts()?.0, None, signature);
        self.last_step(Purpose::Verify, check).map(drop)
    }

    /// `C_VerifySignatureInit`.
    pub fn begin_signature(&mut self, mechanism: &Mechanism, key: Handle, signature: &[u8]) -> Result<()> {
        self.begin(Purpose::VerifySignature, mechanism, Some(key))?;
        let place = &mut self.work.operations[Purpose::VerifySignature as usize];
        place.get().ok_or(Error::GeneralError)?.signature = Some(signature.to_vec());
        Ok(())
    }

    /// `C_VerifySignature`, or with no data `C_VerifySignatureFinal`.
    pub fn verify_signature(&mut self, data: Option<&[u8]>) -> Result<()> {
        let check = |active: &mut Active| {
            if active.fed && data.is_some() {
                return Err(Error::OperationActive);
            }
            active.parts()?;
            let signature = active.signature.take().unwrap_or_default();
            check_signature(active.parts()?.0, data, &signature)
        };
        self.last_step(Purpose::VerifySignature, check).map(drop)
    }

    /// A step that leaves the operation open unless it fails.
    fn step<T>(&mut self, purpose: Purpose, run: impl FnOnce(&mut Active) -> Result<T>) -> Result<T> {
        self.with_operation(purpose, run, |_| After::Open)
    }

    /// A step that ends the operation unless it told a size or found the buffer too small.
    fn last_step(
        &mut self,
        purpose: Purpose,
        run: impl FnOnce(&mut Active) -> Result<Delivery>,
    ) -> Result<Delivery> {
        self.with_operation(purpose, run, |delivery| match delivery {
            Delivery::SizeTold => After::Open,
            Delivery::Done => After::Done,
        })
    }

    /// `after`: what a step that succeeds does to the operation.
    fn with_operation<T>(
        &mut self,
        purpose: Purpose,
        run: impl FnOnce(&mut Active) -> Result<T>,
        after: impl FnOnce(&T) -> After,
    ) -> Result<T> {
        let after = |outcome: &Result<T>, active: &Active| match outcome {
            Ok(done) => after(done),
            Err(error) if ends(*error, active) => After::Failed,
            Err(_) => After::Open,
        };
        self.work.operations[purpose as usize].step(run, after)
    }
}

/// Whether an error ends the operation: not a buffer that was too small, nor a PIN that is still to be given.
pub(super) fn ends(error: Error, active: &Active) -> bool {
    error != Error::BufferTooSmall && !active.waits_for_pin()
}

/// Feeds data to an operation that yields nothing before its end.
pub(super) fn absorb(operation: &mut Operation, input: &[u8]) -> Result<()> {
    match operation {
        Operation::Digester(digester) => digester.update(input),
        Operation::Signer(signer) => signer.update(input),
        Operation::Verifier(verifier) => verifier.update(input),
        Operation::Cipher(_) => Err(Error::OperationNotInitialized),
    }
}

/// Checks a signature over what was fed, and `data` if there is more.
pub(super) fn check_signature(
    operation: &mut Operation,
    data: Option<&[u8]>,
    signature: &[u8],
) -> Result<Delivery> {
    let Operation::Verifier(verifier) = operation else { return Err(Error::OperationNotInitialized) };
    if !verifier.accepts(signature.len()) {
        return Err(Error::SignatureLenRange);
    }
    if let Some(data) = data {
        verifier.update(data)?;
    }
    verifier.finish(signature)?;
    Ok(Delivery::Done)
}
