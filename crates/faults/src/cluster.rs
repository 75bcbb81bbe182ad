//! A cluster of real nodes in a temporary folder, made and looked after by the words of the command line.
//!
//! A node's place is its part in the set-up: its addresses, and the proxies before them. The node at a place can be replaced; its successor is
//! another node, with an id of its own, at the same addresses.

use crate::check::Reads;
use crate::process::{Clock, Process, Surroundings};
use crate::proxy::{Links, source};
use crate::slow_disk::{self, SlowDisk};
use cloister::config::{ClusterSettings, Config, Place as SlotPlace};
use rustix::process::Signal;
use serde_json::Value;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// Why a cluster can't be made or kept; the text says what failed.
pub type Failure = String;

/// How long a node may take to end when it is asked to.
const END: Duration = Duration::from_secs(10);
/// How long the cluster may take to agree to something while most of its nodes are well.
const AGREEMENT: Duration = Duration::from_secs(60);

/// What kind of cluster to make.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The command.
    pub cloister: PathBuf,
    /// How many nodes.
    pub nodes: usize,
    /// The nodes' setting `reads`.
    pub reads: Reads,
    /// libfaketime, if clocks are to be stepped.
    pub faketime: Option<PathBuf>,
    /// Whether disks are to be slowed down.
    pub slow_disks: bool,
    /// More lines for every `node.toml`.
    pub more: String,
}

/// A node's part in the set-up.
struct Place {
    data: PathBuf,
    /// The node's own addresses: for its peers, and for clients.
    own: [SocketAddr; 2],
    /// The addresses of the proxies before them.
    shown: [SocketAddr; 2],
    /// Counts the nodes that this place has had.
    tenant: usize,
    process: Option<Process>,
}

/// A running cluster. Its processes end when it is dropped.
pub struct Cluster {
    settings: Settings,
    links: Arc<Links>,
    places: Vec<Place>,
    folder: tempfile::TempDir,
}

impl Drop for Cluster {
    fn drop(&mut self) {
        self.links.close();
    }
}

impl Cluster {
    /// Founds a cluster of one, has the other nodes join, and waits until all are in.
    pub fn found(settings: Settings) -> Result<Cluster, Failure> {
        let folder = tempfile::tempdir().map_err(told("a temporary folder"))?;
        let mut cluster = Cluster { links: Arc::default(), places: Vec::new(), folder, settings };
        for at in 0..cluster.settings.nodes {
            let place = cluster.new_place(at)?;
            cluster.places.push(place);
            if at == 0 {
                cluster.make_first()?;
            } else {
                cluster.join(at)?;
            }
            cluster.start(at)?;
            cluster.await_voters(at + 1)?;
        }
        cluster.say(
            &["cluster", "client", "faults", "--data", &text(&cluster.places[0].data), "--out"],
            &[&cluster.client_folder()],
        )?;
        Ok(cluster)
    }

    fn new_place(&self, at: usize) -> Result<Place, Failure> {
        let mut own = Vec::new();
        let mut shown = Vec::new();
        for _ in 0..2 {
            let address = free_address(at).map_err(told("a free port"))?;
            own.push(address);
            shown.push(self.links.open(at, address).map_err(told("a proxy"))?);
        }
        let data = self.folder.path().join(format!("node-{at}"));
        Ok(Place { data, own: [own[0], own[1]], shown: [shown[0], shown[1]], tenant: 0, process: None })
    }

    fn make_first(&mut self) -> Result<(), Failure> {
        let data = text(&self.places[0].data);
        let mut arguments = vec!["cluster".to_owned(), "init".to_owned(), "--data".to_owned(), data];
        arguments.extend(self.addresses(0));
        self.say(&arguments, NONE)?;
        self.write_settings(0)
    }

    /// Has a new node join at a place where there is none.
    pub fn join(&mut self, at: usize) -> Result<(), Failure> {
        let token = self.folder.path().join("join-token");
        let _ = std::fs::remove_file(&token);
        self.say(&["cluster", "invite", "--data", &text(&self.places[0].data), "--out"], &[&token])?;
        let data = text(&self.places[at].data);
        let mut arguments = ["cluster", "join", "--data", &data, "--token-file"].map(str::to_owned).to_vec();
        arguments.push(text(&token));
        let others = (0..self.size()).filter(|other| *other != at);
        let via: Vec<String> = others.map(|other| self.places[other].shown[0].to_string()).collect();
        arguments.extend(["--via".to_owned(), via.join(",")]);
        arguments.extend(self.addresses(at));
        self.say_until_heard(&arguments)?;
        self.write_settings(at)
    }

