//! The module with a token for each test, and fronts over the one that is the default key store.

use std::ffi::CString;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};

use cloister_kms::api::error::{Code, Fault};
use cloister_kms::api::operations::Operation;
use cloister_kms::auth::caller::Caller;
use cloister_kms::hsm::{Login, Module, Token};
use cloister_kms::service::{Call, Service};
use cloister_kms::settings::Settings;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::session::UserType;
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificates::Identity;

/// The PIN of the default key store's user, and the first password of each kmsuser.
pub const PIN: &str = "user-1234";
pub const OFFICER: &str = "officer-1";
pub const ACCOUNT: &str = "111122223333";

/// The module in this process.
pub struct Loaded {
    pub module: Pkcs11,
    pub path: PathBuf,
    folder: TempDir,
    making: Mutex<()>,
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

pub fn loaded() -> &'static Loaded {
    static LOADED: OnceLock<Loaded> = OnceLock::new();
    LOADED.get_or_init(|| {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("cloister.toml");
        let settings = "data_dir = 'data'\nlog = 'off'\n[token]\nargon2_memory_kib = 8\nargon2_passes = 1\n";
        std::fs::write(&file, settings).unwrap();
        let path = module_path();
        let module = Pkcs11::new(&path).unwrap();
        initialize(&module, &format!("config={}", file.display()));
        Loaded { module, path, folder, making: Mutex::default() }
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
    /// Makes a token, with a user if there is to be one: `PIN`, or `name:password`.
    pub fn token(&self, label: &str, user: Option<&str>) -> Slot {
        let _turn = self.making.lock();
        let free =
            |slot: &Slot| !self.module.get_token_info(*slot).is_ok_and(|info| info.token_initialized());
        let slot = self.module.get_all_slots().unwrap().into_iter().find(free).unwrap();
        self.module.init_token(slot, &pin(OFFICER), label).unwrap();
        if let Some(user) = user {
            self.set_user(slot, user);
        }
        slot
    }

    /// As an officer: makes the user, or gives it another password.
    pub fn set_user(&self, slot: Slot, user: &str) {
        let session = self.module.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&pin(OFFICER))).unwrap();
        session.init_pin(&pin(user)).unwrap();
        session.logout().unwrap();
    }

    /// A CA's certificate of that common name, in a file.
    pub fn certificate(&self, name: &str) -> PathBuf {
        Identity::new(name, None).write(self.folder.path(), name);
        self.folder.path().join(format!("{name}.pem"))
    }
}

pub fn pin(text: &str) -> AuthPin {
    AuthPin::new(text.to_owned().into())
}

/// The default key store's token: one for all tests, for a program has one login a token.
fn default_store() -> Arc<Token> {
    static TOKEN: OnceLock<Arc<Token>> = OnceLock::new();
    let make = || {
        let loaded = loaded();
        loaded.token("kms", Some(PIN));
        let module = Module::load(&loaded.path).unwrap();
        Arc::new(Token::open(&module, "kms", Login::new(PIN.to_owned().into())).unwrap())
    };
    TOKEN.get_or_init(make).clone()
}

/// A front. Each test has a Region of its own, so that they don't see each other's stores.
pub struct Front {
    pub service: Arc<Service>,
    region: &'static str,
}

impl Front {
    /// With clusters and endpoints, as the settings file has them.
    pub fn new(region: &'static str, stores: &str) -> Self {
        let module = loaded().path.display();
        let head = format!(
            "listen = ''\nmodule = '{module}'\ntoken = 'kms'\npin-file = 'none'\nregions = ['{region}']\n"
        );
        let settings =
            Settings::parse(&format!("{head}access = 'open'\naccount = '{ACCOUNT}'\n{stores}")).unwrap();
        Self { service: Arc::new(Service::new(settings, default_store(), None)), region }
    }

    /// Asks; what comes back is the answer or the error.
    pub fn ask(&self, operation: &str, request: Value) -> Result<Value, Fault> {
        let operation = Operation::named(operation).unwrap();
        let caller = Caller {
            account: ACCOUNT.to_owned(),
            arn: format!("arn:aws:iam::{ACCOUNT}:user/alice"),
            access_key: String::new(),
            via_service: Some("s3.eu-west-1.amazonaws.com".to_owned()),
            region: self.region.to_owned(),
            source: None,
            tls: false,
        };
        (operation.run)(&Call::new(&self.service, &caller, operation.name, "request-1"), &request)
    }

    /// Asks for what must succeed.
    pub fn get(&self, operation: &str, request: Value) -> Value {
        self.ask(operation, request).unwrap()
    }

    /// Asks for what must fail.
    pub fn refused(&self, operation: &str, request: Value) -> Code {
        self.ask(operation, request).unwrap_err().code
    }

    /// What DescribeCustomKeyStores tells of a store.
    pub fn store(&self, id: &str) -> Value {
        self.get("DescribeCustomKeyStores", json!({"CustomKeyStoreId": id}))["CustomKeyStores"][0].clone()
    }

    /// Connects and waits until that is decided: the state, and the code if it failed.
    pub fn connect(&self, id: &str) -> (String, Option<String>) {
        self.get("ConnectCustomKeyStore", json!({"CustomKeyStoreId": id}));
        loop {
            let store = self.store(id);
            let text = |member: &str| store[member].as_str().map(str::to_owned);
            match text("ConnectionState").unwrap().as_str() {
                "CONNECTING" => std::thread::yield_now(),
                state => return (state.to_owned(), text("ConnectionErrorCode")),
            }
        }
    }

    /// Connects a store, which must work.
    pub fn connect_well(&self, id: &str) {
        assert_eq!(self.connect(id), ("CONNECTED".to_owned(), None));
    }

    pub fn disconnect(&self, id: &str) {
        self.get("DisconnectCustomKeyStore", json!({"CustomKeyStoreId": id}));
    }
}
