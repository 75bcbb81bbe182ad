//! A run: a process for each module and number of objects, each line measured at each place in turn, again and again with other processes.

use super::place::{Maker, Place};
use super::plan::{Callers, FEW, GROUPS};
use super::start::Started;
use super::table::{Cell, Line, Table};
use super::work::{Told, Work};
use crate::load::{Calls, Clock, Failures, Manner};
use crate::worker::{Job, Measured, Target, Token, Worker};
use crate::{Result, progress};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// How much longer several callers are measured than one: the time until the kernel has spread them over the processors weighs less.
const SETTLING: f64 = 5.0;

/// In how many turns a repetition is measured beside what is called directly: each column has a part of its time, then each has another. What the machine
/// does meanwhile for longer than a turn, it does to all.
const TURNS: usize = 4;

/// How it is measured.
#[derive(Clone, Copy, Debug)]
pub struct Measure<'a> {
    /// Only lines whose title, or whose group's, contains this.
    pub only: &'a str,
    /// How often.
    pub repetitions: usize,
    /// For how long each time.
    pub seconds: f64,
}

impl Measure<'_> {
    /// The lines that are wanted, with nothing measured yet.
    fn lines(&self, columns: usize) -> Vec<Line> {
        let rows = GROUPS.iter().flat_map(|group| group.rows.iter().map(move |row| (group, row)));
        let wanted = |line: &Line| {
            line.title().contains(self.only)
                || line.group.title.contains(self.only)
                || line.row.name == self.only
        };
        rows.flat_map(|(group, row)| Line::of(group, row, columns)).filter(wanted).collect()
    }

    /// Whether anything is wanted.
    pub fn wants_any(&self) -> bool {
        !self.lines(1).is_empty()
    }

    /// Measures, with everything in `folder`; and answers who each module says it is. `places`: goals are the first one's.
    pub fn run(&self, places: &[Place], folder: &Path) -> Result<(Table, Vec<String>)> {
        let mut lines = self.lines(1 + places.len());
        let mut stands = Vec::new();
        for (number, place) in places.iter().enumerate() {
            let mut stand = Stand::new(place, folder.join(format!("module-{number}")));
            for line in &lines {
                stand.furnish(line.objects)?;
            }
            stands.push(stand);
        }
        for repetition in 1..=self.repetitions {
            // Where a process happens to have its memory decides over some hundredths.
            let mut direct = Direct::start(folder)?;
            stands.iter_mut().for_each(Stand::start_anew);
            for line in &mut lines {
                let title = line.title();
                progress::tell(&format!("repetition {repetition} of {}: {title}", self.repetitions));
                for _ in 0..turns(line) {
                    let manner = self.manner(line);
                    let value = direct.measure(line, manner)?;
                    line.note(0, value);
                    for (column, stand) in stands.iter_mut().enumerate() {
                        if line.cells[column + 1] != Cell::Failed {
                            let value = stand.measure(line, manner);
                            line.note(column + 1, value.unwrap_or_else(|error| stand.failed(line, &error)));
                        }
                    }
                }
            }
        }
        progress::end();
        let versions = stands.iter_mut().map(Stand::version).collect::<Result<_>>()?;
        let modules = places.iter().map(|place| place.name.clone()).collect();
        Ok((Table { modules, lines }, versions))
    }

    fn manner(&self, line: &Line) -> Manner {
        let work = line.row.work;
        let several = line.row.callers.len() > 1 || line.callers != Callers::One;
        Manner {
            callers: match line.callers {
                Callers::Threads(threads) => threads,
                Callers::One | Callers::Processes(_) => 1,
            },
            seconds: self.seconds * work.patience().max(if several { SETTLING } else { 1.0 })
                / turns(line) as f64,
            clock: if several || work.waits() { Clock::Wall } else { Clock::Processor },
            failures: Failures::End,
            tidy: true,
        }
    }
}

/// Those of a line. A disk is waited for, and a start made, once in a repetition.
fn turns(line: &Line) -> usize {
    if line.group.direct.is_empty() || line.row.work.waits() { 1 } else { TURNS }
}

/// What one measurement brought.
enum Value {
    /// Nothing was to be measured.
    Nothing,
    /// The module has not got it.
    NotOffered,
    /// It went wrong.
    Failed,
    /// A number.
    Is(f64),
}

impl From<Measured> for Value {
    fn from(measured: Measured) -> Value {
        measured.map_or(Value::NotOffered, |calls| Value::Is(calls.rate))
    }
}

impl Line {
    fn note(&mut self, column: usize, value: Value) {
        match value {
            Value::Nothing => {}
            Value::NotOffered => self.cells[column] = Cell::NotOffered,
            Value::Failed => self.cells[column] = Cell::Failed,
            Value::Is(value) => self.cells[column].push(value),
        }
    }
}

/// libcrypto, and bare SQLite for what is durable.
struct Direct {
    worker: Worker,
    database: PathBuf,
}

impl Direct {
    fn start(folder: &Path) -> Result<Direct> {
        let worker = Worker::start(None, [("LC_ALL", "C")])?;
        Ok(Direct { worker, database: folder.join("transactions.db") })
    }

    fn measure(&mut self, line: &Line, manner: Manner) -> Result<Value> {
        let target = match (line.row.work, line.callers) {
            (Work::Create, Callers::One | Callers::Threads(_)) => Target::Transaction(self.database.clone()),
            (work, _) if work.waits() || line.group.direct.is_empty() => return Ok(Value::Nothing),
            _ => Target::Libcrypto(line.row.name.to_owned()),
        };
        Ok(self.worker.run::<Measured>(&Job::Measure(target, manner))?.into())
    }
}

