//! Each test in a process of its own: a module has one state per process, and some tests kill, fork or crash theirs.

use std::any::type_name;
use std::io::Write;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::time::Duration;

/// Names the test whose body this process is to run.
const CHILD: &str = "CLOISTER_TEST_CHILD";
/// Names the part that this process plays in its test.
const PART: &str = "CLOISTER_TEST_PART";
/// The part's argument.
const ARGUMENT: &str = "CLOISTER_TEST_ARGUMENT";
/// A test that takes longer hangs.
const LIMIT: Duration = Duration::from_secs(240);
/// What a test prints at its end: without it, it did not run.
const KEPT: &str = "promise kept";
const KEPT_LINE: &str = "promise kept\n";

/// What marks a line as the test's own among those of the test harness.
const SAID: &str = "| ";

/// The process that a test's body runs in.
pub struct Process {
    test: String,
}

/// A further process of the same test.
pub struct Part {
    child: Child,
}

/// Runs `body` in a process of its own and passes on how it ended. Must be the whole of a test.
pub fn isolated<F: FnOnce(&Process)>(body: F) {
    let test = test_name::<F>();
    if std::env::var(CHILD).is_ok_and(|child| child == test) {
        let process = Process { test };
        body(&process);
        process.say(KEPT);
        return;
    }
    let child = again(&test).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let output = within_limit(child);
    let text = String::from_utf8_lossy(&output.stdout);
    print!("{}", body_lines(&text).trim_end_matches(KEPT_LINE));
    assert!(
        output.status.success() && text.contains(KEPT),
        "{test}: {}\n{}{}",
        output.status,
        body_lines(&text),
        String::from_utf8_lossy(&output.stderr),
    );
}

impl Process {
    /// The part this process plays, and its argument; `None` for the one that the test started.
    pub fn part(&self) -> Option<(String, String)> {
        let part = std::env::var(PART).ok()?;
        Some((part, std::env::var(ARGUMENT).unwrap_or_default()))
    }

    /// Prints a line: for who runs the tests, or for the process that started this one.
    pub fn say(&self, line: impl std::fmt::Display) {
        // In one piece and on a line of its own, whatever the test harness has printed so far. Not println: the
        // harness may hold that back.
        let text = format!("\n{SAID}{line}\n");
        std::io::stdout().write_all(text.as_bytes()).unwrap();
    }

    /// Starts another process of this test, with its standard input and output in the hands of this one.
    pub fn start(&self, part: &str, argument: &str) -> Part {
        let mut command = again(&self.test);
        command.env(PART, part).env(ARGUMENT, argument).stdin(Stdio::piped()).stdout(Stdio::piped());
        Part { child: command.spawn().unwrap() }
    }
}

impl Part {
    /// The process.
    pub fn child(&mut self) -> &mut Child {
        &mut self.child
    }

    /// Waits for its end, which must be a good one; for a process whose lines have been read already.
    #[track_caller]
    pub fn ends(self) {
        let output = within_limit(self.child);
        assert!(output.status.success(), "another process: {}", output.status);
    }

    /// Waits for its end, which must be a good one; the lines it said.
    #[track_caller]
    pub fn ends_well(self) -> String {
        let output = within_limit(self.child);
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success() && text.contains(KEPT), "another process: {}\n{text}", output.status);
        body_lines(&text).trim_end_matches(KEPT_LINE).to_owned()
    }
}

/// `abi::login::a_test::{{closure}}` is the body of `login::a_test`.
fn test_name<F>() -> String {
    let path = type_name::<F>().split_once("::").map_or("", |(_, path)| path);
    path.trim_end_matches("::{{closure}}").to_owned()
}

fn again(test: &str) -> Command {
    let mut command = Command::new(std::env::current_exe().unwrap());
    command.env("RUST_BACKTRACE", "0");
    command.args([test, "--exact", "--nocapture", "--test-threads=1"]).env(CHILD, test).stdin(Stdio::null());
    command
}

/// Collects a process's output; one that hangs is killed.
fn within_limit(child: Child) -> std::process::Output {
    let process = child.id();
    let (ended, wait) = mpsc::channel::<()>();
    let watch = std::thread::spawn(move || {
        if wait.recv_timeout(LIMIT).is_err() {
            eprintln!("process {process} hangs: killed");
            // The process has not been waited for: its number can't be another's yet.
            unsafe { libc::kill(process as i32, libc::SIGKILL) };
        }
    });
    let output = child.wait_with_output().unwrap();
    let _ = ended.send(());
    let _ = watch.join();
    output
}

fn body_lines(text: &str) -> String {
    text.lines().filter_map(|line| line.strip_prefix(SAID)).flat_map(|line| [line, "\n"]).collect()
}
