//! Keys wrapped and unwrapped with authentication, nonce and tag apart (PKCS#11 3.2, sections 5.18.6 and 5.18.7).

use crate::attribute::Attributes;
use crate::error::{Error, Result};
use crate::mechanism::message::{Generator, Message, Nonces};
use crate::mechanism::{Mechanism, Row};
use crate::output::{Delivery, Output};
use crate::session::{Handle, Session};

/// The mechanism of one wrapped key.
fn mechanism(row: &'static Row, message: &Message, aad: &[u8]) -> Result<Mechanism> {
    let aead = row.family.aead().ok_or(Error::MechanismInvalid)?;
    Ok(Mechanism { row, params: aead.params(message, aad) })
}

impl Session {
    /// `C_WrapKeyAuthenticated`. `message` and `tag` have their new values only if the answer is `Done`.
    pub fn wrap_key_authenticated(
        &self,
        row: &'static Row,
        (message, aad): (&mut Message, &[u8]),
        (wrapping, key): (Handle, Handle),
        tag: &mut [u8],
        output: Output<'_>,
    ) -> Result<Delivery> {
        // There is no process here that a counter could go on in: it would give the same nonce each time.
        if matches!(message.generator, Generator::Counter | Generator::CounterXor) {
            return Err(Error::MechanismParamInvalid);
        }
        let mut filled = message.clone();
        Nonces::default().fill(&mut filled)?;
        let wrapped = self.wrapped(&mechanism(row, &filled, aad)?, wrapping, key)?;
        let length = wrapped.len().checked_sub(tag.len()).ok_or(Error::FunctionFailed)?;
        let (wrapped, found) = wrapped.split_at(length);
        let delivery = output.copy(wrapped)?;
        tag.copy_from_slice(found);
        *message = filled;
        Ok(delivery)
    }

    /// `C_UnwrapKeyAuthenticated`.
    pub fn unwrap_key_authenticated(
        &self,
        row: &'static Row,
        (message, aad): (&Message, &[u8]),
        unwrapping: Handle,
        (wrapped, tag): (&[u8], &[u8]),
        template: &Attributes,
    ) -> Result<Handle> {
        let mechanism = mechanism(row, message, aad)?;
        self.unwrap_key(&mechanism, unwrapping, &[wrapped, tag].concat(), template)
    }
}
