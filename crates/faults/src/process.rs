//! One node's process: begun, signalled, ended, its log kept.

use crate::slow_disk::SlowDisk;
use rustix::process::{Pid, Resource, Rlimit, Signal, kill_process, prlimit};
use std::ffi::OsStr;
use std::fs::OpenOptions;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

/// Begins a program with file-size signals ignored, so that a full disk is an error and no death; `exec` keeps both this and the number.
const BEGIN: &str = "trap '' XFSZ; exec \"$0\" \"$@\" 2>&1";

/// A clock of its own for a process, by libfaketime.
#[derive(Clone, Debug)]
pub struct Clock {
    /// The library.
    pub library: PathBuf,
    /// The file that says how far the clock is off.
    pub file: PathBuf,
}

impl Clock {
    /// Puts the clock so many seconds ahead, or behind.
    pub fn step(&self, seconds: i64) -> io::Result<()> {
        let beside = self.file.with_extension("new");
        std::fs::write(&beside, format!("{seconds:+}\n"))?;
        std::fs::rename(beside, &self.file)
    }
}

/// What a process is made to believe of its machine.
#[derive(Clone, Debug, Default)]
pub struct Surroundings {
    /// A clock of its own.
    pub clock: Option<Clock>,
    /// A disk of its own.
    pub disk: Option<SlowDisk>,
}

impl Surroundings {
    fn put_around(&self, command: &mut Command) {
        let mut libraries = Vec::new();
        if let Some(Clock { library, file }) = &self.clock {
            libraries.push(library.as_os_str());
            command.env("FAKETIME_TIMESTAMP_FILE", file);
            command.env("FAKETIME_DONT_FAKE_MONOTONIC", "1").env("FAKETIME_CACHE_DURATION", "1");
        }
        if let Some(SlowDisk { library, file }) = &self.disk {
            libraries.push(library.as_os_str());
            command.env("CLOISTER_SLOW_DISK", file);
        }
        if !libraries.is_empty() {
            command.env("LD_PRELOAD", libraries.join(OsStr::new(":")));
        }
    }
}

/// A running node, killed when dropped. It also dies with the thread that began it, so that none outlives a test that is killed.
pub struct Process {
    child: Child,
    pid: Pid,
}