    /// The options of a new node that say who and where it is.
    fn addresses(&self, at: usize) -> Vec<String> {
        let Place { own, shown, .. } = &self.places[at];
        let options = [
            ("--name", self.name(at)),
            ("--sync", own[0].to_string()),
            ("--advertise", shown[0].to_string()),
            ("--client", own[1].to_string()),
        ];
        options.into_iter().flat_map(|(option, value)| [option.to_owned(), value]).collect()
    }

    /// What the commands leave to be written by hand.
    fn write_settings(&self, at: usize) -> Result<(), Failure> {
        let file = self.places[at].data.join("node.toml");
        let written = std::fs::read_to_string(&file).map_err(told("node.toml"))?;
        let reads = self.settings.reads.word();
        let source = source(at);
        let lines = &self.settings.more;
        let more = format!(
            "source = \"{source}\"\nreads = \"{reads}\"\n{lines}\n[token]\nargon2_memory_kib = 64\nargon2_passes = 1\n"
        );
        std::fs::write(&file, format!("{written}{more}")).map_err(told("node.toml"))
    }

    /// The name of the node that is at a place now.
    pub fn name(&self, at: usize) -> String {
        format!("place-{at}-{}", self.places[at].tenant)
    }

    /// How many places there are.
    pub fn size(&self) -> usize {
        self.places.len()
    }

    /// The links between the nodes, and from clients to them.
    pub fn links(&self) -> &Links {
        &self.links
    }

    /// Runs the node at a place; nothing if it runs.
    pub fn start(&mut self, at: usize) -> Result<(), Failure> {
        if self.is_running(at) {
            return Ok(());
        }
        let around = Surroundings { clock: self.clock(at), disk: self.disk(at)? };
        let log = self.log(at);
        if let Some(clock) = around.clock.as_ref().filter(|clock| !clock.file.exists()) {
            clock.step(0).map_err(told("a clock"))?;
        }
        let process = Process::start(&self.settings.cloister, &self.places[at].data, &log, &around);
        self.places[at].process = Some(process.map_err(told("a node's process"))?);
        Ok(())
    }

    /// Whether the node at a place runs.
    pub fn is_running(&mut self, at: usize) -> bool {
        let process = self.places[at].process.as_mut();
        process.is_some_and(|process| matches!(process.ended(), Ok(None)))
    }

    /// Whether every node that was begun still runs.
    pub fn check_running(&mut self) -> Result<(), Failure> {
        let begun = |at: &usize| self.places[*at].process.is_some();
        let begun: Vec<usize> = (0..self.size()).filter(begun).collect();
        match begun.into_iter().find(|at| !self.is_running(*at)) {
            None => Ok(()),
            Some(at) => Err(format!("{} has ended by itself:\n{}", self.name(at), self.last_words(at))),
        }
    }

    /// Sends a signal to the node at a place.
    pub fn signal(&self, at: usize, signal: Signal) -> Result<(), Failure> {
        let process = self.places[at].process.as_ref();
        process.map_or(Ok(()), |process| process.signal(signal)).map_err(told("a signal"))
    }

    /// Lets no file of the node at a place grow beyond so many bytes, or any size again.
    pub fn limit_files(&mut self, at: usize, bytes: Option<u64>) -> Result<(), Failure> {
        if !self.is_running(at) {
            return Ok(());
        }
        let process = self.places[at].process.as_ref();
        process.map_or(Ok(()), |process| process.limit_files(bytes)).map_err(told("a limit on files"))
    }

    /// Puts the clock of the node at a place so many seconds ahead of the right time.
    pub fn step_clock(&self, at: usize, seconds: i64) -> Result<(), Failure> {
        self.clock(at).map_or(Ok(()), |clock| clock.step(seconds)).map_err(told("a clock"))
    }

    /// Makes each sync of a file take the node at a place so long, from now on; for a cluster whose disks are to be slowed down.
    pub fn slow_disk(&self, at: usize, time: Duration) -> Result<(), Failure> {
        self.disk(at)?.map_or(Ok(()), |disk| disk.take(time)).map_err(told("a slow disk"))
    }

    /// How many syncs of the node at a place have been slow so far.
    pub fn slow_syncs(&self, at: usize) -> Result<u64, Failure> {
        Ok(self.disk(at)?.map_or(0, |disk| disk.syncs()))
    }

