//! `cloister demo`: a token in a temporary folder, and what it does and refuses.

use crate::error::{Error, Result, Trying};
use crate::render::Answer;
use clap::Args;
use cloister::attribute::{AttributeType, Attributes, Value};
use cloister::config::{Config, TokenSettings};
use cloister::error::{Error as Hsm, Result as HsmResult};
use cloister::mechanism::{Mechanism, Params, Purpose, registry};
use cloister::output::Output;
use cloister::session::{Handle, Library, Session, UserType};
use cryptoki_sys as ck;
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;

/// Make a temporary token and show what it does.
///
/// Everything happens in a temporary folder, which is deleted at the end; your own tokens are not touched.
#[derive(Args, Debug)]
#[command(after_help = "Example:\n  cloister demo")]
pub struct Demo {}

/// One thing done, and what it shows.
#[derive(Serialize)]
struct Step {
    did: String,
    shows: &'static str,
}

const LABEL: &str = "demo";
const KEY_LABEL: &str = "demo signing key";
const OFFICER_PIN: &[u8] = b"officer-pin";
const USER_PIN: &[u8] = b"user-pin";
const MESSAGE: &[u8] = b"Pay 100 to Alice";
const FORGED: &[u8] = b"Pay 900 to Alice";

impl Demo {
    pub fn run(&self) -> Result<Answer> {
        let folder = tempfile::tempdir()
            .map_err(|error| Error::input(format!("can't make a temporary folder: {error}")))?;
        let mut stage = Stage { steps: Vec::new() };
        stage.play(folder.path())?;
        let texts: Vec<String> = stage.steps.iter().enumerate().map(|(at, step)| step.text(at + 1)).collect();
        let end = "Your own first token: cloister token init LABEL --with-user";
        Answer::text(format!("{}\n{end}", texts.concat()), stage.steps)
    }
}

impl Step {
    fn text(&self, number: usize) -> String {
        format!("{number}. {}\n   -> {}\n", self.did, self.shows)
    }
}

struct Stage {
    steps: Vec<Step>,
}

impl Stage {
    fn did(&mut self, did: impl Into<String>, shows: &'static str) {
        self.steps.push(Step { did: did.into(), shows });
    }

    fn play(&mut self, folder: &Path) -> Result<()> {
        // A quick PIN check: a demo's PIN protects nothing.
        let token = TokenSettings { argon2_memory_kib: 1024, argon2_passes: 1, ..TokenSettings::default() };
        let config = Config { token, ..Config::with_data_dir(folder.to_owned()) };
        let library = Library::new(config).trying(|| "open the slots".to_owned())?;
        let session = self.set_up(&library).trying(|| "make a token".to_owned())?;
        self.sign(&session).trying(|| "sign".to_owned())?;
        self.encrypt(&session).trying(|| "encrypt".to_owned())?;
        self.keep_secrets(&session).trying(|| "ask for what is secret".to_owned())?;
        self.look_at_rest(folder)?;
        library.close();
        Ok(())
    }

    fn set_up(&mut self, library: &Library) -> HsmResult<Arc<Session>> {
        let id = *library.slots(true).first().ok_or(Hsm::SlotIdInvalid)?;
        let slot = library.slot(id)?;
        slot.init_token(OFFICER_PIN, LABEL)?;
        let serial = slot.token().info()?.serial;
        self.did(
            format!("Made the token \"{LABEL}\" in slot {id}, serial {serial}."),
            "a folder is all that an HSM needs: no daemon, no set-up",
        );
        let session = library.session(library.open_session(id, true)?)?;
        session.login(UserType::Officer, OFFICER_PIN)?;
        session.init_pin(USER_PIN)?;
        session.logout()?;
        self.did("The crypto officer made the crypto user.", "officers manage users, and never use keys");
        refused(session.login(UserType::User, b"wrong-pin"), Hsm::PinIncorrect)?;
        session.login(UserType::User, USER_PIN)?;
        self.did(
            "The user logged in: a wrong PIN was refused, the right one taken.",
            "wrong PINs are counted, and after a few the user is locked",
        );
        Ok(session)
    }

    fn sign(&mut self, session: &Session) -> HsmResult<()> {
        let (public, private) = session.turn()?.generate_key_pair(
            &mechanism(ck::CKM_EC_KEY_PAIR_GEN, Params::None)?,
            &template(&[(ck::CKA_EC_PARAMS, Value::from(P256)), (ck::CKA_TOKEN, true.into())]).into(),
            &template(&[
                (ck::CKA_TOKEN, true.into()),
                (ck::CKA_PRIVATE, true.into()),
                (ck::CKA_SENSITIVE, true.into()),
                (ck::CKA_EXTRACTABLE, false.into()),
                (ck::CKA_LABEL, KEY_LABEL.as_bytes().into()),
            ])
            .into(),
        )?;
        self.did("Generated a P-256 key pair.", "the private key was made in the token and can't leave it");
        let ecdsa = mechanism(ck::CKM_ECDSA_SHA256, Params::None)?;
        let signature = whole(session, Purpose::Sign, &ecdsa, private, MESSAGE)?;
        session.turn()?.begin(Purpose::Verify, &ecdsa, Some(public))?;
        session.turn()?.verify(MESSAGE, &signature)?;
        session.turn()?.begin(Purpose::Verify, &ecdsa, Some(public))?;
        refused(session.turn()?.verify(FORGED, &signature), Hsm::SignatureInvalid)?;
        self.did(
            format!(
                "Signed \"{}\": the signature fits it, and not \"{}\".",
                String::from_utf8_lossy(MESSAGE),
                String::from_utf8_lossy(FORGED)
            ),
            "ECDSA with SHA-256, as any PKCS#11 program would ask for it",
        );
        let value = session.attributes(private, &[ck::CKA_VALUE])?;
        let refusal = value.into_iter().next().ok_or(Hsm::GeneralError)?;
        refused(refusal, Hsm::AttributeSensitive)?;
        self.did(
            "Asked for the private key's value: CKR_ATTRIBUTE_SENSITIVE.",
            "what is not extractable leaves by no door",
        );
        Ok(())
    }

