//! A token in a folder, fronts over it, and a look at what is in it.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use cloister_kms::api::error::Fault;
use cloister_kms::api::operations::Operation;
use cloister_kms::auth::caller::Caller;
use cloister_kms::book::label;
use cloister_kms::clock::Moment;
use cloister_kms::housekeeping::Report;
use cloister_kms::hsm::Token;
use cloister_kms::keys::record::KeyRecord;
use cloister_kms::service::{Call, Service};
use cloister_kms::settings::Settings;
use cryptoki::object::Attribute;
use parking_lot::{Mutex, MutexGuard};
use serde_json::Value;

use crate::module::loaded;

pub const ACCOUNT: &str = "111122223333";
pub const HOME: &str = "us-east-1";
pub const ABROAD: &str = "eu-west-1";

/// The token of this process, logged in.
fn token() -> Arc<Token> {
    static TOKEN: OnceLock<Arc<Token>> = OnceLock::new();
    let make = || {
        loaded().make_token("kms");
        Arc::new(loaded().log_in("kms"))
    };
    TOKEN.get_or_init(make).clone()
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
        Self(Service::new(Settings::parse(&text).unwrap(), token(), None))
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
