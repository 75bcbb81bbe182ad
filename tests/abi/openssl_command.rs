//! Cross-checks against OpenSSL's own command line, whichever version the machine has: what the module encrypts, digests and signs is what it
//! makes of the same key and data, or holds to be right.

use crate::common::cases::{input, odd_parity};
use crate::common::*;
use openssl::bn::BigNum;
use openssl::ecdsa::EcdsaSig;
use std::io::Write;
use std::process::{Command, Stdio};
use tempfile::TempDir;

/// What `openssl` prints for that input; what it complains of, if it fails.
fn openssl(arguments: &[String], data: &[u8]) -> Vec<u8> {
    let mut command = Command::new("openssl");
    command.args(arguments).env_remove("OPENSSL_CONF");
    let mut running =
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    // Little enough for a pipe, so that nobody waits for the other.
    running.stdin.take().unwrap().write_all(data).unwrap();
    let done = running.wait_with_output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&done.stderr));
    done.stdout
}

/// The words of a command, and where the old algorithms are.
fn words(command: &str) -> Vec<String> {
    let providers = "-provider default -provider legacy";
    command.split(' ').chain(providers.split(' ')).map(str::to_owned).collect()
}

fn token() -> Token {
    Token::new_in(Folder::with_token("legacy = true"))
}