    fn encrypt(&mut self, session: &Session) -> HsmResult<()> {
        let key = session.turn()?.generate_key(
            &mechanism(ck::CKM_AES_KEY_GEN, Params::None)?,
            &template(&[(ck::CKA_VALUE_LEN, 32u64.into()), (ck::CKA_TOKEN, false.into())]).into(),
        )?;
        let mut iv = vec![0; 12];
        session.turn()?.random(&mut iv)?;
        let gcm = mechanism(ck::CKM_AES_GCM, Params::Gcm { iv: iv.into(), aad: Vec::new(), tag_bits: 128 })?;
        let mut sealed = whole(session, Purpose::Encrypt, &gcm, key, MESSAGE)?;
        let opened = whole(session, Purpose::Decrypt, &gcm, key, &sealed)?;
        if opened != MESSAGE {
            return Err(Hsm::GeneralError);
        }
        sealed.iter_mut().take(1).for_each(|byte| *byte ^= 1);
        match whole(session, Purpose::Decrypt, &gcm, key, &sealed) {
            Ok(_) => return Err(Hsm::GeneralError),
            Err(_) => self.did(
                "Encrypted and decrypted with AES-256-GCM; with one bit changed, decryption was refused.",
                "authenticated encryption, with a key that lives as long as the session",
            ),
        }
        Ok(())
    }

    fn keep_secrets(&mut self, session: &Session) -> HsmResult<()> {
        session.logout()?;
        session.find_init(&template(&[(ck::CKA_CLASS, ck::CKO_PRIVATE_KEY.into())]))?;
        let seen = session.find(16)?.len();
        session.find_final()?;
        if seen > 0 {
            return Err(Hsm::GeneralError);
        }
        self.did(
            "Logged out, and looked for private keys: none to be seen.",
            "nobody sees what isn't theirs",
        );
        Ok(())
    }

    fn look_at_rest(&mut self, folder: &Path) -> Result<()> {
        let bytes =
            read_all(folder).map_err(|error| Error::input(format!("can't read the store: {error}")))?;
        let shown = |needle: &[u8]| bytes.windows(needle.len()).any(|window| window == needle);
        if shown(KEY_LABEL.as_bytes()) || shown(USER_PIN) || shown(OFFICER_PIN) {
            return Err(Error::Hsm("the store shows what it should hide".to_owned(), Hsm::GeneralError));
        }
        self.did(
            format!(
                "Searched the store's {} bytes for the PINs and the key's label: not there.",
                bytes.len()
            ),
            "private objects are sealed whole on disk",
        );
        Ok(())
    }
}

/// `CKA_EC_PARAMS` of P-256: the DER encoding of its object identifier, 1.2.840.10045.3.1.7.
const P256: &[u8] = &[0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];

fn mechanism(id: u64, params: Params) -> HsmResult<Mechanism> {
    let row = registry::find(id).ok_or(Hsm::MechanismInvalid)?;
    Ok(Mechanism { row, params })
}

fn template(attributes: &[(AttributeType, Value)]) -> Attributes {
    attributes.iter().cloned().collect()
}

/// One operation in one step.
fn whole(
    session: &Session,
    purpose: Purpose,
    mechanism: &Mechanism,
    key: Handle,
    input: &[u8],
) -> HsmResult<Vec<u8>> {
    session.turn()?.begin(purpose, mechanism, Some(key))?;
    let mut buffer = vec![0; 512];
    let mut length = buffer.len() as u64;
    session.turn()?.whole(purpose, input, Output::new(Some(&mut buffer), &mut length))?;
    buffer.truncate(length as usize);
    Ok(buffer)
}

/// A refusal that a step counts on.
fn refused<T>(answer: HsmResult<T>, expected: Hsm) -> HsmResult<()> {
    match answer {
        Err(error) if error == expected => Ok(()),
        Err(other) => Err(other),
        Ok(_) => Err(Hsm::GeneralError),
    }
}

/// All bytes of all files in a folder and the folders in it.
fn read_all(folder: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        bytes.extend(if path.is_dir() { read_all(&path)? } else { std::fs::read(&path)? });
    }
    Ok(bytes)
}
