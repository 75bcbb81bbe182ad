//! Instructions of the hot calls, counted by callgrind and compared with those on record: a call that has grown heavier shows on a busy
//! machine too, where time says nothing.
//!
//! libcrypto chooses its code by what the processor can do. Here it is told to take that of any x86-64 processor of this century with AES
//! instructions, so that another machine counts the same.

use crate::{Result, progress};
use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The rows whose calls are counted: those where Cloister's own part is a good deal of the whole.
const HOT: [&str; 12] = [
    "gcm-64",
    "cbc-1024",
    "hmac-64",
    "wrap-32",
    "sha-256-64",
    "random-32",
    "make-aes-256",
    "session",
    "attributes",
    "find-id",
    "find-id-another",
    "create",
];

/// What a call may cost more than is on record, in hundredths.
const TOLERATED: u64 = 10;

/// Calls of two runs: what both do besides them goes by their difference.
const FEWER: u64 = 200;
const MORE: u64 = 1_200;

/// Objects in the token: more than calls, so that each search for another is one that was not asked before.
const OBJECTS: &str = "2000";

/// What libcrypto takes the processor for (OPENSSL_ia32cap(3)): SSE to SSE4.2, POPCNT, AES-NI and PCLMULQDQ, nothing later.
const PROCESSOR: (&str, &str) = ("OPENSSL_ia32cap", "0x0298020307000000:0x0");

/// What to count, and where the record is.
#[derive(clap::Args)]
pub struct Options {
    /// The module [default: libcloister.so beside this program]
    #[arg(long, value_name = "FILE")]
    pub module: Option<PathBuf>,
    /// The record: a name and a number of instructions in each line
    #[arg(long, value_name = "FILE")]
    recorded: PathBuf,
    /// Write the record, instead of comparing with it
    #[arg(long)]
    record: bool,
    /// Only calls whose name contains this
    #[arg(long, value_name = "TEXT", default_value = "")]
    only: String,
}

/// Counts, and writes the record or compares with it: a line for each call.
///
/// # Errors
///
/// Where calls cost more than the record tolerates, how many.
pub fn run(options: &Options, module: &Path) -> Result<()> {
    if !cfg!(target_arch = "x86_64") {
        println!("skip instructions: what is on record was counted on x86-64");
        return Ok(());
    }
    let folder = tempfile::tempdir()?;
    let cloister = Counted { module, folder: folder.path() };
    done(cloister.command(&mut Command::new(std::env::current_exe()?), "prepare"), "prepare")?;
    let recorded =
        if options.record { Vec::new() } else { parse(&std::fs::read_to_string(&options.recorded)?)? };
    let (mut counted, mut heavier) = (Vec::new(), 0);
    for name in HOT.into_iter().filter(|name| name.contains(&options.only)) {
        progress::tell(&format!("counting the instructions of {name}"));
        let now = cloister.per_call(name)?;
        let before = recorded.iter().find(|(known, _)| known == name).map(|(_, count)| *count);
        let finding = Finding { name, now, before: if options.record { Some(now) } else { before } };
        println!("{finding}");
        heavier += usize::from(!finding.holds());
        counted.push((name, now));
    }
    if options.record {
        std::fs::write(&options.recorded, written(&counted))?;
    }
    match heavier {
        0 => Ok(()),
        _ => Err(format!("{heavier} of {} calls are heavier than recorded", counted.len()).into()),
    }
}

/// A module, with a token of its own for this.
struct Counted<'a> {
    module: &'a Path,
    folder: &'a Path,
}

