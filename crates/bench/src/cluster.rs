//! A cluster of real processes on this machine, set up with the command line's own words.

use crate::Result;
use serde_json::Value;
use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// How long to wait until all nodes serve.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks.
const LOOK: Duration = Duration::from_millis(100);

/// Nodes, and the files of a client.
pub struct Cluster {
    program: PathBuf,
    folder: PathBuf,
    nodes: Vec<Node>,
}

struct Node {
    name: String,
    data: PathBuf,
    client: String,
    process: Option<Child>,
}

impl Cluster {
    /// Founds a cluster of so many nodes in `folder`, and waits until all of them serve. `program`: `cloister`.
    pub fn start(program: &Path, folder: PathBuf, nodes: usize) -> Result<Cluster> {
        std::fs::create_dir(&folder)?;
        let mut cluster = Cluster { program: program.to_owned(), folder, nodes: Vec::new() };
        for number in 1..=nodes {
            cluster.add(&format!("n{number}"))?;
            cluster.wait()?;
        }
        let (first, client) = (cluster.nodes[0].data.clone(), cluster.client_files());
        cluster.cloister(&[
            "cluster",
            "client",
            "bench",
            "--data",
            text(&first)?,
            "--out",
            text(&client)?,
        ])?;
        Ok(cluster)
    }

    /// The folder with `ca.pem`, `client.pem` and `client.key`.
    pub fn client_files(&self) -> PathBuf {
        self.folder.join("client")
    }

    /// The Unix socket of the first node.
    pub fn socket(&self) -> PathBuf {
        self.nodes[0].data.join("client.sock")
    }

    /// Host and port of each node for TLS.
    pub fn addresses(&self) -> Vec<String> {
        self.nodes.iter().map(|node| node.client.clone()).collect()
    }

    fn add(&mut self, name: &str) -> Result<()> {
        let (data, sync, client) = (self.folder.join(name), free_address()?, free_address()?);
        let at = ["--data", text(&data)?, "--name", name, "--sync", &sync, "--client", &client];
        match self.nodes.first() {
            None => self.cloister(&[&["cluster", "init"], &at[..]].concat())?,
            Some(first) => {
                let token = self.folder.join(format!("{name}.token"));
                let token = text(&token)?;
                self.cloister(&["cluster", "invite", "--data", text(&first.data)?, "--out", token])?;
                self.cloister(&[&["cluster", "join", "--token-file", token], &at[..]].concat())?
            }
        };
        self.nodes.push(Node { name: name.to_owned(), data, client, process: None });
        self.run(self.nodes.len() - 1)
    }

    /// Starts the process of a node.
    fn run(&mut self, node: usize) -> Result<()> {
        let node = &mut self.nodes[node];
        let log = File::options()
            .create(true)
            .append(true)
            .open(self.folder.join(&node.name).with_extension("log"))?;
        let mut command = Command::new(&self.program);
        command.args(["node", "run", "--data"]).arg(&node.data);
        node.process = Some(command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log).spawn()?);
        Ok(())
    }

    /// Waits until every node that was added serves.
    pub fn wait(&self) -> Result<()> {
        let began = Instant::now();
        while !self.all_serve() {
            if began.elapsed() > PATIENCE {
                return Err(format!("not all nodes serve: see {}/*.log", self.folder.display()).into());
            }
            std::thread::sleep(LOOK);
        }
        Ok(())
    }

    fn all_serve(&self) -> bool {
        let Some(status) = self.status() else { return false };
        let serves = |member: &&Value| {
            member["votes"] == Value::Bool(true)
                && member["report"].is_object()
                && member["report"]["not_serving"].is_null()
                && member["lag"].as_u64().is_none_or(|lag| lag < 10)
        };
        let members = status["members"].as_array().map(Vec::as_slice).unwrap_or_default();
        members.iter().filter(serves).count() == self.nodes.len()
    }

    /// What the first node that answers says of all.
    fn status(&self) -> Option<Value> {
        self.nodes.iter().find_map(|node| {
            let data = text(&node.data).ok()?;
            let told = self.cloister(&["cluster", "status", "--json", "--data", data]).ok()?;
            serde_json::from_str(&told).ok()
        })
    }

    /// Kills the process of the leader, as `kill -9` does; answers which it was.
    pub fn kill_leader(&mut self) -> Result<usize> {
        let status = self.status().ok_or("no node answers")?;
        let leader = |member: &&Value| member["id"] == status["leader"];
        let leader = status["members"].as_array().and_then(|members| members.iter().find(leader));
        let name = leader.ok_or("there is no leader")?["name"].clone();
        let node =
            self.nodes.iter().position(|node| name == node.name.as_str()).ok_or("an unknown leader")?;
        self.nodes[node].kill();
        Ok(node)
    }

    /// Starts a killed node again, and waits until it serves.
    pub fn revive(&mut self, node: usize) -> Result<()> {
        self.run(node)?;
        self.wait()
    }

    fn cloister(&self, arguments: &[&str]) -> Result<String> {
        let run = Command::new(&self.program).args(arguments).stdin(Stdio::null()).output()?;
        if !run.status.success() {
            let said = String::from_utf8_lossy(&run.stderr);
            return Err(format!("cloister {}: {}", arguments.join(" "), said.trim()).into());
        }
        Ok(String::from_utf8(run.stdout)?)
    }
}

impl Node {
    fn kill(&mut self) {
        if let Some(mut process) = self.process.take() {
            // It may have ended by itself.
            let _ = process.kill();
            let _ = process.wait();
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        self.kill();
    }
}

/// A port that was free a moment ago.
fn free_address() -> Result<String> {
    Ok(TcpListener::bind("127.0.0.1:0")?.local_addr()?.to_string())
}

fn text(path: &Path) -> Result<&str> {
    path.to_str().ok_or_else(|| "the folder's name is not UTF-8".into())
}
