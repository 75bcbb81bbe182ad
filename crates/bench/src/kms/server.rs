//! The servers, as processes: a front that checks every signature over a token of its own, and moto, which checks none.

use std::fs::Permissions;
use std::io::{BufRead, BufReader};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::plan::{Keys, PLAINTEXT, Row};
use super::requests::{self, Signed, Signer};
use crate::Result;

/// How long a server may take to start.
const PATIENCE: Duration = Duration::from_secs(60);

/// A server of the API.
pub struct Server {
    /// The head of its column.
    pub name: &'static str,
    /// Where it listens.
    pub address: SocketAddr,
    signer: Signer,
    process: Child,
}

/// All that are measured.
pub struct Servers(Vec<Server>);

/// The keys of one server.
pub struct Prepared(Keys);

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

impl Servers {
    /// Starts them. moto is left out, with a word, where it isn't installed (`scripts/setup bench` does).
    pub fn start(module: &Path, program: &Path, folder: &Path) -> Result<Servers> {
        let mut servers = vec![front(module, program, folder)?];
        match moto() {
            Some(program) => servers.push(start_moto(&program)?),
            None => eprintln!("moto is not measured: scripts/setup bench installs it"),
        }
        Ok(Servers(servers))
    }

    /// In the order of the columns.
    pub fn all(&self) -> impl Iterator<Item = &Server> {
        self.0.iter()
    }

    /// Makes the keys of the rows, at each.
    pub fn keys(&self, runtime: &Runtime) -> Result<Vec<Prepared>> {
        self.0.iter().map(|server| runtime.block_on(prepare(server))).collect()
    }
}

impl Prepared {
    /// Requests of a row, signed now.
    pub fn requests(&self, row: &Row, server: &Server) -> Result<Vec<Signed>> {
        let body = serde_json::to_vec(&(row.request)(&self.0))?;
        (0..requests::DIFFERENT).map(|_| server.signer.sign(server.address, row.operation, &body)).collect()
    }
}

async fn prepare(server: &Server) -> Result<Prepared> {
    let symmetric = key(server, &json!({})).await?;
    let signing = key(server, &json!({ "KeySpec": "ECC_NIST_P256", "KeyUsage": "SIGN_VERIFY" })).await?;
    let encrypted = call(server, "Encrypt", &json!({ "KeyId": symmetric, "Plaintext": PLAINTEXT })).await?;
    let ciphertext = encrypted["CiphertextBlob"].as_str().ok_or("no ciphertext")?.to_owned();
    Ok(Prepared(Keys { symmetric, signing, ciphertext }))
}

async fn key(server: &Server, request: &Value) -> Result<String> {
    let made = call(server, "CreateKey", request).await?;
    Ok(made["KeyMetadata"]["KeyId"].as_str().ok_or("no key")?.to_owned())
}

async fn call(server: &Server, operation: &str, request: &Value) -> Result<Value> {
    let request = server.signer.sign(server.address, operation, &serde_json::to_vec(request)?)?;
    Ok(serde_json::from_slice(&requests::send_one(server.address, request).await?)?)
}

/// A front over a fresh token, with one access key.
fn front(module: &Path, program: &Path, folder: &Path) -> Result<Server> {
    let configuration = folder.join("cloister.toml");
    std::fs::write(
        &configuration,
        format!("data_dir = '{}'\nlog = 'off'\n", folder.join("tokens").display()),
    )?;
    let pin = folder.join("pin");
    std::fs::write(&pin, crate::stage::USER_PIN)?;
    std::fs::set_permissions(&pin, Permissions::from_mode(0o600))?;
    let settings = folder.join("kms.toml");
    let module = module.display();
    std::fs::write(
        &settings,
        format!("listen = '127.0.0.1:0'\nmodule = '{module}'\ntoken = 'kms'\npin-file = 'pin'\n"),
    )?;
    let cloister = |arguments: &[&str]| {
        let mut command = Command::new(program);
        command.env("CLOISTER_CONF", &configuration).args(arguments).stdin(Stdio::null());
        command
    };
    let made = cloister(&["token", "init", "kms", "--with-user"])
        .env("CLOISTER_SO_PIN", crate::stage::OFFICER_PIN)
        .env("CLOISTER_PIN", crate::stage::USER_PIN)
        .output()?;
    if !made.status.success() {
        return Err(String::from_utf8_lossy(&made.stderr).into_owned().into());
    }
    let settings = settings.to_str().ok_or("an odd path")?;
    let added = cloister(&[
        "--json",
        "kms",
        "credential",
        "add",
        "arn:aws:iam::000000000000:root",
        "--config",
        settings,
    ])
    .output()?;
    let credential: Value = serde_json::from_slice(&added.stdout)?;
    let signer = Signer::new(text(&credential, "access_key_id")?, text(&credential, "secret_access_key")?);
    let mut process =
        cloister(&["kms", "--config", settings, "--log", "error"]).stdout(Stdio::piped()).spawn()?;
    let address = told_address(&mut process)?;
    Ok(Server { name: "Cloister", address, signer, process })
}

fn text<'a>(value: &'a Value, member: &str) -> Result<&'a str> {
    value[member].as_str().ok_or_else(|| format!("no {member}").into())
}

/// The front tells where it listens.
fn told_address(process: &mut Child) -> Result<SocketAddr> {
    let output = process.stdout.take().ok_or("no output")?;
    for line in BufReader::new(output).lines() {
        if let Some(address) = line?.strip_prefix("listening on http://") {
            return Ok(address.parse()?);
        }
    }
    Err("the front didn't start".into())
}

/// moto's server: from the virtual environment beside the workspace's target folder, or the path.
fn moto() -> Option<PathBuf> {
    let own = std::env::current_exe().ok()?;
    let workspace = own.ancestors().nth(3)?.join(".venv/bin/moto_server");
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut places = std::iter::once(workspace)
        .chain(std::env::split_paths(&path).map(|folder| folder.join("moto_server")));
    places.find(|place| place.exists())
}

fn start_moto(program: &Path) -> Result<Server> {
    // Another program may take the port before moto does; then moto ends and so do we.
    let address = TcpListener::bind("127.0.0.1:0")?.local_addr()?;
    let process = Command::new(program)
        .args(["-H", "127.0.0.1", "-p", &address.port().to_string()])
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    let server =
        Server { name: "moto", address, signer: Signer::new("AKIAIOSFODNN7EXAMPLE", "none"), process };
    let begun = Instant::now();
    while TcpStream::connect(address).is_err() {
        if begun.elapsed() > PATIENCE {
            return Err("moto didn't start".into());
        }
        std::thread::sleep(Duration::from_millis(50));
    }
    Ok(server)
}
