//! What keys do: the cryptographic operations. Private and secret keys work in the HSM; what needs only a public key is done here.

pub mod aead;
pub mod agree;
pub mod blob;
pub mod cipher;
pub mod context;
pub mod data_key;
pub mod data_key_pair;
pub mod encapsulate;
pub mod encrypt;
pub mod last_use;
pub mod mac;
pub mod material;
mod oaep;
mod pair;
mod parts;
mod pkcs8;
pub mod public_key;
pub mod random;
mod recipient;
pub mod reencrypt;
mod secret;
pub mod sign;
mod signature;
mod spki;
pub mod template;

use openssl::error::ErrorStack;

use crate::hsm::Trouble;

/// OpenSSL failed where nobody's data is to blame. Its texts hold no data.
fn from_openssl(error: ErrorStack) -> Trouble {
    Trouble::Other(error.to_string())
}
