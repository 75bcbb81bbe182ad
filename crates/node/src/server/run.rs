//! A whole operation in one call.

use cloister::attribute::Bytes;
use cloister::error::{Error, Result};
use cloister::proto::message::Reply;
use cloister::token::{Begun, Operation};

/// Gives an operation all its input and takes its result. `signature`: what is to be verified.
pub(super) fn whole(begun: Begun, input: &[u8], signature: Option<&[u8]>) -> Result<Reply> {
    let Begun::Ready(operation, _) = begun else { return Err(Error::UserNotLoggedIn) };
    match operation {
        Operation::Cipher(mut cipher) => {
            filled(cipher.whole_size(input.len()).bound(), |output| cipher.whole(input, output))
        }
        Operation::Signer(mut signer) => {
            signer.update(input)?;
            filled(signer.size(), |output| signer.finish(output))
        }
        Operation::Verifier(mut verifier) => {
            let signature = signature.ok_or(Error::ArgumentsBad)?;
            if !verifier.accepts(signature.len()) {
                return Err(Error::SignatureLenRange);
            }
            verifier.update(input)?;
            verifier.finish(signature)?;
            Ok(Reply::Done)
        }
        Operation::Digester(_) => Err(Error::KeyNotNeeded),
    }
}

/// Gives a signature the digest that was made of its input elsewhere.
pub(super) fn digested(begun: Begun, digest: &[u8]) -> Result<Reply> {
    match begun {
        Begun::Ready(Operation::Signer(mut signer), _) => {
            filled(signer.size(), |output| signer.finish_digest(digest, output))
        }
        Begun::Ready(..) => Err(Error::MechanismInvalid),
        Begun::PinFirst => Err(Error::UserNotLoggedIn),
    }
}

fn filled(room: usize, run: impl FnOnce(&mut [u8]) -> Result<usize>) -> Result<Reply> {
    let mut output = Bytes::zeroed(room);
    let written = run(&mut output)?;
    output.truncate(written);
    Ok(Reply::Bytes(output))
}
