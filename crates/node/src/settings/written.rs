//! `node.toml` as people write it, checked.

use super::{KeyAvailability, Reads, Settings, is_reachable};
use crate::server::Limits;
use cloister::config::file::{File, WrittenToken};
use cloister::config::{Problem, TokenSettings, host_and_port};
use cloister::proto::frame;
use cloister::proto::peer::{LONGEST_NAME, is_name};
use serde::Deserialize;
use std::net::IpAddr;
use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::time::Duration;
use toml::{Spanned, Value};

/// Of `key-availability`, as a number.
const NODES: RangeInclusive<i64> = 1..=64;
const CONNECTIONS: RangeInclusive<usize> = 1..=1_000_000;
const WORKERS: RangeInclusive<usize> = 1..=1024;
/// From room for one message to a terabyte.
const MEMORY_MIB: RangeInclusive<usize> = frame::LIMIT >> 20..=1 << 20;
/// Of each waiting time: to a day.
const SECONDS: RangeInclusive<u64> = 1..=86_400;
/// Bytes of a Unix socket's path (`sun_path` of `sockaddr_un`), with room for the name under which it is made.
const SOCKET_PATH_BYTES: usize = 103;
const CLIENT_SOCKET: &str = "client.sock";

#[derive(Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct Written {
    name: Spanned<String>,
    id: Spanned<String>,
    sync: Spanned<String>,
    advertise: Option<Spanned<String>>,
    source: Option<Spanned<String>>,
    client: Option<Spanned<String>>,
    client_socket: Option<Spanned<PathBuf>>,
    client_socket_mode: Option<Spanned<String>>,
    metrics: Option<Spanned<String>>,
    key_availability: Option<Spanned<Value>>,
    reads: Option<Spanned<String>>,
    #[serde(default)]
    serve_alone: bool,
    #[serde(default)]
    token: WrittenToken,
    #[serde(default)]
    limits: WrittenLimits,
}

#[derive(Deserialize, Default)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
struct WrittenLimits {
    connections: Option<Spanned<usize>>,
    workers: Option<Spanned<usize>>,
    memory_mib: Option<Spanned<usize>>,
    handshake_seconds: Option<Spanned<u64>>,
    message_seconds: Option<Spanned<u64>>,
    idle_seconds: Option<Spanned<u64>>,
}

pub(super) fn check(file: File<'_>) -> Result<Settings, Problem> {
    let written: Written = file.read()?;
    Checked(file).settings(&written)
}

/// A file whose values are being checked.
struct Checked<'a>(File<'a>);

