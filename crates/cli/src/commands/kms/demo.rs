//! `cloister kms --demo`: a token in a temporary folder, a front over it, and what to try. Nothing stays.
//!
//! The module finds its tokens by the environment, so the front is a process of its own with an environment of its own.

use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde_json::json;
use signal_hook::consts::{SIGINT, SIGTERM};

use crate::error::{Error, Result};
use crate::render::Answer;

/// Serves until told to end.
pub fn run(listen: &str) -> Result<Answer> {
    let told_to_end = Arc::new(AtomicBool::new(false));
    for signal in [SIGINT, SIGTERM] {
        signal_hook::flag::register(signal, told_to_end.clone()).map_err(failed)?;
    }
    let folder = tempfile::tempdir().map_err(failed)?;
    let program = std::env::current_exe().map_err(failed)?;
    let settings = prepare(&program, folder.path(), listen)?;
    println!("{}", words(listen));
    let front =
        in_demo(&program, folder.path()).arg("kms").arg("--config").arg(settings).spawn().map_err(failed)?;
    attend(front, &told_to_end)?;
    Answer::text("The demo has ended; nothing of it stays.".to_owned(), json!({ "ended": true }))
}

/// A configuration, a token with a user, and the front's settings.
fn prepare(program: &Path, folder: &Path, listen: &str) -> Result<PathBuf> {
    write(&folder.join("cloister.toml"), &format!("data_dir = '{}'\n", folder.join("tokens").display()))?;
    let (officer, user) = (secret()?, secret()?);
    write(&folder.join("pin"), &user)?;
    let made = in_demo(program, folder)
        .args(["token", "init", "kms", "--with-user"])
        .env("CLOISTER_SO_PIN", officer)
        .env("CLOISTER_PIN", user)
        .stdout(Stdio::null())
        .status();
    if !made.map_err(failed)?.success() {
        return Err(Error::Failed("the demo's token can't be made".to_owned()));
    }
    let module = module(program)?;
    let settings = format!(
        "listen = '{listen}'\nmodule = '{}'\ntoken = 'kms'\npin-file = 'pin'\naccess = 'open'\nregions = ['us-east-1', 'eu-west-1']\n",
        module.display()
    );
    let file = folder.join("kms.toml");
    write(&file, &settings)?;
    Ok(file)
}

/// Waits for the front to end; tells it to when this program is told to.
fn attend(mut front: Child, told_to_end: &AtomicBool) -> Result<()> {
    let mut told = false;
    loop {
        if let Some(status) = front.try_wait().map_err(failed)? {
            return if status.success() {
                Ok(())
            } else {
                Err(Error::Failed("the front has failed".to_owned()))
            };
        }
        if told_to_end.load(Ordering::SeqCst) && !told {
            told = true;
            if let Some(process) = i32::try_from(front.id()).ok().and_then(rustix::process::Pid::from_raw) {
                // It may have ended in this moment.
                let _ = rustix::process::kill_process(process, rustix::process::Signal::TERM);
            }
        }
        std::thread::sleep(Duration::from_millis(100));
    }
}

fn in_demo(program: &Path, folder: &Path) -> Command {
    let mut command = Command::new(program);
    command.env("CLOISTER_CONF", folder.join("cloister.toml"));
    command
}

/// The module beside this program, or where `make install` puts it.
fn module(program: &Path) -> Result<PathBuf> {
    let folder = program.parent().unwrap_or(Path::new("."));
    let places = [
        folder.join("libcloister.so"),
        folder.join("../lib/pkcs11/libcloister.so"),
        PathBuf::from("/usr/lib/pkcs11/libcloister.so"),
    ];
    let found = places.iter().find(|place| place.exists()).cloned();
    found.ok_or_else(|| Error::input("libcloister.so is neither beside this program nor in ../lib/pkcs11: install it there (make install)"))
}

fn secret() -> Result<String> {
    let mut bytes = [0; 16];
    openssl::rand::rand_bytes(&mut bytes).map_err(failed)?;
    Ok(hex::encode(bytes))
}

fn write(file: &Path, text: &str) -> Result<()> {
    use std::io::Write;
    let mut file =
        std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(file).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)
}

fn words(listen: &str) -> String {
    format!(
        "\
A KMS over a software HSM, open to everybody on this machine, until Ctrl-C. In another terminal:

  export AWS_ENDPOINT_URL_KMS=http://{listen} AWS_DEFAULT_REGION=us-east-1 AWS_ACCESS_KEY_ID=demo AWS_SECRET_ACCESS_KEY=demo
  aws kms create-key --description 'my first key'
  aws kms create-alias --alias-name alias/first --target-key-id KEY-ID
  echo 'attack at dawn' > plain
  aws kms encrypt --key-id alias/first --plaintext fileb://plain --query CiphertextBlob --output text | base64 -d > secret
  aws kms decrypt --ciphertext-blob fileb://secret --query Plaintext --output text | base64 -d
"
    )
}

fn failed(error: impl std::fmt::Display) -> Error {
    Error::Failed(format!("the demo can't run: {error}"))
}
