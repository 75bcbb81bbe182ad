//! The XKS proxy over a token with one external key, asked as AWS KMS asks.

use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::process::Stdio;

use super::home::{Home, TOKEN};
use super::plan::{EXTERNAL_KEY, External, PROXY, external_encrypt};
use super::report::Table;
use super::requests::{Api, Signer};
use super::server::Server;
use super::{Place, Setting, measure_rows};
use crate::Result;
use crate::worker::{Job, Worker};

const ABOUT: &str = "The XKS proxy on loopback, which checks every signature, and decrypts what it has encrypted before it answers. \
    The goal is a p99 within 10,000 µs at moderate load, which is 8 connections:";

const ACCESS_KEY: &str = "AAAAAAAAAAAAAAAAAAAA";

/// Measures the rows.
pub fn measure(setting: &Setting) -> Result<Table> {
    let home = Home::make(setting.program, setting.folder.join("proxy"))?;
    make_external_key(setting, &home)?;
    let server = start(setting, &home)?;
    let encrypted = setting.runtime.block_on(server.call("encrypt", &external_encrypt()))?;
    let place = Place { name: "XKS proxy".to_owned(), server, subject: External { encrypted } };
    Ok(Table { about: ABOUT.to_owned(), lines: measure_rows(setting, PROXY, &[place])? })
}

/// The module reads its configuration from the environment, so the key is made by another process.
fn make_external_key(setting: &Setting, home: &Home) -> Result<()> {
    let environment = [("CLOISTER_CONF", home.configuration())];
    let job = Job::MakeKey { token: TOKEN.to_owned(), label: EXTERNAL_KEY.to_owned() };
    Worker::start(Some(setting.module), environment)?.run(&job)
}

fn start(setting: &Setting, home: &Home) -> Result<Server> {
    let mut secret = [0; 32];
    openssl::rand::rand_bytes(&mut secret)?;
    let secret = openssl::base64::encode_block(&secret);
    let credentials =
        format!("[[credential]]\naccess-key-id = '{ACCESS_KEY}'\nsecret-access-key = '{secret}'\n");
    let mut open = std::fs::OpenOptions::new();
    let mut file =
        open.write(true).create_new(true).mode(0o600).open(home.folder.join("credentials.toml"))?;
    file.write_all(credentials.as_bytes())?;
    let settings = home.folder.join("xks.toml");
    std::fs::write(&settings, settings_text(&setting.module.display().to_string()))?;
    let settings = settings.to_str().ok_or("an odd path")?;
    let mut command = home.cloister(&["xks-proxy", "--config", settings, "--log", "error"]);
    let mut process = command.stderr(Stdio::piped()).spawn()?;
    let output = process.stderr.take().ok_or("no output")?;
    Server::told(process, output, Signer::new(Api::Xks { key: EXTERNAL_KEY }, ACCESS_KEY, &secret))
}

fn settings_text(module: &str) -> String {
    format!(
        "listen = '127.0.0.1:0'
log = 'requests.jsonl'
[hsm]
module = '{module}'
token = '{TOKEN}'
pin-file = 'pin'
[[prefix]]
path = ''
credentials = 'credentials.toml'
authorization = 'allow-all'
[[prefix.key]]
id = '{EXTERNAL_KEY}'
versions = [{{ version = 1, label = '{EXTERNAL_KEY}' }}]
"
    )
}