/// A module, with a token and a process for each number of objects.
struct Stand<'a> {
    place: &'a Place,
    folder: PathBuf,
    halls: BTreeMap<usize, Hall>,
    /// How many halls are no more.
    left: usize,
}

/// A token with so many objects, and the processes that call.
struct Hall {
    environment: Vec<(String, OsString)>,
    workers: Vec<Worker>,
}

impl<'a> Stand<'a> {
    fn new(place: &'a Place, folder: PathBuf) -> Stand<'a> {
        Stand { place, folder, halls: BTreeMap::new(), left: 0 }
    }

    /// Makes the token with so many objects, if the module is measured with so many.
    fn furnish(&mut self, objects: usize) -> Result<()> {
        if objects > self.place.maker.most() || self.halls.contains_key(&objects) {
            return Ok(());
        }
        eprintln!("setting up: {} with {objects} objects", self.place.name);
        let token = Token { slot: None, objects };
        let folder = self.folder.join(format!("{objects}-{}", self.left));
        // Many objects would wait for the disk one by one: so they are made in memory, and the disk gets them all together.
        let memory = Path::new(MEMORY).is_dir().then(|| tempfile::tempdir_in(MEMORY)).transpose()?;
        if let Some(memory) = &memory {
            let environment = self.place.maker.configure(memory.path())?;
            Worker::start(Some(&self.place.file), environment)?.run::<()>(&Job::MakeToken(token))?;
            copy(memory.path(), &folder)?;
        }
        let environment = self.place.maker.configure(&folder)?;
        let mut hall = Hall { environment, workers: Vec::new() };
        hall.workers(self.place, 1)?[0].run::<()>(&Job::MakeToken(token))?;
        self.halls.insert(objects, hall);
        Ok(())
    }

    /// Lets all processes go; who measures next starts others.
    fn start_anew(&mut self) {
        self.halls.values_mut().for_each(|hall| hall.workers.clear());
    }

    fn measure(&mut self, line: &Line, manner: Manner) -> Result<Value> {
        let token = Token { slot: None, objects: line.objects };
        self.furnish(line.objects)?;
        let Some(hall) = self.halls.get_mut(&line.objects) else { return Ok(Value::Nothing) };
        if let Work::Start(told) = line.row.work {
            let mut worker = Worker::start(None, hall.environment.clone())?;
            let started: Started = worker.run(&Job::Start(self.place.file.clone(), token))?;
            return Ok(Value::Is(match told {
                Told::WithoutLogin => started.rest,
                Told::Login => started.login,
                Told::Memory => started.resident,
            }));
        }
        let processes = match line.callers {
            Callers::Processes(processes) => processes,
            Callers::One | Callers::Threads(_) => 1,
        };
        let job = |manner| Job::Measure(Target::Module(token, line.row.name.to_owned()), manner);
        let workers = hall.workers(self.place, processes)?;
        if processes > 1 {
            // Those that have just been started log in first, so that all begin together.
            let first = job(Manner { seconds: manner.seconds / 10.0, ..manner });
            workers.iter_mut().try_for_each(|worker| worker.begin(&first))?;
            workers.iter_mut().try_for_each(|worker| worker.end::<Measured>().map(drop))?;
        }
        let job = job(manner);
        workers.iter_mut().try_for_each(|worker| worker.begin(&job))?;
        let mut sum: Measured = Some(Calls::default());
        for worker in workers {
            let measured: Measured = worker.end()?;
            sum = sum.zip(measured).map(|(mut sum, calls)| {
                sum.add(&calls);
                sum
            });
        }
        Ok(sum.into())
    }

    /// Says what went wrong, and lets those go who may still be at it. They may leave a token in which nothing works any more: so the next
    /// line finds another.
    fn failed(&mut self, line: &Line, error: &crate::Error) -> Value {
        progress::end();
        eprintln!("{}, {}: {error}", self.place.name, line.title());
        self.left += usize::from(self.halls.remove(&line.objects).is_some());
        Value::Failed
    }

    /// Who the module says it is.
    fn version(&mut self) -> Result<String> {
        self.furnish(FEW)?;
        let hall = self.halls.get_mut(&FEW).ok_or("there is no token")?;
        hall.workers(self.place, 1)?[0].run(&Job::Version)
    }
}

/// Where files are kept in memory.
const MEMORY: &str = "/dev/shm";

/// Copies a folder with all that is in it, but not the configurations, which name the folder they are in.
fn copy(from: &Path, to: &Path) -> Result<()> {
    std::fs::create_dir_all(to)?;
    for entry in std::fs::read_dir(from)? {
        let entry = entry?;
        let (path, name) = (entry.path(), to.join(entry.file_name()));
        match entry.file_type()?.is_dir() {
            true => copy(&path, &name)?,
            false if Maker::configures(&path) => {}
            false => std::fs::copy(&path, &name).map(|_| ())?,
        }
    }
    Ok(())
}

impl Hall {
    /// So many processes, started if they are not there.
    fn workers(&mut self, place: &Place, count: usize) -> Result<&mut [Worker]> {
        while self.workers.len() < count {
            self.workers.push(Worker::start(Some(&place.file), self.environment.clone())?);
        }
        Ok(&mut self.workers[..count])
    }
}
