//! `cloister kms credential`: access keys, kept sealed in the front's token.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use clap::{Args, Subcommand};
use cloister_kms::auth::credentials::Credential;
use cloister_kms::auth::recorded;
use cloister_kms::run;
use cloister_kms::service::Service;
use cloister_kms::settings::Settings;
use serde_json::{Value, json};

use crate::error::{Error, Result};
use crate::render::Answer;

#[derive(Subcommand, Debug)]
pub enum Verb {
    /// Make an access key; its secret is shown once
    #[command(
        after_help = "Example:\n  cloister kms credential add arn:aws:iam::111122223333:user/alice --config kms.toml"
    )]
    Add(Add),
    /// The access keys, without their secrets
    #[command(after_help = "Example:\n  cloister kms credential list --config kms.toml")]
    List(Front),
    /// Remove an access key; requests signed with it are refused from now on
    #[command(after_help = "Example:\n  cloister kms credential remove AKIA... --config kms.toml")]
    Remove(Remove),
}

#[derive(Args, Debug)]
pub struct Front {
    /// The front's settings: they name the token and its PIN
    #[arg(long, value_name = "FILE")]
    config: PathBuf,
}

#[derive(Args, Debug)]
pub struct Add {
    /// Whom the key stands for: arn:aws:iam::ACCOUNT:user/NAME, arn:aws:iam::ACCOUNT:root or
    /// arn:aws:sts::ACCOUNT:assumed-role/ROLE/SESSION
    principal: String,
    /// The AWS service on whose way requests with this key come, such as s3.us-east-1.amazonaws.com (kms:ViaService)
    #[arg(long, value_name = "SERVICE")]
    via_service: Option<String>,
    /// How many days the key lasts; for ever unless given
    #[arg(long, value_name = "DAYS")]
    days: Option<u32>,
    #[command(flatten)]
    front: Front,
}

#[derive(Args, Debug)]
pub struct Remove {
    /// The access key id
    access_key: String,
    #[command(flatten)]
    front: Front,
}

impl Verb {
    pub fn run(&self) -> Result<Answer> {
        match self {
            Verb::Add(add) => add.run(),
            Verb::List(front) => front.list(),
            Verb::Remove(remove) => remove.run(),
        }
    }
}

impl Front {
    fn open(&self) -> Result<Service> {
        run::open(Settings::load(&self.config).map_err(Error::input)?).map_err(super::refused)
    }

    fn list(&self) -> Result<Answer> {
        let service = self.open()?;
        let all = recorded::all(&service.book).map_err(failed)?;
        let lines = all.iter().map(|one| format!("{}  {}\n", one.access_key, one.principal_arn));
        let text = if all.is_empty() {
            "There are none.".to_owned()
        } else {
            lines.collect::<String>().trim_end().to_owned()
        };
        Answer::text(text, all.iter().map(|one| told(one)).collect::<Vec<_>>())
    }
}

impl Add {
    fn run(&self) -> Result<Answer> {
        let account = account(&self.principal)?;
        let service = self.front.open()?;
        let mut made =
            Credential::generate(account, &self.principal).map_err(|e| Error::Failed(e.message))?;
        made.via_service.clone_from(&self.via_service);
        made.expires = self.days.map(ends_in);
        recorded::add(&service.book, &made).map_err(failed)?;
        service.book.leave().map_err(failed)?;
        let (key, secret) = (&made.access_key, made.secret.expose());
        let text = format!(
            "[default]\naws_access_key_id = {key}\naws_secret_access_key = {secret}\n\nKeep the secret; it is not shown again."
        );
        let mut told = told(&made);
        if let Value::Object(members) = &mut told {
            members.insert("secret_access_key".to_owned(), json!(secret));
        }
        Answer::text(text, told)
    }
}

impl Remove {
    fn run(&self) -> Result<Answer> {
        let service = self.front.open()?;
        match recorded::remove(&service.book, &self.access_key).map_err(failed)? {
            true => {
                service.book.leave().map_err(failed)?;
                Answer::text(
                    format!("{} is removed.", self.access_key),
                    json!({ "removed": self.access_key }),
                )
            }
            false => Err(Error::input(format!("there is no access key {}", self.access_key))),
        }
    }
}

fn told(credential: &Credential) -> Value {
    json!({
        "access_key_id": credential.access_key,
        "principal": credential.principal_arn,
        "via_service": credential.via_service,
        "expires": credential.expires,
    })
}

/// The account that a principal names.
fn account(principal: &str) -> Result<&str> {
    let wrong = || {
        Error::input(format!(
            "'{principal}' is no principal: name one as arn:aws:iam::111122223333:user/alice"
        ))
    };
    let fields: Vec<&str> = principal.splitn(6, ':').collect();
    let ["arn", "aws", "iam" | "sts", "", account, resource] = fields[..] else { return Err(wrong()) };
    let known = resource == "root"
        || ["user/", "role/", "assumed-role/"].iter().any(|kind| resource.starts_with(kind));
    if known && cloister_kms::keys::arn::is_account(account) { Ok(account) } else { Err(wrong()) }
}

fn ends_in(days: u32) -> u64 {
    let end = SystemTime::now() + Duration::from_secs(u64::from(days) * 24 * 60 * 60);
    end.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

fn failed(trouble: cloister_kms::hsm::Trouble) -> Error {
    Error::Failed(trouble.to_string())
}