impl Checked<'_> {
    fn settings(&self, written: &Written) -> Result<Settings, Problem> {
        let optional = |key: &str, value: &Option<Spanned<String>>| {
            value.as_ref().map(|value| self.address(key, value)).transpose()
        };
        Ok(Settings {
            name: self.name(&written.name)?,
            id: self.id(&written.id)?,
            sync: self.address("sync", &written.sync)?,
            advertise: self.advertise(written)?,
            source: written.source.as_ref().map(|source| self.source(source)).transpose()?,
            client: optional("client", &written.client)?,
            client_socket: self.client_socket(written.client_socket.as_ref())?,
            client_socket_mode: self.mode(written.client_socket_mode.as_ref())?,
            metrics: optional("metrics", &written.metrics)?,
            key_availability: self.key_availability(written.key_availability.as_ref())?,
            reads: self.reads(written.reads.as_ref())?,
            serve_alone: written.serve_alone,
            token: self.0.token(&written.token, &TokenSettings::default())?,
            limits: self.limits(&written.limits)?,
        })
    }

    /// `value` is not one of what `key` allows.
    fn wrong<T>(&self, key: &str, value: &Spanned<T>, shown: &str, allowed: &str) -> Problem {
        self.0.problem(value.span(), &format!("{key} = {shown}: write {allowed}"))
    }

    fn name(&self, name: &Spanned<String>) -> Result<String, Problem> {
        if is_name(name.get_ref()) {
            return Ok(name.get_ref().clone());
        }
        let allowed = format!("1 to {LONGEST_NAME} letters, digits, '-', '_' or '.'");
        Err(self.wrong("name", name, &format!("{:?}", name.get_ref()), &allowed))
    }

    fn id(&self, written: &Spanned<String>) -> Result<u64, Problem> {
        let text = written.get_ref();
        let id = u64::from_str_radix(text, 16).ok().filter(|id| format!("{id:016x}") == *text);
        id.ok_or_else(|| {
            let allowed = "the 16 lower-case hexadecimal digits that are in the node's certificate";
            self.wrong("id", written, &format!("{text:?}"), allowed)
        })
    }

    fn address(&self, key: &str, written: &Spanned<String>) -> Result<String, Problem> {
        let text = written.get_ref();
        match host_and_port(text) {
            Some(_) => Ok(text.clone()),
            None => {
                let allowed = "<host>:<port>, with an IPv6 address in brackets and a port from 1 to 65535";
                Err(self.wrong(key, written, &format!("{text:?}"), allowed))
            }
        }
    }

    fn advertise(&self, written: &Written) -> Result<String, Problem> {
        let (key, value) = match &written.advertise {
            Some(advertise) => ("advertise", advertise),
            None => ("sync", &written.sync),
        };
        let address = self.address(key, value)?;
        if is_reachable(&address) {
            return Ok(address);
        }
        let text = format!(
            "{key} = \"{address}\" is no address that other nodes could call: write advertise = \"<host>:<port>\" with \
             the address at which they reach this node"
        );
        Err(self.0.problem(value.span(), &text))
    }

    fn source(&self, written: &Spanned<String>) -> Result<IpAddr, Problem> {
        let text = written.get_ref();
        let address: Option<IpAddr> = text.parse().ok();
        address.filter(|address| !address.is_unspecified()).ok_or_else(|| {
            self.wrong(
                "source",
                written,
                &format!("{text:?}"),
                "one of this machine's own addresses, without a port",
            )
        })
    }

    fn client_socket(&self, written: Option<&Spanned<PathBuf>>) -> Result<PathBuf, Problem> {
        let usual = Spanned::new(0..0, PathBuf::from(CLIENT_SOCKET));
        let written = written.unwrap_or(&usual);
        let path = self.0.resolve("client-socket", written)?;
        let bytes = path.as_os_str().len();
        // The socket for administration is always in the folder, and its name is no longer.
        let own = self.0.path.with_file_name(CLIENT_SOCKET).as_os_str().len();
        if own > SOCKET_PATH_BYTES {
            let too_long = own - SOCKET_PATH_BYTES;
            let text = format!(
                "the folder's path is too long for the sockets in it: use one {too_long} bytes shorter"
            );
            return Err(self.0.problem(0..0, &text));
        }
        if bytes > SOCKET_PATH_BYTES {
            let text = format!(
                "client-socket is {}, {bytes} bytes: write a path of at most {SOCKET_PATH_BYTES}",
                path.display()
            );
            return Err(self.0.problem(written.span(), &text));
        }
        Ok(path)
    }

    fn mode(&self, written: Option<&Spanned<String>>) -> Result<u32, Problem> {
        let Some(written) = written else { return Ok(0o600) };
        let text = written.get_ref();
        let is_octal = matches!(text.len(), 3 | 4) && text.bytes().all(|digit| digit.is_ascii_digit());
        let mode = u32::from_str_radix(text, 8).ok().filter(|_| is_octal);
        // A node that can't open its own socket serves nobody.
        mode.filter(|mode| *mode <= 0o777 && mode & 0o600 == 0o600).ok_or_else(|| {
            let allowed = "permissions in octal from \"0600\" to \"0777\", the owner's among them";
            self.wrong("client-socket-mode", written, &format!("{text:?}"), allowed)
        })
    }

    fn key_availability(&self, written: Option<&Spanned<Value>>) -> Result<KeyAvailability, Problem> {
        let Some(written) = written else { return Ok(KeyAvailability::Majority) };
        let (value, shown) = match written.get_ref() {
            Value::String(text) if text == "majority" => (Some(KeyAvailability::Majority), String::new()),
            Value::String(text) if text == "all" => (Some(KeyAvailability::All), String::new()),
            Value::String(text) => (None, format!("{text:?}")),
            Value::Integer(number) if NODES.contains(number) => {
                (u32::try_from(*number).ok().map(KeyAvailability::Nodes), String::new())
            }
            Value::Integer(number) => (None, number.to_string()),
            other => (None, format!("a {}", other.type_str())),
        };
        value.ok_or_else(|| {
            let allowed =
                format!("\"majority\", \"all\" or a number from {} to {}", NODES.start(), NODES.end());
            self.wrong("key-availability", written, &shown, &allowed)
        })
    }

    fn reads(&self, written: Option<&Spanned<String>>) -> Result<Reads, Problem> {
        let Some(written) = written else { return Ok(Reads::Session) };
        match written.get_ref().as_str() {
            "session" => Ok(Reads::Session),
            "current" => Ok(Reads::Current),
            other => Err(self.wrong("reads", written, &format!("{other:?}"), "\"session\" or \"current\"")),
        }
    }

    fn limits(&self, written: &WrittenLimits) -> Result<Limits, Problem> {
        let usual = Limits::default();
        let count = |key: &str, value: &Option<Spanned<usize>>, usual: usize, range| match value {
            Some(value) => self.0.within(key, value, range).copied(),
            None => Ok(usual),
        };
        let seconds = |key: &str, value: &Option<Spanned<u64>>, usual: Duration| match value {
            Some(value) => self.0.within(key, value, SECONDS).copied().map(Duration::from_secs),
            None => Ok(usual),
        };
        let memory_mib = count("memory-mib", &written.memory_mib, usual.memory >> 20, MEMORY_MIB)?;
        Ok(Limits {
            connections: count("connections", &written.connections, usual.connections, CONNECTIONS)?,
            workers: count("workers", &written.workers, usual.workers, WORKERS)?,
            memory: memory_mib.saturating_mul(1 << 20),
            handshake: seconds("handshake-seconds", &written.handshake_seconds, usual.handshake)?,
            message: seconds("message-seconds", &written.message_seconds, usual.message)?,
            idle: seconds("idle-seconds", &written.idle_seconds, usual.idle)?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::path::Path;

    const LEAST: &str = "name = 'n1'\nid = '00000000000000ff'\nsync = 'n1.example:7421'\n";

    fn parse(text: &str) -> Result<Settings, Problem> {
        Settings::of_text(Path::new("/d/node.toml"), text)
    }

    /// What is said about the least that a node needs and one more line, the fourth.
    fn problem(line: &str) -> String {
        let Problem(said) = parse(&format!("{LEAST}{line}")).unwrap_err();
        said.strip_prefix("/d/node.toml:").expect(&said).to_owned()
    }

    #[test]
    fn three_lines_are_enough_and_all_else_has_a_default() {
        let settings = parse(LEAST).unwrap();
        assert_eq!((settings.name.as_str(), settings.id), ("n1", 0xff));
        assert_eq!(
            (settings.sync.as_str(), settings.advertise.as_str()),
            ("n1.example:7421", "n1.example:7421")
        );
        assert_eq!((settings.client, settings.metrics, settings.source), (None, None, None));
        assert_eq!(settings.client_socket, Path::new("/d/client.sock"));
        assert_eq!(settings.client_socket_mode, 0o600);
        assert_eq!(settings.key_availability, KeyAvailability::Majority);
        assert_eq!((settings.reads, settings.serve_alone), (Reads::Session, false));
        assert_eq!(settings.token, TokenSettings::default());
        assert_eq!(settings.limits.memory, Limits::default().memory);
    }

    #[test]
    fn the_example_in_the_manual_is_valid_names_every_key_and_shows_the_defaults() {
        let manual = include_str!("../../../../docs/operations.md");
        let section = manual.split("## Settings of a node").nth(1).unwrap();
        let example = section.split("```toml").nth(1).and_then(|rest| rest.split("```").next()).unwrap();
        let given = parse(example).unwrap();
        let usual = parse(LEAST).unwrap();
        assert_eq!((given.token, given.reads), (usual.token, usual.reads));
        assert_eq!(given.client_socket, usual.client_socket);
        assert_eq!(given.client_socket_mode, usual.client_socket_mode);
        assert_eq!(given.key_availability, usual.key_availability);
        let times = |limits: &Limits| {
            (limits.connections, limits.memory, limits.handshake, limits.message, limits.idle)
        };
        assert_eq!(times(&given.limits), times(&usual.limits));
        // What an unknown key is told: all there are.
        for table in ["", "[limits]\n", "[token]\n"] {
            let told = problem(&format!("{table}x = 1"));
            for key in told.split('`').skip(3).step_by(2) {
                assert!(
                    example.contains(&format!("\n{key} = ")) || example.contains(&format!("\n[{key}]")),
                    "{key}"
                );
            }
        }
    }

    #[test]
    fn everything_that_can_be_written_is_read() {
        let settings = parse(&format!(
            "{LEAST}advertise = '[2001:db8::1]:1'\nsource = '192.0.2.7'\nclient = '0.0.0.0:7420'\nclient-socket = '../run/c.sock'\n\
             client-socket-mode = '660'\nmetrics = 'localhost:9'\nkey-availability = 2\nreads = 'current'\n\
             serve-alone = true\n[token]\nargon2_passes = 3\n[limits]\nmemory-mib = 20\nidle-seconds = 7"
        ))
        .unwrap();
        assert_eq!(settings.advertise, "[2001:db8::1]:1");
        assert_eq!(settings.source, Some([192, 0, 2, 7].into()));
        assert_eq!(settings.client_socket, Path::new("/run/c.sock"));
        assert_eq!(settings.client_socket_mode, 0o660);
        assert_eq!(settings.key_availability, KeyAvailability::Nodes(2));
        assert_eq!((settings.reads, settings.serve_alone), (Reads::Current, true));
        assert_eq!(settings.token.argon2_passes, 3);
        assert_eq!((settings.limits.memory, settings.limits.idle), (20 << 20, Duration::from_secs(7)));
        let all = parse(&format!("{LEAST}key-availability = 'all'")).unwrap();
        assert_eq!(all.key_availability, KeyAvailability::All);
    }

    #[test]
    fn what_is_wrong_is_told_with_line_key_and_what_is_allowed() {
        for (line, words) in [
            ("colour = 1", &["unknown field `colour`", "`serve-alone`"][..]),
            ("[limits]\nspeed = 1", &["5: unknown field `speed`"]),
            ("advertise = 'n1'", &["advertise = \"n1\"", "<host>:<port>"]),
            ("source = 'n1'", &["source = \"n1\"", "own addresses"]),
            ("source = '0.0.0.0'", &["source", "own addresses"]),
            ("client = ':1'", &["client", "<host>:<port>"]),
            ("metrics = 'h:0'", &["metrics", "1 to 65535"]),
            ("client-socket-mode = '0400'", &["client-socket-mode", "\"0600\""]),
            ("client-socket-mode = '6000'", &["client-socket-mode", "\"0600\""]),
            ("client-socket = ''", &["client-socket is empty"]),
            ("key-availability = 'some'", &["key-availability = \"some\"", "\"majority\", \"all\""]),
            ("key-availability = 0", &["key-availability = 0", "from 1 to 64"]),
            ("key-availability = true", &["key-availability", "from 1 to 64"]),
            ("reads = 'old'", &["reads = \"old\"", "\"session\" or \"current\""]),
            ("[token]\nmax_pin_failures = 0", &["5: max_pin_failures", "from 1 to 100"]),
            ("[limits]\nmemory-mib = 19", &["5: memory-mib", "from 20"]),
            ("[limits]\nhandshake-seconds = 0", &["5: handshake-seconds", "from 1"]),
        ] {
            let said = problem(line);
            assert!(said.starts_with(['4', '5']), "{line}: {said}");
            assert!(words.iter().all(|word| said.contains(word)), "{line}: {said}");
        }
        let long = "x".repeat(200);
        let folder = format!("/{long}/node.toml");
        let told = Settings::of_text(Path::new(&folder), LEAST).unwrap_err().0;
        assert!(told.contains("use one 110 bytes shorter"), "{told}");
        assert!(problem(&format!("client-socket = '{long}'")).contains("at most 103"));
    }

    #[test]
    fn who_and_where_a_node_is_must_be_right() {
        let with = |from: &str, to: &str| parse(&LEAST.replace(from, to)).unwrap_err().0;
        assert!(with("'n1'", "'a b'").contains("1: name"));
        assert!(with("00000000000000ff", "00000000000000FF").contains("2: id"));
        assert!(with("00000000000000ff", "ff").contains("16 lower-case"));
        assert!(with("n1.example:7421", "n1.example").contains("3: sync"));
        assert!(with("n1.example", "0.0.0.0").contains("write advertise"));
        assert!(with("n1.example", "[::]").contains("write advertise"));
        assert!(with("name = 'n1'", "").contains("missing field `name`"));
    }
}
