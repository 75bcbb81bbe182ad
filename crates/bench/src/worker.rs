//! The process that calls: a module reads its configuration from the environment, and holds what it has read, so each way of using one
//! is another process. Jobs come as lines of JSON on standard input, what came of them goes to standard output.

use crate::Result;
use crate::load::{self, Caller, Calls, Failures, Load};
use crate::operation::{self, Operation};
use crate::ping::Socket;
use crate::sqlite::Transactions;
use crate::stage::{OFFICER_PIN, USER_PIN};
use cryptoki::context::{CInitializeArgs, CInitializeFlags, Pkcs11};
use cryptoki::error::{Error, RvError};
use cryptoki::object::Attribute;
use cryptoki::session::{Session, UserType};
use cryptoki::slot::Slot;
use cryptoki::types::AuthPin;
use serde::{Deserialize, Serialize};
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::Duration;

/// What is called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Target {
    /// Makes the token of this slot, and its user.
    NewToken(u64),
    /// Makes an AES-256 key that encrypts and decrypts, with that label, in the token of that label.
    NewKey {
        /// The token's label.
        token: String,
        /// The key's.
        label: String,
    },
    /// A function of the module, in this slot.
    Call(u64, Operation),
    /// A node.
    Ping(Socket),
    /// A database.
    Transaction(PathBuf),
}

/// One measurement.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Job {
    /// What is called.
    pub target: Target,
    /// By how many threads.
    pub callers: usize,
    /// For how long.
    pub seconds: f64,
    /// What to do with failures.
    pub failures: Failures,
}

type Answer = std::result::Result<Calls, String>;

/// The other process, seen from this one.
pub struct Worker {
    child: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts it with the module and these variables in its environment.
    pub fn start(module: Option<&Path>, environment: &[(&str, &Path)]) -> Result<Worker> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("work").args(module).envs(environment.iter().copied());
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let jobs = child.stdin.take().ok_or("no way to the worker")?;
        let answers = child.stdout.take().ok_or("no way back from the worker")?;
        Ok(Worker { child, jobs, answers: BufReader::new(answers) })
    }

    /// Has it do a job, and waits for the end.
    pub fn run(&mut self, job: &Job) -> Result<Calls> {
        self.begin(job)?;
        self.end()
    }

    /// Has it begin.
    pub fn begin(&mut self, job: &Job) -> Result<()> {
        writeln!(self.jobs, "{}", serde_json::to_string(job)?)?;
        Ok(self.jobs.flush()?)
    }

    /// Waits for the end of what was begun.
    pub fn end(&mut self) -> Result<Calls> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the worker has ended".into());
        }
        let answer: Answer = serde_json::from_str(&line)?;
        Ok(answer?)
    }
}

impl Drop for Worker {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// The other process: does jobs until there are no more.
pub fn work(module: Option<&Path>) -> Result<()> {
    let module = module.map(open).transpose()?;
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?)?;
        let answer: Answer = job.run(module.as_ref()).map_err(|error| error.to_string());
        println!("{}", serde_json::to_string(&answer)?);
    }
    Ok(())
}

fn open(path: &Path) -> Result<Pkcs11> {
    let module = Pkcs11::new(path)?;
    module.initialize(CInitializeArgs::new(CInitializeFlags::OS_LOCKING_OK))?;
    Ok(module)
}

impl Job {
    fn run(&self, module: Option<&Pkcs11>) -> Result<Calls> {
        let module = || module.ok_or("no module was given");
        match &self.target {
            Target::NewToken(slot) => {
                new_token(module()?, Slot::try_from(*slot)?)?;
                Ok(Calls::default())
            }
            Target::NewKey { token, label } => {
                let (module, slot) = (module()?, slot_of(module()?, token)?);
                operation::make_aes(&log_in(module, slot)?, Attribute::Label(label.clone().into_bytes()))?;
                Ok(Calls::default())
            }
            Target::Call(slot, operation) => {
                let (module, slot) = (module()?, Slot::try_from(*slot)?);
                // Held for as long as others come and go: with the last session a login ends.
                let first = log_in(module, slot)?;
                drop(operation.prepare(&first)?);
                self.measure(&InSlot { module, slot, operation: *operation })
            }
            Target::Ping(socket) => self.measure(socket),
            Target::Transaction(file) => self.measure(&Transactions::open(file)?),
        }
    }

    fn measure(&self, load: &dyn Load) -> Result<Calls> {
        load::measure(load, self.callers, Duration::try_from_secs_f64(self.seconds)?, self.failures)
    }
}

fn pin(text: &str) -> AuthPin {
    AuthPin::new(text.to_owned().into())
}

fn new_token(module: &Pkcs11, slot: Slot) -> Result<()> {
    module.init_token(slot, &pin(OFFICER_PIN), "benchmark")?;
    let session = module.open_rw_session(slot)?;
    session.login(UserType::So, Some(&pin(OFFICER_PIN)))?;
    session.init_pin(&pin(USER_PIN))?;
    Ok(session.logout()?)
}

fn slot_of(module: &Pkcs11, token: &str) -> Result<Slot> {
    for slot in module.get_slots_with_initialized_token()? {
        if module.get_token_info(slot)?.label() == token {
            return Ok(slot);
        }
    }
    Err("there is no such token".into())
}

fn log_in(module: &Pkcs11, slot: Slot) -> Result<Session> {
    let session = module.open_rw_session(slot)?;
    match session.login(UserType::User, Some(&pin(USER_PIN))) {
        Err(Error::Pkcs11(RvError::UserAlreadyLoggedIn, _)) => {}
        logged_in => logged_in?,
    }
    Ok(session)
}

/// A session for each caller.
struct InSlot<'a> {
    module: &'a Pkcs11,
    slot: Slot,
    operation: Operation,
}

impl Load for InSlot<'_> {
    fn with_caller(&self, calls: &mut dyn FnMut(Caller<'_>) -> Result<Calls>) -> Result<Calls> {
        let session = log_in(self.module, self.slot)?;
        calls(self.operation.prepare(&session)?)
    }
}