    /// Kills the node at a place, with no chance to tidy up.
    pub fn kill(&mut self, at: usize) {
        self.places[at].process = None;
    }

    /// Asks the node at a place to end, and waits for it.
    pub fn stop(&mut self, at: usize) -> Result<(), Failure> {
        let Some(mut process) = self.places[at].process.take() else { return Ok(()) };
        process.signal(Signal::TERM).map_err(told("SIGTERM"))?;
        match process.wait(END).map_err(told("a node's end"))? {
            Some(_) => Ok(()),
            None => Err(format!("{} did not end within {END:?} of SIGTERM", self.name(at))),
        }
    }

    /// The clock of the node at a place, if clocks can be stepped.
    fn clock(&self, at: usize) -> Option<Clock> {
        let library = self.settings.faketime.clone()?;
        Some(Clock { library, file: self.folder.path().join(format!("clock-{at}")) })
    }

    /// The disk of the node at a place, if disks can be slowed down.
    fn disk(&self, at: usize) -> Result<Option<SlowDisk>, Failure> {
        if !self.settings.slow_disks {
            return Ok(None);
        }
        let library =
            slow_disk::built(self.folder.path()).map_err(told("the library that slows disks down"))?;
        Ok(Some(SlowDisk { library, file: self.folder.path().join(format!("disk-{at}")) }))
    }

    /// Removes the node at a place from the cluster, by the word of another; ends it and throws its folder away.
    pub fn remove(&mut self, at: usize) -> Result<(), Failure> {
        let name = self.name(at);
        let mut others = (0..self.size()).filter(|other| *other != at);
        let asked = others.find(|other| self.is_running(*other)).ok_or("there is no other node to ask")?;
        let data = text(&self.places[asked].data);
        // A leader is not removed before another leads.
        if self.leader() == Some(at) {
            self.stop(at)?;
        }
        // It may end by itself once it is no member.
        let process = self.places[at].process.take();
        let is_member = |status: &Value| members(status).any(|member| member["name"] == name.as_str());
        let mut refusal = String::new();
        self.until(&format!("agreement to remove {name}"), |cluster| {
            if let Err(failure) = cluster.say(&["cluster", "remove", &name, "--data", &data], NONE) {
                refusal = failure;
            }
            cluster.status(asked).is_some_and(|status| !is_member(&status))
        })
        .map_err(|failure| format!("{failure}; {refusal}"))?;
        drop(process);
        std::fs::remove_dir_all(&self.places[at].data).map_err(told("the folder of a removed node"))?;
        self.places[at].tenant += 1;
        Ok(())
    }

    /// The place of the leader, as the nodes that can be asked say.
    pub fn leader(&mut self) -> Option<usize> {
        (0..self.size()).find_map(|at| {
            let status = self.status(at)?;
            let leader = status.get("leader")?.as_str()?.to_owned();
            let member = members(&status).find(|member| member["id"] == leader.as_str())?;
            let name = member["name"].as_str()?.to_owned();
            (0..self.size()).find(|place| self.name(*place) == name)
        })
    }

    /// What the node at a place says of the cluster, if it answers.
    pub fn status(&mut self, at: usize) -> Option<Value> {
        if !self.is_running(at) {
            return None;
        }
        let data = text(&self.places[at].data);
        let said = self.say(&["cluster", "status", "--json", "--data", &data], NONE).ok()?;
        serde_json::from_str(&said).ok()
    }

    /// Waits until the cluster has so many voters.
    pub fn await_voters(&mut self, count: usize) -> Result<(), Failure> {
        let voters = |status: Value| members(&status).filter(|member| member["votes"] == true).count();
        self.until(&format!("{count} nodes that vote"), |cluster| {
            (0..cluster.size()).any(|at| cluster.status(at).map(voters) == Some(count))
        })
    }

    /// Waits until every node serves and has applied the same.
    pub fn await_level(&mut self) -> Result<(), Failure> {
        self.until("nodes that serve and have applied the same", |cluster| {
            let applied: Vec<Option<u64>> = (0..cluster.size()).map(|at| cluster.applied(at)).collect();
            applied[0].is_some() && applied.iter().all(|other| *other == applied[0])
        })
    }

    /// What the node at a place has applied, by its own word, if it serves.
    fn applied(&mut self, at: usize) -> Option<u64> {
        let status = self.status(at)?;
        let name = self.name(at);
        let member = members(&status).find(|member| member["name"] == name.as_str())?;
        let report = member.get("report")?;
        if !report["not_serving"].is_null() {
            return None;
        }
        report["applied"].as_u64()
    }

