//! Nodes as processes, for tests of the program that runs them.

use crate::support::{Machine, Run, USER, free_address};
use cloister::attribute::Attributes;
use cloister::config::Config;
use cloister::mechanism::{Mechanism, Params, registry};
use cloister::session::{Library, Session, UserType};
use cryptoki_sys as ck;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Only a test that fails waits so long.
const PATIENCE: Duration = Duration::from_secs(60);

/// Asks again until it is so.
#[track_caller]
pub fn wait_for(what: &str, mut is_so: impl FnMut() -> bool) {
    let began = Instant::now();
    while !is_so() {
        assert!(began.elapsed() < PATIENCE, "{what}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// A machine with the folders of nodes.
pub struct Nodes(pub Machine);

/// A node that runs; killed when it is dropped.
pub struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

impl Nodes {
    /// The folder of a founder, `n1`.
    pub fn founded() -> Nodes {
        let nodes = Nodes(Machine::new());
        nodes.found("n1");
        nodes
    }

    /// `n1`, `n2` and `n3`, members of one cluster, which have voted and do not run any more.
    pub fn three() -> Nodes {
        let nodes = Nodes::founded();
        let first = nodes.run("n1");
        let others = ["n2", "n3"].map(|name| {
            nodes.join(name, &[]).done();
            let other = nodes.run(name);
            nodes.wait_until_it_serves(name);
            other
        });
        drop((first, others));
        nodes
    }

    /// Founds a cluster.
    pub fn found(&self, name: &str) {
        let init =
            ["cluster", "init", "--name", name, "--sync", &free_address(), "--data", &self.folder(name)];
        self.0.run(&init).done();
    }

    /// The path of a node's folder.
    pub fn folder(&self, name: &str) -> String {
        self.0.path(name).to_str().unwrap().to_owned()
    }

    /// A new token of the cluster that `n1` has founded, in a file.
    pub fn invite(&self, file: &str) -> String {
        let path = self.folder(file);
        self.0.run(&["cluster", "invite", "--data", &self.folder("n1"), "--out", &path]).done();
        path
    }

    /// Has a node join the cluster that `n1` has founded; a copy of its token stays.
    pub fn join(&self, name: &str, more: &[&str]) -> Run {
        let token = self.invite(&format!("{name}.token"));
        std::fs::copy(&token, format!("{token}.copy")).unwrap();
        self.join_with(&token, name, more)
    }

    /// The same, with this token.
    pub fn join_with(&self, token: &str, name: &str, more: &[&str]) -> Run {
        let (folder, sync) = (self.folder(name), free_address());
        let join =
            ["cluster", "join", "--token-file", token, "--name", name, "--sync", &sync, "--data", &folder];
        self.0.run(&[&join[..], more].concat())
    }

    /// Runs a node, and waits until it can be asked.
    pub fn run(&self, name: &str) -> Running {
        let mut command = self.0.command(&["node", "run", "--data", &self.folder(name)]);
        let mut node = Running(command.stdout(Stdio::null()).stderr(self.log(name)).spawn().unwrap());
        let began = Instant::now();
        loop {
            let status = self.cluster(&["status"], name);
            if status.code == 0 {
                return node;
            }
            let may_come = node.0.try_wait().unwrap().is_none() && began.elapsed() < PATIENCE;
            assert!(may_come, "{name} does not run: {}\n{}", status.stderr, self.logged(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Where a node says what it says, one run after the other.
    fn log(&self, name: &str) -> std::fs::File {
        std::fs::File::options().create(true).append(true).open(self.folder(&format!("{name}.log"))).unwrap()
    }

    /// The same as text.
    fn logged(&self, name: &str) -> String {
        std::fs::read_to_string(self.folder(&format!("{name}.log"))).unwrap()
    }

    /// Runs a node that must not start; what it says.
    pub fn run_in_vain(&self, name: &str) -> Run {
        self.0.run(&["node", "run", "--data", &self.folder(name)])
    }

    /// A command about a node's cluster.
    pub fn cluster(&self, arguments: &[&str], name: &str) -> Run {
        self.0.run(&[&["cluster"], arguments, &["--data", &self.folder(name)]].concat())
    }

    /// What a node says of itself.
    pub fn report(&self, name: &str) -> serde_json::Value {
        let status = self.cluster(&["status", "--json"], name).done().json();
        let members = status["members"].as_array().unwrap();
        members
            .iter()
            .find(|member| member["name"] == name)
            .map_or(serde_json::Value::Null, |own| own["report"].clone())
    }

    /// Waits until a node serves its clients.
    pub fn wait_until_it_serves(&self, name: &str) {
        let began = Instant::now();
        loop {
            let report = self.report(name);
            if report.is_object() && report["not_serving"].is_null() {
                return;
            }
            assert!(began.elapsed() < PATIENCE, "{name} does not serve: {report}\n{}", self.logged(name));
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Copies a folder, but for its sockets.
    pub fn copy(&self, from: &str, to: &str) {
        copy(&self.0.path(from), &self.0.path(to));
    }

    /// Has programs use the node's token, from now on.
    pub fn use_token_of(&self, name: &str) {
        let socket = self.0.path(name).join("client.sock");
        self.0.configure(&format!("log = 'off'\n[[slot]]\nid = 0\nnodes = ['unix:{}']\n", socket.display()));
    }

    /// A token on the node in use, with an AES key of each of these labels.
    pub fn make_token(&self, labels: &[&str]) {
        self.0.run(&["token", "init", "box", "--with-user", "--slot", "0"]).done();
        self.as_user(|session| {
            for label in labels {
                let mut template = Attributes::from_iter([(ck::CKA_TOKEN, true)]);
                template.set(ck::CKA_VALUE_LEN, 32);
                template.set(ck::CKA_LABEL, label.as_bytes());
                let row = registry::find(ck::CKM_AES_KEY_GEN).unwrap();
                let generation = Mechanism { row, params: Params::None };
                session.turn().unwrap().generate_key(&generation, &template.into()).unwrap();
            }
        });
    }

    fn as_user(&self, work: impl FnOnce(&Arc<Session>)) {
        let config = Config::from_file(&self.0.path("cloister.toml")).unwrap();
        let library = Library::new(config).unwrap();
        let session = library.session(library.open_session(0, true).unwrap()).unwrap();
        session.login(UserType::User, USER.as_bytes()).unwrap();
        work(&session);
        library.close();
    }

    /// The labels of the keys on the node in use.
    pub fn labels(&self) -> Vec<String> {
        let mut labels = crate::support::column(&self.0.json(&["key", "list"]), "label");
        labels.sort();
        labels
    }
}

fn copy(from: &Path, to: &Path) {
    std::fs::DirBuilder::new().recursive(true).mode(0o700).create(to).unwrap();
    for entry in std::fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let (kind, target) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy(&entry.path(), &target);
        } else if kind.is_file() {
            std::fs::copy(entry.path(), target).unwrap();
        }
    }
}