impl Process {
    /// Runs a node on its data folder. What it says is added to `log`.
    pub fn start(cloister: &Path, data: &Path, log: &Path, around: &Surroundings) -> io::Result<Process> {
        let mut command = Command::new("setpriv");
        command.args(["--pdeathsig", "KILL", "sh", "-c", BEGIN]).arg(cloister);
        command.args(["node", "run", "--data"]).arg(data);
        around.put_around(&mut command);
        let mut child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::null()).spawn()?;
        let mut log = OpenOptions::new().create(true).append(true).open(log)?;
        if let Some(mut said) = child.stdout.take() {
            // Not the node itself: what it has to say of a full disk would not fit on it.
            std::thread::spawn(move || copy(&mut said, &mut log));
        }
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        Ok(Process { child, pid: pid.ok_or_else(|| io::Error::other("a process without a number"))? })
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) -> io::Result<()> {
        Ok(kill_process(self.pid, signal)?)
    }

    /// Lets no file of the process grow beyond so many bytes, or any size again.
    pub fn limit_files(&self, bytes: Option<u64>) -> io::Result<()> {
        let limit = Rlimit { current: bytes, maximum: None };
        prlimit(Some(self.pid), Resource::Fsize, limit)?;
        Ok(())
    }

    /// How it ended, if it has.
    pub fn ended(&mut self) -> io::Result<Option<ExitStatus>> {
        self.child.try_wait()
    }

    /// Waits for its end, so long at most.
    pub fn wait(&mut self, patience: Duration) -> io::Result<Option<ExitStatus>> {
        let began = Instant::now();
        loop {
            let ended = self.ended()?;
            if ended.is_some() || began.elapsed() > patience {
                return Ok(ended);
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn copy(from: &mut impl Read, to: &mut impl Write) {
    // A log that can't be written is no reason to stop the node.
    let _ = io::copy(from, to);
    let _ = io::copy(from, &mut io::sink());
}

/// Where Debian and others keep libfaketime's form for programs with threads.
const FAKETIME: &str = "faketime/libfaketimeMT.so.1";

/// The library that steps clocks, if it is installed.
pub fn faketime() -> Option<PathBuf> {
    let folders = std::fs::read_dir("/usr/lib").into_iter().flatten().flatten().map(|entry| entry.path());
    let folders = folders.chain([PathBuf::from("/usr/lib"), PathBuf::from("/usr/local/lib")]);
    folders.map(|folder| folder.join(FAKETIME)).find(|library| library.exists())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    /// Begins a script in the place of the command; its folder is `$4`, its log `log` in it.
    fn script(folder: &Path, body: &str, clock: Option<&Clock>) -> Process {
        let around = Surroundings { clock: clock.cloned(), disk: None };
        let program = folder.join("program");
        std::fs::write(&program, format!("#!/bin/sh\n{body}\n")).unwrap();
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o700)).unwrap();
        Process::start(&program, folder, &folder.join("log"), &around).unwrap()
    }

    fn wait_for(file: &Path) {
        while !file.exists() {
            std::thread::sleep(Duration::from_millis(5));
        }
    }

    #[test]
    fn a_full_disk_is_an_error_and_not_the_end() {
        let folder = tempfile::tempdir().unwrap();
        let write = "cat /dev/zero | head -c 65536 > \"$4/file\" || touch \"$4/refused\"";
        let mut process = script(
            folder.path(),
            &format!(
                "touch \"$4/up\"; while [ ! -e \"$4/go\" ]; do sleep 0.01; done; {write}; touch \"$4/down\""
            ),
            None,
        );
        wait_for(&folder.path().join("up"));
        process.limit_files(Some(4096)).unwrap();
        std::fs::write(folder.path().join("go"), "").unwrap();
        assert!(process.wait(Duration::from_secs(60)).unwrap().unwrap().success());
        for file in ["refused", "down"] {
            assert!(folder.path().join(file).exists(), "{file}");
        }
        assert_eq!(std::fs::metadata(folder.path().join("file")).unwrap().len(), 4096);
    }

    #[test]
    fn a_process_dies_with_the_thread_that_began_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().to_owned();
        let begun = std::thread::spawn(move || {
            let process = script(&path, "touch \"$4/up\"; while true; do sleep 0.01; done", None);
            wait_for(&path.join("up"));
            let pid = process.pid;
            // Not dropped, as if the test itself were killed.
            std::mem::forget(process);
            pid
        });
        let pid = Some(begun.join().unwrap());
        let status = rustix::process::waitpid(pid, rustix::process::WaitOptions::empty()).unwrap();
        assert_eq!(status.unwrap().1.terminating_signal(), Some(Signal::KILL.as_raw()));
    }

    #[test]
    fn a_clock_steps_for_one_process_only() {
        let Some(library) = faketime() else { return println!("skipped: libfaketime is not installed") };
        let folder = tempfile::tempdir().unwrap();
        let clock = Clock { library, file: folder.path().join("clock") };
        for step in [7200, -7200] {
            clock.step(step).unwrap();
            let mut process = script(folder.path(), "date +%s > \"$4/now\"", Some(&clock));
            assert!(process.wait(Duration::from_secs(60)).unwrap().unwrap().success());
            let there: i64 =
                std::fs::read_to_string(folder.path().join("now")).unwrap().trim().parse().unwrap();
            let here = std::time::SystemTime::UNIX_EPOCH.elapsed().unwrap().as_secs() as i64;
            assert!((there - here - step).abs() < 120, "{there} and {here}");
        }
    }
}
