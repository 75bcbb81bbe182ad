//! The process that calls: a module reads its configuration from the environment, and holds what it has read, so each way of using one
//! is another process. Jobs come as lines of JSON on standard input, what came of them goes to standard output.

use crate::Result;
use crate::abi::{Module, Rv};
use crate::load::{self, Call, Calls, Load, Manner};
use crate::ping::Socket;
use crate::side::calls;
use crate::side::keys;
use crate::side::libcrypto;
use crate::side::plan;
use crate::side::start::{self, Started};
use crate::side::token::{self, Caller, Slot};
use crate::side::work::Work;
use crate::sqlite::Transactions;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

/// A token, and how many objects it has besides the keys that are used.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Token {
    /// Its slot; `None`: that which has it, or has room for it.
    pub slot: Option<Slot>,
    /// Objects.
    pub objects: usize,
}

/// What is called.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Target {
    /// What the row of this name does, by a module, in a token.
    Module(Token, String),
    /// The same by libcrypto.
    Libcrypto(String),
    /// A node.
    Ping(Socket),
    /// A database.
    Transaction(PathBuf),
}

/// What is to be done.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub enum Job {
    /// Makes a token with its user, if it is not there, and its objects. Answers nothing.
    MakeToken(Token),
    /// Makes an AES-256 key that encrypts and decrypts, with that label, in the token of that label. Answers nothing.
    MakeKey {
        /// The token's label.
        token: String,
        /// The key's.
        label: String,
    },
    /// Calls. Answers [`Measured`].
    Measure(Target, Manner),
    /// Starts with the module in this file, which was not loaded before, to its first signature. Answers [`Started`].
    Start(PathBuf, Token),
    /// Answers the module's version and that of the libcrypto it uses, as text.
    Version,
}

/// What came of measuring: nothing if a module doesn't offer it.
pub type Measured = Option<Calls>;

type Answer = std::result::Result<serde_json::Value, String>;

/// The other process, seen from this one.
pub struct Worker {
    child: Child,
    jobs: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Worker {
    /// Starts it with the module and these variables in its environment.
    pub fn start<K: AsRef<OsStr>, V: AsRef<OsStr>>(
        module: Option<&Path>,
        environment: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Worker> {
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("work").args(module).envs(environment);
        let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn()?;
        let jobs = child.stdin.take().ok_or("no way to the worker")?;
        let answers = child.stdout.take().ok_or("no way back from the worker")?;
        Ok(Worker { child, jobs, answers: BufReader::new(answers) })
    }

    /// Has it do a job, and waits for the end.
    pub fn run<T: DeserializeOwned>(&mut self, job: &Job) -> Result<T> {
        self.begin(job)?;
        self.end()
    }

    /// Has it begin.
    pub fn begin(&mut self, job: &Job) -> Result<()> {
        writeln!(self.jobs, "{}", serde_json::to_string(job)?)?;
        Ok(self.jobs.flush()?)
    }

    /// Waits for the end of what was begun.
    pub fn end<T: DeserializeOwned>(&mut self) -> Result<T> {
        let mut line = String::new();
        if self.answers.read_line(&mut line)? == 0 {
            return Err("the worker has ended".into());
        }
        let answer: Answer = serde_json::from_str(&line)?;
        Ok(serde_json::from_value(answer?)?)
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
    let process = Process { module: module.map(Module::open).transpose()?, keys: libcrypto::Keys::default() };
    for line in std::io::stdin().lock().lines() {
        let job: Job = serde_json::from_str(&line?)?;
        let answer: Answer = process.run(&job).map_err(|error| error.to_string());
        println!("{}", serde_json::to_string(&answer)?);
    }
    Ok(())
}

/// What stays from job to job.
struct Process {
    module: Option<Module>,
    keys: libcrypto::Keys,
}

impl Process {
    fn module(&self) -> Result<&Module> {
        Ok(self.module.as_ref().ok_or("no module was given")?)
    }

    fn run(&self, job: &Job) -> Result<serde_json::Value> {
        Ok(match job {
            Job::MakeToken(token) => serde_json::to_value(self.enter(*token)?.furnish(token.objects)?)?,
            Job::MakeKey { token, label } => {
                let slot = token::labelled(self.module()?, token)?.ok_or("there is no such token")?;
                Caller::enter(self.module()?, slot)?.make(keys::AES, true, label)?;
                serde_json::Value::Null
            }
            Job::Measure(target, manner) => serde_json::to_value(self.measure(target, *manner)?)?,
            Job::Start(file, token) => serde_json::to_value::<Started>(start::start(file, *token)?)?,
            Job::Version => serde_json::to_value(self.module()?.version()?)?,
        })
    }

    /// Opens a session in the token, which is made if it is not there.
    fn enter(&self, token: Token) -> Result<Caller<'_>> {
        let module = self.module()?;
        let slot = match token.slot {
            Some(slot) => token::in_slot(module, slot)?,
            None => token::anywhere(module)?,
        };
        Caller::enter(module, slot)
    }

    fn measure(&self, target: &Target, manner: Manner) -> Result<Measured> {
        let measured = match target {
            Target::Module(token, row) => self.measure_module(*token, work_of(row)?, manner),
            Target::Libcrypto(row) => {
                load::measure(&Direct { work: work_of(row)?, keys: &self.keys }, manner)
            }
            Target::Ping(socket) => load::measure(socket, manner),
            Target::Transaction(file) => load::measure(&Transactions::open(file)?, manner),
        };
        match measured {
            Err(error) if matches!(error.downcast_ref(), Some(Rv::NotOffered(_))) => Ok(None),
            measured => measured.map(Some),
        }
    }

    fn measure_module(&self, token: Token, work: Work, manner: Manner) -> Result<Calls> {
        // Held for as long as others come and go: with the last session a login ends.
        let first = self.enter(token)?;
        // Keys are made by one, before there are several.
        drop(calls::prepare(work, first, token.objects)?);
        let calls = load::measure(&InToken { first, work, objects: token.objects }, manner);
        first.leave()?;
        calls
    }
}

fn work_of(row: &str) -> Result<Work> {
    Ok(plan::named(row).ok_or("there is no such row")?.work)
}

/// A session for each caller.
struct InToken<'m> {
    first: Caller<'m>,
    work: Work,
    objects: usize,
}

impl Load for InToken<'_> {
    fn with_caller(&self, calls: &mut dyn FnMut(Call<'_>) -> Result<Calls>) -> Result<Calls> {
        let caller = Caller::enter(self.first.module, self.first.slot)?;
        let called = calls(calls::prepare(self.work, caller, self.objects)?);
        caller.leave()?;
        called
    }
}

/// A context for each caller.
struct Direct<'a> {
    work: Work,
    keys: &'a libcrypto::Keys,
}

impl Load for Direct<'_> {
    fn with_caller(&self, calls: &mut dyn FnMut(Call<'_>) -> Result<Calls>) -> Result<Calls> {
        calls(libcrypto::prepare(self.work, self.keys)?.ok_or("libcrypto has nothing like it")?)
    }
}