impl Counted<'_> {
    /// One call of the row of that name.
    fn per_call(&self, name: &str) -> Result<u64> {
        // Side by side, as most machines have two processors: what is counted is the process's own.
        let (fewer, more) = std::thread::scope(|scope| {
            let fewer = scope.spawn(|| self.instructions(name, FEWER));
            (fewer.join(), self.instructions(name, MORE))
        });
        let fewer = fewer.map_err(|_| "a run could not be counted")??;
        Ok(more?.saturating_sub(fewer) / (MORE - FEWER))
    }

    /// A process that makes so many calls.
    fn instructions(&self, name: &str, times: u64) -> Result<u64> {
        let mut valgrind = Command::new("valgrind");
        valgrind.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]);
        valgrind.arg(std::env::current_exe()?);
        let times = times.to_string();
        let call = self.command(&mut valgrind, "call").args(["--operation", name, "--times", &times]);
        let told = done(call, name)?;
        collected(&told)
            .ok_or_else(|| format!("callgrind does not tell how much {name} takes: {told}").into())
    }

    fn command<'c>(&self, command: &'c mut Command, part: &str) -> &'c mut Command {
        command.arg(part).arg("--module").arg(self.module).arg("--folder").arg(self.folder);
        command.args(["--objects", OBJECTS]).env(PROCESSOR.0, PROCESSOR.1)
    }
}

/// Runs it to its end; answers what it said on standard error.
fn done(command: &mut Command, what: &str) -> Result<String> {
    let output = command.output().map_err(|error| format!("{what}: {error}"))?;
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(told) } else { Err(format!("{what} failed: {told}").into()) }
}

/// The instructions of a run, as callgrind's last lines tell them.
fn collected(told: &str) -> Option<u64> {
    let line = told.lines().find_map(|line| line.split_once("Collected :"))?;
    line.1.split_whitespace().next()?.parse().ok()
}

/// What a call costs now, and what is on record.
struct Finding<'a> {
    name: &'a str,
    now: u64,
    before: Option<u64>,
}

impl Finding<'_> {
    fn holds(&self) -> bool {
        self.before.is_some_and(|before| self.now * 100 <= before * (100 + TOLERATED))
    }
}

impl fmt::Display for Finding<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Finding { name, now, before } = self;
        let verdict = if self.holds() { "ok  " } else { "FAIL" };
        match before {
            Some(before) => {
                let change = (*now as f64 / *before as f64 - 1.0) * 100.0;
                write!(f, "{verdict} {name}: {now} instructions a call, {before} on record ({change:+.1}%)")
            }
            None => write!(f, "{verdict} {name}: {now} instructions a call, nothing on record"),
        }
    }
}

/// The record's lines; those that begin with `#` are for people.
fn parse(text: &str) -> Result<Vec<(String, u64)>> {
    let lines = text.lines().filter(|line| !line.starts_with('#') && !line.is_empty());
    lines
        .map(|line| {
            let wrong = || format!("not a name and a number: {line}");
            let (name, count) = line.split_once('\t').ok_or_else(wrong)?;
            Ok((name.to_owned(), count.parse().map_err(|_| wrong())?))
        })
        .collect()
}

fn written(counted: &[(&str, u64)]) -> String {
    let mut text = "# Instructions of one call, written by `make record-instructions`.\n".to_owned();
    for (name, count) in counted {
        text += &format!("{name}\t{count}\n");
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::side::plan;

    #[test]
    fn every_call_that_is_counted_is_a_row() {
        for name in HOT {
            assert!(plan::rows().any(|row| row.name == name), "{name}");
        }
    }

    #[test]
    fn a_call_fails_that_costs_more_than_a_tenth_over_its_record_or_has_none() {
        let finding = |now, before| Finding { name: "a call", now, before };
        for (now, before, holds) in [
            (1100, Some(1000), true),
            (1101, Some(1000), false),
            (500, Some(1000), true),
            (1000, None, false),
        ] {
            let finding = finding(now, before);
            assert_eq!(finding.holds(), holds, "{now} {before:?}");
            assert_eq!(finding.to_string().starts_with("ok  "), holds);
        }
        assert!(finding(1101, Some(1000)).to_string().contains("+10.1%"));
    }

    #[test]
    fn the_record_is_read_as_it_was_written() {
        let counted = [("gcm-64", 5_360), ("session", 1_818)];
        let read = parse(&written(&counted)).unwrap();
        assert_eq!(read, counted.map(|(name, count)| (name.to_owned(), count)));
        assert!(parse("gcm-64 5360\n").is_err());
    }

    #[test]
    fn callgrinds_own_words_tell_the_instructions() {
        let told = "==7== Events    : Ir\n==7== Collected : 123456\n==7== \n";
        assert_eq!(collected(told), Some(123_456));
        assert_eq!(collected("==7== nothing\n"), None);
    }
}
