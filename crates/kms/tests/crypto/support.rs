//! The module in this process, and a service of its own for each test.

use std::ffi::CString;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::{Arc, Mutex, OnceLock};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cloister_kms::api::error::{Code, Fault};
use cloister_kms::api::operations::Operation;
use cloister_kms::auth::caller::Caller;
use cloister_kms::hsm::{Login, Module, Token};
use cloister_kms::service::{Call, Service};
use cloister_kms::settings::Settings;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::{Attribute, ObjectHandle};
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use serde_json::{Value, json};
use tempfile::TempDir;

const PIN: &str = "user-1234";
const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

struct Loaded {
    module: Pkcs11,
    path: PathBuf,
    /// Tokens are made one at a time.
    tokens: Mutex<()>,
    _folder: TempDir,
}

/// `CLOISTER_TEST_MODULE`, or where cargo has built it.
fn module_path() -> PathBuf {
    if let Some(path) = std::env::var_os("CLOISTER_TEST_MODULE") {
        return path.into();
    }
    let folder = std::env::current_exe().unwrap().parent().unwrap().to_owned();
    let places = [folder.join("libcloister.so"), folder.join("../libcloister.so")];
    places.into_iter().find(|place| place.exists()).expect("run `cargo build -p cloister` first")
}

fn loaded() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cloister.toml");
        let settings = "data_dir = 'data'\nlog = 'off'\n[token]\nargon2_memory_kib = 8\nargon2_passes = 1\n";
        std::fs::write(&file, settings).unwrap();
        let path = module_path();
        let module = Pkcs11::new(&path).unwrap();
        initialize(&module, &format!("config={}", file.display()));
        Loaded { module, path, tokens: Mutex::new(()), _folder: folder }
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
    fn make_token(&self, label: &str) {
        let _one = self.tokens.lock().unwrap();
        let slots = self.module.get_all_slots().unwrap();
        let free =
            slots.into_iter().find(|slot| !self.module.get_token_info(*slot).unwrap().token_initialized());
        let slot = free.unwrap();
        let officer = AuthPin::new("officer-1".to_owned().into());
        self.module.init_token(slot, &officer, label).unwrap();
        let session = self.module.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&officer)).unwrap();
        session.init_pin(&AuthPin::new(PIN.to_owned().into())).unwrap();
        session.logout().unwrap();
    }
}

/// A front without a socket.
pub struct Front {
    pub service: Service,
    caller: Caller,
}

impl Front {
    /// Over a new token called `label`.
    pub fn new(label: &str) -> Self {
        loaded().make_token(label);
        let module = Module::load(&loaded().path).unwrap();
        let login = Login::new(PIN.to_owned().into());
        Self::over(Arc::new(Token::open(&module, label, login).unwrap()))
    }

    /// Another front on the same token.
    pub fn beside(&self) -> Self {
        Self::over(self.service.token.clone())
    }

    fn over(token: Arc<Token>) -> Self {
        let settings = "listen = 'none'\nmodule = 'none'\ntoken = 'none'\npin-file = 'none'\naccess = 'open'";
        let caller = Caller {
            account: ACCOUNT.to_owned(),
            arn: format!("arn:aws:iam::{ACCOUNT}:root"),
            access_key: String::new(),
            via_service: None,
            region: REGION.to_owned(),
            source: None,
            tls: false,
        };
        Self { service: Service::new(Settings::parse(settings).unwrap(), token, None), caller }
    }

    pub fn ask(&self, operation: &str, request: Value) -> Result<Value, Fault> {
        let operation = Operation::named(operation).unwrap();
        (operation.run)(&Call::new(&self.service, &self.caller, operation.name, "request-1"), &request)
    }

    pub fn get(&self, operation: &str, request: Value) -> Value {
        self.ask(operation, request).unwrap_or_else(|fault| panic!("{operation}: {fault}"))
    }

    /// The error's name.
    pub fn refused(&self, operation: &str, request: Value) -> Code {
        self.ask(operation, request).expect_err(operation).code
    }

    /// A new key's ARN.
    pub fn key(&self, spec: &str, usage: &str) -> String {
        let made = self.get("CreateKey", json!({ "KeySpec": spec, "KeyUsage": usage }));
        made["KeyMetadata"]["Arn"].as_str().unwrap().to_owned()
    }

    /// What the token has that looks so.
    pub fn find(&self, template: &[Attribute]) -> Vec<ObjectHandle> {
        self.service.token.with(|session| session.find_objects(template)).unwrap()
    }
}

/// A binary member of a request.
pub fn blob(bytes: &[u8]) -> String {
    BASE64_STANDARD.encode(bytes)
}

/// A binary member of an answer.
pub fn bytes(member: &Value) -> Vec<u8> {
    BASE64_STANDARD.decode(member.as_str().unwrap()).unwrap()
}
