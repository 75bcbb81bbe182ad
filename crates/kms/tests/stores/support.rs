//! Fronts over one default key store, with clusters and proxies.

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cloister_kms::api::error::{Code, Fault};
use cloister_kms::api::operations::Operation;
use cloister_kms::auth::caller::Caller;
use cloister_kms::hsm::Token;
use cloister_kms::service::{Call, Service};
use cloister_kms::settings::Settings;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::certificates::Identity;
use crate::module::loaded;

pub const ACCOUNT: &str = "111122223333";

/// A CA's certificate of that common name, in a file.
pub fn certificate(name: &str) -> PathBuf {
    static FOLDER: OnceLock<TempDir> = OnceLock::new();
    let folder = FOLDER.get_or_init(|| tempfile::tempdir().unwrap()).path();
    Identity::new(name, None).write(folder, name);
    folder.join(format!("{name}.pem"))
}

/// The default key store's token: one for all tests, for a program has one login a token.
fn default_store() -> Arc<Token> {
    static TOKEN: OnceLock<Arc<Token>> = OnceLock::new();
    let make = || {
        loaded().make_token("kms");
        Arc::new(loaded().log_in("kms"))
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
            "listen = '127.0.0.1:0'\nmodule = '{module}'\ntoken = 'kms'\npin-file = 'none'\nregions = ['{region}']\n"
        );
        let settings =
            Settings::parse(&format!("{head}access = 'open'\naccount = '{ACCOUNT}'\n{stores}")).unwrap();
        Self { service: Arc::new(Service::new(settings, default_store(), None)), region }
    }

    /// Asks; what comes back is the answer or the error.
    pub fn ask(&self, operation: &str, request: Value) -> Result<Value, Fault> {
        self.ask_late(operation, request, Duration::ZERO)
    }

    /// The same for a request that has been on its way for so long.
    pub fn ask_late(&self, operation: &str, request: Value, late: Duration) -> Result<Value, Fault> {
        let operation = Operation::named(operation).unwrap();
        let caller = Caller {
            account: ACCOUNT.to_owned(),
            arn: format!("arn:aws:iam::{ACCOUNT}:root"),
            access_key: String::new(),
            via_service: Some("s3.eu-west-1.amazonaws.com".to_owned()),
            region: self.region.to_owned(),
            source: None,
            tls: false,
        };
        let mut call = Call::new(&self.service, &caller, operation.name, "request-1");
        call.begun = call.begun.checked_sub(late).expect("a machine that has been up for so long");
        (operation.run)(&call, &request)
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
