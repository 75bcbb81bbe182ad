//! A token in a folder, fronts over it, and a look at what is in it.

use std::ffi::CString;
use std::path::PathBuf;
use std::ptr::NonNull;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cloister_kms::api::error::Fault;
use cloister_kms::api::operations::Operation;
use cloister_kms::auth::caller::Caller;
use cloister_kms::book::label;
use cloister_kms::clock::Moment;
use cloister_kms::housekeeping::Report;
use cloister_kms::hsm::{Login, Module, Token};
use cloister_kms::keys::record::KeyRecord;
use cloister_kms::service::{Call, Service};
use cloister_kms::settings::Settings;
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::object::Attribute;
use cryptoki::session::UserType;
use cryptoki::types::AuthPin;
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;
use tempfile::TempDir;
use zeroize::Zeroizing;

const PIN: &str = "user-1234";
pub const ACCOUNT: &str = "111122223333";
pub const HOME: &str = "us-east-1";
pub const ABROAD: &str = "eu-west-1";

/// The token of this process, logged in.
struct Loaded {
    token: Arc<Token>,
    _module: Pkcs11,
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
        let slot = module.get_all_slots().unwrap()[0];
        let officer = AuthPin::new("officer-1".to_owned().into());
        module.init_token(slot, &officer, "kms").unwrap();
        let session = module.open_rw_session(slot).unwrap();
        session.login(UserType::So, Some(&officer)).unwrap();
        session.init_pin(&AuthPin::new(PIN.to_owned().into())).unwrap();
        session.logout().unwrap();
        let login = Login::new(Zeroizing::new(PIN.to_owned()));
        let token = Token::open(&Module::load(&path).unwrap(), "kms", login).unwrap();
        Loaded { token: Arc::new(token), _module: module, _folder: folder }
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

/// One test at a time: housekeeping does what is due with everybody's keys.
pub fn alone() -> MutexGuard<'static, ()> {
    static TURN: Mutex<()> = Mutex::new(());
    TURN.lock()
}

/// A front that has just started, over the one token.
pub struct Front(pub Service);

impl Front {
    pub fn start() -> Self {
        Self::with("")
    }

    /// With further lines of settings.
    pub fn with(settings: &str) -> Self {
        let common = "listen = '127.0.0.1:0'\nmodule = ''\ntoken = 'kms'\npin-file = ''\naccess = 'open'\n";
        let text = format!("{common}regions = ['{HOME}', '{ABROAD}']\naccount = '{ACCOUNT}'\n{settings}\n");
        Self(Service::new(Settings::parse(&text).unwrap(), loaded().token.clone(), None))
    }

    /// Asks the front as root of an account.
    pub fn ask_as(
        &self,
        account: &str,
        region: &str,
        operation: &str,
        request: Value,
    ) -> Result<Value, Fault> {
        self.ask_by(&format!("arn:aws:iam::{account}:root"), region, operation, request)
    }

    /// Asks the front as whoever has that ARN.
    pub fn ask_by(&self, arn: &str, region: &str, operation: &str, request: Value) -> Result<Value, Fault> {
        self.ask_late(arn, region, operation, request, Duration::ZERO)
    }

    /// The same for a request that has been on its way for so long.
    pub fn ask_late(
        &self,
        arn: &str,
        region: &str,
        operation: &str,
        request: Value,
        late: Duration,
    ) -> Result<Value, Fault> {
        let caller = Caller {
            account: arn.split(':').nth(4).unwrap().to_owned(),
            arn: arn.to_owned(),
            access_key: String::new(),
            via_service: None,
            region: region.to_owned(),
            source: None,
            tls: false,
        };
        let operation = Operation::named(operation).unwrap();
        let mut call = Call::new(&self.0, &caller, operation.name, "a-request");
        call.begun = call.begun.checked_sub(late).expect("a machine that has been up for so long");
        (operation.run)(&call, &request)
    }

    /// The answer to root of the usual account, in the usual Region.
    pub fn ask(&self, operation: &str, request: Value) -> Value {
        self.ask_as(ACCOUNT, HOME, operation, request).unwrap()
    }

    /// A new key's id.
    pub fn create(&self, request: Value) -> String {
        self.ask("CreateKey", request)["KeyMetadata"]["KeyId"].as_str().unwrap().to_owned()
    }

    /// Keeps house as if it were so many milliseconds later.
    pub fn keep_house_in(&self, milliseconds: i64) -> Report {
        self.0.clock.advance(milliseconds);
        let report = self.0.keep_house(self.0.clock.now()).unwrap();
        self.0.clock.advance(-milliseconds);
        assert_eq!(report.failed, 0);
        report
    }

    /// A key's record as it is in the token.
    pub fn record(&self, region: &str, key: &str) -> Option<KeyRecord> {
        let kept = self.0.book.read::<KeyRecord>(&label::key(ACCOUNT, region, key)).unwrap();
        kept.map(|kept| KeyRecord::clone(&kept.value))
    }

    /// Writes a record as a front leaves it that dies in the middle of a change.
    pub fn leave(&self, region: &str, key: &str, change: impl FnOnce(&mut KeyRecord)) {
        let name = label::key(ACCOUNT, region, key);
        let kept = self.0.book.read::<KeyRecord>(&name).unwrap().unwrap();
        let mut record = KeyRecord::clone(&kept.value);
        change(&mut record);
        self.0.book.replace(&name, kept.object, &record).unwrap();
    }

    /// How many keys with that CKA_ID, hexadecimal, the HSM has.
    pub fn objects(&self, object: &str) -> usize {
        let id = hex::decode(object).unwrap();
        self.0.token.with(|session| session.find_objects(&[Attribute::Id(id.clone())])).unwrap().len()
    }

    pub fn now(&self) -> Moment {
        self.0.clock.now()
    }
}

/// The object of a key's current material.
pub fn object(record: &KeyRecord) -> String {
    record.current().unwrap().object.clone().unwrap()
}
