//! The module in this process, for tests that want a real one.

use std::ffi::CString;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::{Mutex, OnceLock};

use cloister_kms::hsm::{Login, Module, Token};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use tempfile::TempDir;

/// The PIN of every token's user.
pub const PIN: &str = "user-1234";

/// The PIN of every token's officer.
pub const OFFICER: &str = "officer-1";

/// The module, with a folder for its tokens.
pub struct Loaded {
    pub module: Pkcs11,
    pub path: PathBuf,
    /// Tokens are made one at a time.
    making: Mutex<()>,
    _folder: TempDir,
}

/// `CLOISTER_TEST_MODULE`, or where cargo has built it.
fn path() -> PathBuf {
    if let Some(path) = std::env::var_os("CLOISTER_TEST_MODULE") {
        return path.into();
    }
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let places = [folder.join("libcloister.so"), folder.join("../libcloister.so")];
    places.into_iter().find(|place| place.exists()).expect("run `cargo build -p cloister` first")
}

pub fn loaded() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cloister.toml");
        let settings = "data_dir = 'data'\nlog = 'off'\n[token]\nargon2_memory_kib = 8\nargon2_passes = 1\n";
        std::fs::write(&file, settings).unwrap();
        let path = path();
        let module = Pkcs11::new(&path).unwrap();
        initialize(&module, &format!("config={}", file.display()));
        Loaded { module, path, making: Mutex::new(()), _folder: folder }
    })
}

/// With its settings in `pReserved`: the environment can't be changed while other tests run.
#[allow(unsafe_code)]
fn initialize(module: &Pkcs11, settings: &str) {
    let text = CString::new(settings).unwrap();
    let reserved = NonNull::new(text.as_ptr().cast_mut().cast()).unwrap();
    // SAFETY: the module reads a string that ends with NUL, and only during this call.
    let arguments = unsafe { CInitializeArgs::new_with_reserved(CInitializeFlags::OS_LOCKING_OK, reserved) };
    module.initialize(arguments).unwrap();
}

impl Loaded {
    /// A new token with its user.
    pub fn make_token(&self, label: &str) -> Slot {
        self.make_token_for(label, Some(PIN))
    }

    /// A new token with a user, if there is to be one: a PIN, or `name:password`.
    pub fn make_token_for(&self, label: &str, user: Option<&str>) -> Slot {
        let _one = self.making.lock().unwrap();
        let slots = self.module.get_all_slots().unwrap();
        let free = |slot: &Slot| !self.module.get_token_info(*slot).unwrap().token_initialized();
        let slot = slots.into_iter().find(free).unwrap();
        self.module.init_token(slot, &secret(OFFICER), label).unwrap();
        if let Some(user) = user {
            self.set_user(slot, user);
        }
        slot
    }

    /// The token of that label, logged in. A program has one login a token, so there is one of each.
    pub fn log_in(&self, label: &str) -> Token {
        let module = Module::load(&self.path).unwrap();
        Token::open(&module, label, Login::new(PIN.to_owned().into())).unwrap()
    }

    /// As an officer: makes the user, or gives it another password.
    pub fn set_user(&self, slot: Slot, user: &str) {
        let session = self.module.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&secret(OFFICER))).unwrap();
        session.init_pin(&secret(user)).unwrap();
        session.logout().unwrap();
    }
}

pub fn secret(text: &str) -> AuthPin {
    AuthPin::new(text.to_owned().into())
}
