//! A front of its own for each test, over a token of its own.

use std::sync::Arc;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use cloister_kms::api::error::{Code, Fault};
use cloister_kms::api::operations::Operation;
use cloister_kms::auth::caller::Caller;
use cloister_kms::hsm::Token;
use cloister_kms::service::{Call, Service};
use cloister_kms::settings::Settings;
use cryptoki::object::{Attribute, ObjectHandle};
use serde_json::{Value, json};

use crate::module::loaded;

const ACCOUNT: &str = "111122223333";
const REGION: &str = "us-east-1";

/// A front without a socket.
pub struct Front {
    pub service: Service,
    caller: Caller,
}

impl Front {
    /// Over a new token called `label`.
    pub fn new(label: &str) -> Self {
        loaded().make_token(label);
        Self::over(Arc::new(loaded().log_in(label)))
    }

    /// Another front on the same token.
    pub fn beside(&self) -> Self {
        Self::over(self.service.token.clone())
    }

    fn over(token: Arc<Token>) -> Self {
        let settings =
            "listen = '127.0.0.1:0'\nmodule = 'none'\ntoken = 'none'\npin-file = 'none'\naccess = 'open'";
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
        self.ask(operation, request).expect(operation)
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