    fn until(&mut self, what: &str, mut is_so: impl FnMut(&mut Cluster) -> bool) -> Result<(), Failure> {
        let began = Instant::now();
        while !is_so(self) {
            self.check_running()?;
            if began.elapsed() > AGREEMENT {
                return Err(format!("waited {AGREEMENT:?} in vain for {what}"));
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Ok(())
    }

    /// How a client reaches the nodes at these places, in this order, waiting so long for a node that serves.
    pub fn client(&self, places: &[usize], retry: Duration) -> Result<ClusterSettings, Failure> {
        let nodes: Vec<String> =
            places.iter().map(|at| format!("\"tls:{}\"", self.places[*at].shown[1])).collect();
        let folder = self.client_folder();
        let written = format!(
            "[[slot]]\nid = 0\nnodes = [{}]\nca = \"ca.pem\"\ncertificate = \"client.pem\"\nkey = \"client.key\"\n\
             connect_timeout_ms = 500\nrequest_timeout_ms = 2000\nretry_ms = {}\n",
            nodes.join(", "),
            retry.as_millis(),
        );
        let file = folder.join("cloister.toml");
        std::fs::write(&file, written).map_err(told("a client's configuration"))?;
        let config = Config::from_file(&file).map_err(|problem| problem.0)?;
        match config.slots.into_iter().next().map(|slot| slot.place) {
            Some(SlotPlace::Cluster(settings)) => Ok(settings),
            _ => Err("a client's configuration has no slot on nodes".to_owned()),
        }
    }

    fn client_folder(&self) -> PathBuf {
        self.folder.path().join("client")
    }

    fn log(&self, at: usize) -> PathBuf {
        self.folder.path().join(format!("node-{at}.log"))
    }

    /// The last lines that the nodes at a place have said.
    pub fn last_words(&self, at: usize) -> String {
        let said = std::fs::read(self.log(at)).unwrap_or_default();
        let said = String::from_utf8_lossy(&said);
        let lines: Vec<String> = said.lines().map(|line| line.chars().take(LONG).collect()).collect();
        lines[lines.len().saturating_sub(LAST_WORDS)..].join("\n")
    }

    /// Keeps the folder with all data and logs; where it is.
    pub fn keep(&mut self) -> PathBuf {
        self.folder.disable_cleanup(true);
        self.folder.path().to_owned()
    }

    /// Runs the command; what it answers.
    fn say(&self, arguments: &[impl AsRef<str>], files: &[&Path]) -> Result<String, Failure> {
        let words: Vec<&str> = arguments.iter().map(AsRef::as_ref).collect();
        // A node that hangs answers nobody who asks it how it is.
        let output = Command::new("timeout")
            .args(["--signal=KILL", PATIENCE])
            .arg(&self.settings.cloister)
            .args(&words)
            .args(files)
            .output()
            .map_err(told("the command"))?;
        if output.status.success() {
            return Ok(String::from_utf8_lossy(&output.stdout).into_owned());
        }
        let said = String::from_utf8_lossy(&output.stderr).trim().to_owned();
        Err(format!("cloister {}: {said}", words.join(" ")))
    }

    /// Says it again until it is agreed to: a change waits for a leader, and for the change before it.
    fn say_until_heard(&self, arguments: &[String]) -> Result<(), Failure> {
        let began = Instant::now();
        loop {
            match self.say(arguments, NONE) {
                Ok(_) => return Ok(()),
                Err(failure) if began.elapsed() > AGREEMENT => return Err(failure),
                Err(_) => std::thread::sleep(Duration::from_millis(500)),
            }
        }
    }
}

/// How long a command may take, in seconds.
const PATIENCE: &str = "60";
/// How many lines of a node's log are shown.
const LAST_WORDS: usize = 20;
/// How much of each, in characters.
const LONG: usize = 240;
const NONE: &[&Path] = &[];

fn members(status: &Value) -> impl Iterator<Item = &Value> {
    status["members"].as_array().into_iter().flatten()
}

/// An address of a place on which nothing listens.
fn free_address(at: usize) -> std::io::Result<SocketAddr> {
    TcpListener::bind((source(at), 0))?.local_addr()
}

fn text(path: &Path) -> String {
    path.to_string_lossy().into_owned()
}

fn told<E: std::fmt::Display>(what: &str) -> impl Fn(E) -> Failure {
    move |error| format!("{what}: {error}")
}
