//! A shared secret that the HSM makes with a private key and gives out.

use cryptoki::error::Error;
use cryptoki::object::{AttributeType, ObjectHandle};
use cryptoki::session::Session;

use super::parts::Parts;

/// Reads a secret, and removes it from the HSM.
pub fn take(session: &Session, secret: ObjectHandle) -> Result<Parts, Error> {
    let read = Parts::read(session, secret, &[AttributeType::Value]);
    session.destroy_object(secret)?;
    read
}
