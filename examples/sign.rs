//! Makes a key pair in a token through the `cryptoki` crate, signs with it and verifies.
//!
//! ```text
//! cargo run --release --example sign /path/to/libcloister.so <token label> <PIN>
//! ```

use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::mechanism::Mechanism;
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use std::error::Error;

/// The named curve P-256 (secp256r1) as `CKA_EC_PARAMS` wants it: its object identifier in DER.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [module, label, pin] = &arguments[..] else {
        return Err("usage: sign MODULE TOKEN PIN".into());
    };
    let pkcs11 = Pkcs11::new(module)?;
    pkcs11.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    let session = pkcs11.open_rw_session(find_token(&pkcs11, label)?)?;
    session.login(UserType::User, Some(&AuthPin::new(pin.as_str().into())))?;

    let of_public = [Attribute::EcParams(P256.to_vec()), Attribute::Verify(true)];
    let of_private = [Attribute::Sensitive(true), Attribute::Sign(true)];
    let (public, private) = session.generate_key_pair(&Mechanism::EccKeyPairGen, &of_public, &of_private)?;

    let message = b"Signed from Rust.";
    let signature = session.sign(&Mechanism::EcdsaSha256, private, message)?;
    println!("signature of {} bytes", signature.len());
    session.verify(&Mechanism::EcdsaSha256, public, message, &signature)?;
    println!("verified");
    if session.verify(&Mechanism::EcdsaSha256, public, b"Something else.", &signature).is_ok() {
        return Err("a changed message was accepted".into());
    }
    println!("a changed message is refused");
    Ok(())
}

/// The slot whose token has this label.
fn find_token(pkcs11: &Pkcs11, label: &str) -> Result<Slot, Box<dyn Error>> {
    for slot in pkcs11.get_slots_with_initialized_token()? {
        if pkcs11.get_token_info(slot)?.label() == label {
            return Ok(slot);
        }
    }
    Err(format!("no token is called {label}").into())
}