/// A cipher: its name for OpenSSL, the type and bytes of its key, and the bytes of its initialisation vector.
type Row = (CK_MECHANISM_TYPE, &'static str, CK_KEY_TYPE, usize, usize);

#[rustfmt::skip]
const CIPHERS: &[Row] = &[
    (CKM_AES_ECB, "aes-128-ecb", CKK_AES, 16, 0),
    (CKM_AES_CBC, "aes-192-cbc", CKK_AES, 24, 16),
    (CKM_AES_CTR, "aes-256-ctr", CKK_AES, 32, 16),
    (CKM_AES_OFB, "aes-256-ofb", CKK_AES, 32, 16),
    (CKM_AES_CFB1, "aes-256-cfb1", CKK_AES, 32, 16),
    (CKM_AES_CFB8, "aes-256-cfb8", CKK_AES, 32, 16),
    (CKM_AES_CFB128, "aes-256-cfb", CKK_AES, 32, 16),
    (CKM_ARIA_ECB, "aria-192-ecb", CKK_ARIA, 24, 0),
    (CKM_ARIA_CBC, "aria-256-cbc", CKK_ARIA, 32, 16),
    (CKM_CAMELLIA_ECB, "camellia-192-ecb", CKK_CAMELLIA, 24, 0),
    (CKM_CAMELLIA_CBC, "camellia-256-cbc", CKK_CAMELLIA, 32, 16),
    (CKM_CAMELLIA_CTR, "camellia-128-ctr", CKK_CAMELLIA, 16, 16),
    (CKM_CHACHA20, "chacha20", CKK_CHACHA20, 32, 16),
    (CKM_DES3_ECB, "des-ede3", CKK_DES3, 24, 0),
    (CKM_DES3_CBC, "des-ede3-cbc", CKK_DES3, 24, 8),
    (CKM_DES3_CBC, "des-ede-cbc", CKK_DES2, 16, 8),
    (CKM_DES_ECB, "des-ecb", CKK_DES, 8, 0),
    (CKM_DES_CBC, "des-cbc", CKK_DES, 8, 8),
    (CKM_DES_OFB64, "des-ofb", CKK_DES, 8, 8),
    (CKM_DES_CFB64, "des-cfb", CKK_DES, 8, 8),
    (CKM_DES_CFB8, "des-cfb8", CKK_DES, 8, 8),
];

#[rustfmt::skip]
const PADDED: &[Row] = &[
    (CKM_AES_CBC_PAD, "aes-256-cbc", CKK_AES, 32, 16),
    (CKM_ARIA_CBC_PAD, "aria-128-cbc", CKK_ARIA, 16, 16),
    (CKM_CAMELLIA_CBC_PAD, "camellia-256-cbc", CKK_CAMELLIA, 32, 16),
    (CKM_DES3_CBC_PAD, "des-ede3-cbc", CKK_DES3, 24, 8),
    (CKM_DES_CBC_PAD, "des-cbc", CKK_DES, 8, 8),
];

/// Encrypts with the module and with OpenSSL.
fn both_encrypt(session: Session, (id, name, key_type, length, iv): Row, padding: &str, data: &[u8]) {
    let (value, iv) = (odd_parity(input(length)), input(iv));
    let key = keys::secret(session, key_type, &value, template![]);
    let mechanism = match id {
        CKM_AES_CTR | CKM_CAMELLIA_CTR => Mechanism::ctr(128, iv[..].try_into().unwrap()).with_id(id),
        CKM_CHACHA20 => Mechanism::chacha20(&iv[..4], &iv[4..]),
        _ if iv.is_empty() => Mechanism::plain(id),
        _ => Mechanism::bytes(id, &iv),
    };
    let mut command = words(&format!("enc -{name}{padding} -K {}", hex::encode(&value)));
    if !iv.is_empty() {
        command.extend(["-iv".to_owned(), hex::encode(&iv)]);
    }
    assert_eq!(session.encrypt(&mechanism, key, data).unwrap(), openssl(&command, data), "{name}");
}

#[test]
fn ciphers_are_those_of_the_command_line() {
    isolated(|_| {
        let token = token();
        let session = token.user();
        for row in CIPHERS {
            both_encrypt(session, *row, " -nopad", &input(64));
        }
        for row in PADDED {
            for length in [0, 8, 61] {
                both_encrypt(session, *row, "", &input(length));
            }
        }
    });
}

/// Digests: the mechanism, its name for OpenSSL, the HMAC, and the signatures of RSA: PKCS #1 and PSS.
type Digest = (CK_MECHANISM_TYPE, &'static str, CK_MECHANISM_TYPE, Option<CK_MECHANISM_TYPE>, Option<Pss>);
/// The mechanism, its mask generation, and the bytes of the digest, which are those of the salt.
type Pss = (CK_MECHANISM_TYPE, CK_ULONG, usize);

#[rustfmt::skip]
const DIGESTS: &[Digest] = &[
    (CKM_SHA_1, "sha1", CKM_SHA_1_HMAC, Some(CKM_SHA1_RSA_PKCS), Some((CKM_SHA1_RSA_PKCS_PSS, CKG_MGF1_SHA1, 20))),
    (CKM_SHA224, "sha224", CKM_SHA224_HMAC, Some(CKM_SHA224_RSA_PKCS), Some((CKM_SHA224_RSA_PKCS_PSS, CKG_MGF1_SHA224, 28))),
    (CKM_SHA256, "sha256", CKM_SHA256_HMAC, Some(CKM_SHA256_RSA_PKCS), Some((CKM_SHA256_RSA_PKCS_PSS, CKG_MGF1_SHA256, 32))),
    (CKM_SHA384, "sha384", CKM_SHA384_HMAC, Some(CKM_SHA384_RSA_PKCS), Some((CKM_SHA384_RSA_PKCS_PSS, CKG_MGF1_SHA384, 48))),
    (CKM_SHA512, "sha512", CKM_SHA512_HMAC, Some(CKM_SHA512_RSA_PKCS), Some((CKM_SHA512_RSA_PKCS_PSS, CKG_MGF1_SHA512, 64))),
    (CKM_SHA3_224, "sha3-224", CKM_SHA3_224_HMAC, Some(CKM_SHA3_224_RSA_PKCS), Some((CKM_SHA3_224_RSA_PKCS_PSS, CKG_MGF1_SHA3_224, 28))),
    (CKM_SHA3_256, "sha3-256", CKM_SHA3_256_HMAC, Some(CKM_SHA3_256_RSA_PKCS), Some((CKM_SHA3_256_RSA_PKCS_PSS, CKG_MGF1_SHA3_256, 32))),
    (CKM_SHA3_384, "sha3-384", CKM_SHA3_384_HMAC, Some(CKM_SHA3_384_RSA_PKCS), Some((CKM_SHA3_384_RSA_PKCS_PSS, CKG_MGF1_SHA3_384, 48))),
    (CKM_SHA3_512, "sha3-512", CKM_SHA3_512_HMAC, Some(CKM_SHA3_512_RSA_PKCS), Some((CKM_SHA3_512_RSA_PKCS_PSS, CKG_MGF1_SHA3_512, 64))),
    (CKM_SHA512_224, "sha512-224", CKM_SHA512_224_HMAC, None, None),
    (CKM_SHA512_256, "sha512-256", CKM_SHA512_256_HMAC, None, None),
    (CKM_BLAKE2B_512, "blake2b512", CKM_BLAKE2B_512_HMAC, None, None),
    (CKM_MD5, "md5", CKM_MD5_HMAC, Some(CKM_MD5_RSA_PKCS), None),
    (CKM_RIPEMD160, "ripemd160", CKM_RIPEMD160_HMAC, Some(CKM_RIPEMD160_RSA_PKCS), None),
];

#[test]
fn digests_and_macs_are_those_of_the_command_line() {
    isolated(|_| {
        let token = token();
        let session = token.user();
        let (data, value) = (input(1000), input(40));
        let secret = keys::secret(session, CKK_GENERIC_SECRET, &value, template![]);
        for (id, name, hmac, ..) in DIGESTS {
            let digest = session.digest(&Mechanism::plain(*id), &data).unwrap();
            assert_eq!(digest, openssl(&words(&format!("dgst -{name} -binary")), &data), "{name}");
            let mac = session.sign(&Mechanism::plain(*hmac), secret, &data).unwrap();
            let key = hex::encode(&value);
            let command = format!("mac -digest {name} -macopt hexkey:{key} -binary -in - HMAC");
            assert_eq!(mac, openssl(&words_before_algorithm(&command), &data), "{name}");
        }
        let gmac = Mechanism::gcm(&[3; 12], b"").with_id(CKM_AES_GMAC);
        for (mechanism, key_type, length, options, algorithm) in [
            (Mechanism::plain(CKM_AES_CMAC), CKK_AES, 24, "-cipher aes-192-cbc ", "CMAC"),
            (Mechanism::plain(CKM_DES3_CMAC), CKK_DES3, 24, "-cipher des-ede3-cbc ", "CMAC"),
            (gmac, CKK_AES, 32, "-cipher aes-256-gcm -macopt hexiv:030303030303030303030303 ", "GMAC"),
            (Mechanism::plain(CKM_POLY1305), CKK_POLY1305, 32, "", "POLY1305"),
        ] {
            let value = odd_parity(input(length));
            let key = keys::secret(session, key_type, &value, template![]);
            let mac = session.sign(&mechanism, key, &data).unwrap();
            let key = hex::encode(&value);
            let command = format!("mac {options}-macopt hexkey:{key} -binary -in - {algorithm}");
            assert_eq!(mac, openssl(&words_before_algorithm(&command), &data), "{algorithm}");
        }
    });
}

/// `openssl mac` takes the algorithm's name after all options.
fn words_before_algorithm(command: &str) -> Vec<String> {
    let (options, algorithm) = command.rsplit_once(' ').unwrap();
    [words(options), vec![algorithm.to_owned()]].concat()
}

/// Writes a public key where OpenSSL can read it, and says how to check signatures with it.
fn checking(session: Session, public: Handle, folder: &TempDir) -> String {
    let info = session.get(public, CKA_PUBLIC_KEY_INFO).unwrap();
    std::fs::write(folder.path().join("key"), info).unwrap();
    let at = |name| folder.path().join(name).to_str().unwrap().to_owned();
    format!("-keyform DER -verify {} -signature {}", at("key"), at("signature"))
}

#[test]
fn the_command_line_checks_what_rsa_and_ecdsa_keys_sign() {
    isolated(|_| {
        let token = token();
        let session = token.user();
        let folder = TempDir::new().unwrap();
        let data = input(1000);
        let check = |command: String, signature: &[u8]| {
            std::fs::write(folder.path().join("signature"), signature).unwrap();
            let said = openssl(&words(&command), &data);
            assert!(said.starts_with(b"Verified OK"), "{command}");
        };
        let (public, private) = keys::rsa(session, 2048, template![]);
        let how = checking(session, public, &folder);
        for (id, name, _, pkcs1, pss) in DIGESTS {
            if let Some(pkcs1) = pkcs1 {
                let signature = session.sign(&Mechanism::plain(*pkcs1), private, &data).unwrap();
                check(format!("dgst -{name} {how}"), &signature);
            }
            if let Some((pss, mgf, salt)) = pss {
                let signature =
                    session.sign(&Mechanism::pss(*pss, *id, *mgf, *salt), private, &data).unwrap();
                let options = format!("-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:{salt}");
                check(format!("dgst -{name} {options} {how}"), &signature);
            }
        }
        let (public, private) = keys::ec(session, keys::P384, template![]);
        let how = checking(session, public, &folder);
        for (id, name) in [
            (CKM_ECDSA_SHA1, "sha1"),
            (CKM_ECDSA_SHA224, "sha224"),
            (CKM_ECDSA_SHA256, "sha256"),
            (CKM_ECDSA_SHA384, "sha384"),
            (CKM_ECDSA_SHA512, "sha512"),
            (CKM_ECDSA_SHA3_224, "sha3-224"),
            (CKM_ECDSA_SHA3_256, "sha3-256"),
            (CKM_ECDSA_SHA3_384, "sha3-384"),
            (CKM_ECDSA_SHA3_512, "sha3-512"),
        ] {
            let signature = session.sign(&Mechanism::plain(id), private, &data).unwrap();
            let number = |half: &[u8]| BigNum::from_slice(half).unwrap();
            let (r, s) = signature.split_at(signature.len() / 2);
            let encoded = EcdsaSig::from_private_components(number(r), number(s)).unwrap().to_der().unwrap();
            check(format!("dgst -{name} {how}"), &encoded);
        }
    });
}
