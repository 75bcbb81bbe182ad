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
pub mod oaep;
mod pair;
pub mod parts;
mod pkcs8;
pub mod public_key;
pub mod random;
mod recipient;
pub mod reencrypt;
mod secret;
pub mod sign;
mod signature;
pub mod spki;
pub mod template;
mod wrapped;

use openssl::error::ErrorStack;

use crate::hsm::Trouble;

/// OpenSSL failed where nobody's data is to blame. Its texts hold no data.
fn from_openssl(error: ErrorStack) -> Trouble {
    Trouble::Other(error.to_string())
}

/// Some HSMs (SoftHSM) fail without a reason where others say that data doesn't decrypt. If the same key does its work on a probe, it was the data.
fn explained<T>(
    result: std::result::Result<T, Trouble>,
    probe: impl FnOnce() -> std::result::Result<T, Trouble>,
) -> std::result::Result<T, Trouble> {
    match result {
        Err(Trouble::Unexplained(why)) => match probe() {
            Ok(_) => Err(Trouble::BadData),
            Err(_) => Err(Trouble::Unexplained(why)),
        },
        result => result,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_is_blamed_only_where_the_key_works_on_other_data() {
        let silent = || Err::<(), _>(Trouble::Unexplained("general error".to_owned()));
        assert_eq!(explained(silent(), || Ok(())), Err(Trouble::BadData));
        assert_eq!(explained(silent(), silent), silent());
        let gone = || Err::<(), _>(Trouble::NoObject);
        assert_eq!(explained(gone(), || Ok(())), gone());
    }
}
