//! The words of the command line, one file per noun.

mod audit;
mod cluster;
mod compatibility;
mod config;
mod demo;
mod doctor;
mod header;
mod key;
mod kms;
mod node;
mod slot;
mod token;
mod user;
mod xks_proxy;

use crate::error::Result;
use crate::render::{Answer, Format};
use clap::{Parser, Subcommand};

/// Set up and look after a Cloister HSM.
///
/// Tokens are found through the configuration file that CLOISTER_CONF names, or the user's or the system's
/// cloister.toml; `cloister config show` says which. PINs come from files, the environment (CLOISTER_PIN,
/// CLOISTER_SO_PIN, CLOISTER_NEW_PIN) or a prompt, never from the command line.
#[derive(Parser, Debug)]
#[command(name = "cloister", version, after_help = EXAMPLE, disable_help_subcommand = true)]
pub struct Arguments {
    /// Answer in JSON, for programs
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    noun: Noun,
}

const EXAMPLE: &str = "\
Examples:
  cloister demo                              see it work, in a temporary folder
  cloister token init payments --with-user   make a token and its default user
  cloister doctor                            find out what is wrong, and what to do

Exit codes: 0 done; 1 the HSM said no, or doctor found something; 2 bad input or configuration.";

#[derive(Subcommand, Debug)]
enum Noun {
    /// Make a temporary token and show what it does
    Demo(demo::Demo),
    /// Slots and the tokens in them
    #[command(subcommand)]
    Slot(slot::Verb),
    /// Make tokens
    #[command(subcommand)]
    Token(token::Verb),
    /// A token's crypto officers and crypto users
    #[command(subcommand)]
    User(user::Verb),
    /// Keys, as far as they may be known
    #[command(subcommand)]
    Key(key::Verb),
    /// Clusters of nodes: found one, and let nodes and clients in
    #[command(subcommand)]
    Cluster(cluster::Verb),
    /// Nodes of a cluster
    #[command(subcommand)]
    Node(node::Verb),
    /// Serve the AWS KMS API over an HSM
    Kms(kms::Kms),
    /// Serve the XKS proxy API over an HSM, for AWS KMS
    XksProxy(xks_proxy::XksProxy),
    /// The KMS front's audit trail
    #[command(subcommand)]
    Audit(audit::Verb),
    /// Look for what is wrong with the installation, the configuration and the tokens
    Doctor(doctor::Doctor),
    /// The configuration in use
    #[command(subcommand)]
    Config(config::Verb),
    /// What this version offers: functions, mechanisms, objects
    Compatibility(compatibility::Compatibility),
    /// C headers for programs that use the module
    Header(header::Header),
}

impl Arguments {
    /// How to answer.
    pub fn format(&self) -> Format {
        if self.json { Format::Json } else { Format::People }
    }

    /// Starts the log: a node has one of its own, all else that of the library.
    pub fn start_log(&self) {
        match &self.noun {
            Noun::Node(verb) => verb.start_log(),
            Noun::Kms(kms) => kms.start_log(),
            Noun::XksProxy(proxy) => proxy.start_log(),
            _ => cloister::logging::start(),
        }
    }

    /// Does what was asked for.
    pub fn run(&self) -> Result<Answer> {
        match &self.noun {
            Noun::Demo(demo) => demo.run(),
            Noun::Slot(verb) => verb.run(),
            Noun::Token(verb) => verb.run(),
            Noun::User(verb) => verb.run(),
            Noun::Key(verb) => verb.run(),
            Noun::Cluster(verb) => verb.run(),
            Noun::Node(verb) => verb.run(),
            Noun::Kms(kms) => kms.run(),
            Noun::XksProxy(proxy) => proxy.run(),
            Noun::Audit(verb) => verb.run(),
            Noun::Doctor(doctor) => doctor.run(),
            Noun::Config(verb) => verb.run(),
            Noun::Compatibility(page) => page.run(),
            Noun::Header(header) => header.run(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use clap::CommandFactory;

    #[test]
    fn the_command_line_contradicts_itself_nowhere() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn every_command_has_an_example() {
        fn check(command: &clap::Command) {
            match command.has_subcommands() {
                true => command.get_subcommands().for_each(check),
                false => {
                    let help = command.get_after_help().map(ToString::to_string).unwrap_or_default();
                    let call = format!("cloister {}", command.get_name());
                    assert!(help.contains("Example"), "{call} has no example");
                }
            }
        }
        check(&Arguments::command());
    }

    #[test]
    fn no_option_takes_a_pin() {
        fn check(command: &clap::Command) {
            for argument in command.get_arguments() {
                let long = argument.get_long().unwrap_or_default();
                let harmless = long.ends_with("-file") || long.starts_with("with-");
                assert!(!long.contains("pin") || harmless, "--{long}");
            }
            command.get_subcommands().for_each(check);
        }
        check(&Arguments::command());
    }
}
