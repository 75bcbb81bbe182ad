//! A whole run: a cluster, a load, faults, and the verdict.

use crate::check::{self, Breach, Reads};
use crate::cluster::{Cluster, Failure, Settings};
use crate::fault::{Fault, Schedule};
use crate::history::{Operation, Recorder, seconds};
use crate::inject::Injected;
use crate::inventory::Inventory;
use crate::load::{self, Client, Load, VICTIMS, VICTIMS_PIN};
use crate::process;
use crate::report::Report;
use cloister::token::remote::RemoteToken;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// What to run.
#[derive(Clone, Debug)]
pub struct Plan {
    /// What all chance comes from.
    pub seed: u64,
    /// For how long there are faults.
    pub lasting: Duration,
    /// How many nodes.
    pub nodes: usize,
    /// How many clients.
    pub clients: usize,
    /// The nodes' setting.
    pub reads: Reads,
    /// Which faults.
    pub faults: Vec<Fault>,
    /// The command.
    pub cloister: PathBuf,
    /// Set to end the run early.
    pub stop: Arc<AtomicBool>,
}

/// How long a client goes on looking for a node that serves.
const RETRY: Duration = Duration::from_secs(3);
/// The same for what must succeed, since all is well.
const PATIENCE: Duration = Duration::from_secs(60);

impl Plan {
    /// Runs it. What happens is told line by line on standard output.
    pub fn run(mut self) -> Result<Report, Failure> {
        let faketime = process::faketime();
        if faketime.is_none() && self.faults.contains(&Fault::Clock) {
            println!("clocks are not stepped: libfaketime is not installed (Debian: faketime)");
            self.faults.retain(|fault| *fault != Fault::Clock);
        }
        let schedule = Schedule::new(self.seed, &self.faults).ok_or("no fault is left to make")?;
        let faketime = faketime.filter(|_| self.faults.contains(&Fault::Clock));
        println!("links are proxies on loopback; who calls is told by address");
        let settings = Settings {
            cloister: self.cloister.clone(),
            nodes: self.nodes,
            reads: self.reads,
            faketime,
            slow_disks: false,
            more: String::new(),
        };
        let mut cluster = Cluster::found(settings)?;
        let ran = self.run_on(&mut cluster, schedule);
        if !matches!(&ran, Ok(report) if report.breaches.is_empty()) {
            tell_of_nodes(&mut cluster);
        }
        ran
    }

    fn run_on(&self, cluster: &mut Cluster, schedule: Schedule) -> Result<Report, Failure> {
        let everywhere: Vec<usize> = (0..self.nodes).collect();
        load::prepare(&RemoteToken::new(cluster.client(&everywhere, PATIENCE)?))
            .map_err(|error| format!("the token can't be made: {error}"))?;
        println!("{} nodes serve; {} clients begin", self.nodes, self.clients);
        let load = Arc::new(Load::default());
        let clients = self.start_clients(cluster, &load)?;
        let faults = self.make_faults(cluster, schedule, &load.recorder);
        load.stop();
        for client in clients {
            client.join().map_err(|_| "a client has panicked")?;
        }
        let faults = faults?;
        println!("all is healed; every node is asked for what it has");
        let mut breaches = self.look(cluster, &load)?;
        let history = load.recorder.history();
        breaches.extend(check::check(&history, self.reads, load::TRIES));
        Ok(Report { history, faults, breaches })
    }

    fn start_clients(&self, cluster: &Cluster, load: &Arc<Load>) -> Result<Vec<JoinHandle<()>>, Failure> {
        let everywhere: Vec<usize> = (0..self.nodes).collect();
        let start = |number: usize| {
            let client = Client::new(number, self.seed, cluster.client(&everywhere, RETRY)?);
            let load = load.clone();
            Ok(std::thread::spawn(move || client.work(&load)))
        };
        (0..self.clients).map(start).collect()
    }

    /// Makes faults until the time is up; how many there were.
    fn make_faults(
        &self,
        cluster: &mut Cluster,
        schedule: Schedule,
        recorder: &Recorder,
    ) -> Result<usize, Failure> {
        let began = Instant::now();
        let mut count = 0;
        for round in schedule {
            self.wait(round.calm);
            cluster.check_running()?;
            if began.elapsed() >= self.lasting || self.stop.load(Ordering::Acquire) {
                break;
            }
            let tell = |line: &str| println!("{:>12} s  {line}", seconds(recorder.now()));
            let injected = Injected::strike(cluster, &round, recorder, tell)?;
            count += round.strikes.len();
            self.wait(round.lasting);
            injected.heal(cluster, recorder)?;
        }
        Ok(count)
    }

    fn wait(&self, time: Duration) {
        let began = Instant::now();
        while began.elapsed() < time && !self.stop.load(Ordering::Acquire) {
            std::thread::sleep(Duration::from_millis(20));
        }
    }

    /// Asks each node for all that it has, and the cluster whether those who used up their tries are locked out.
    fn look(&self, cluster: &mut Cluster, load: &Load) -> Result<Vec<Breach>, Failure> {
        let everywhere: Vec<usize> = (0..self.nodes).collect();
        let token = RemoteToken::new(cluster.client(&everywhere, PATIENCE)?);
        for name in (0..VICTIMS).map(load::victim) {
            let right = load::victim_credentials(&name, VICTIMS_PIN);
            load.recorder.login(self.clients, &name, true, || load::attempt(&token, &right).1);
        }
        cluster.await_level()?;
        let things = load.things();
        let mut inventories = Vec::new();
        for place in 0..self.nodes {
            let inventory = Inventory::take(cluster.client(&[place], PATIENCE)?);
            let inventory = inventory.map_err(|error| {
                format!("{} does not tell what it has, when all is healed: {error}", cluster.name(place))
            })?;
            inventory.note(&load.recorder, self.clients + place + 1, place, &things);
            inventories.push(inventory);
        }
        let differs = |place: &usize| inventories[0].difference(&inventories[*place], (0, *place));
        let differences = (1..self.nodes).collect::<Vec<_>>().iter().filter_map(differs).collect::<Vec<_>>();
        Ok(inventories[0].strangers(&things).into_iter().chain(differences).collect())
    }
}

impl std::fmt::Display for Plan {
    /// The command that runs it.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let faults: Vec<&str> = self.faults.iter().map(|fault| fault.word()).collect();
        write!(
            f,
            "cloister-faults --seed {} --minutes {:.2} --nodes {} --clients {} --reads {} --only {}",
            self.seed,
            self.lasting.as_secs_f64() / 60.0,
            self.nodes,
            self.clients,
            self.reads.word(),
            faults.join(",")
        )
    }
}

fn tell_of_nodes(cluster: &mut Cluster) {
    for at in 0..cluster.size() {
        println!("\nthe last that was said by {}:\n{}", cluster.name(at), cluster.last_words(at));
    }
    println!("\nall data and logs are kept in {}", cluster.keep().display());
}

/// What happened to an object, for people.
pub fn life(operations: &[Operation], object: usize) -> String {
    let of_it = operations.iter().filter(|operation| operation.object == object);
    of_it.map(|operation| format!("{operation}\n")).collect()
}
